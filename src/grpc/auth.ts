/** Finds out who calls, before anything of a call is read. Health probes stay open. */
import { randomUUID } from 'node:crypto';
import {
  type Metadata,
  ResponderBuilder,
  ServerInterceptingCall,
  type ServerInterceptor,
  ServerListenerBuilder,
} from '@grpc/grpc-js';
import { identify, projectHeader } from '../api/keys.ts';
import { type Identity, nobody } from '../core/caller.ts';
import { invalidField } from '../core/errors.ts';
import type { Keys } from '../core/keys.ts';
import { toStatus } from './status.ts';

const openPrefix = '/grpc.health.v1.Health/';

/** By the metadata that a call came with, which its handler is given too. */
const identities = new WeakMap<Metadata, Identity>();

export function identityOf(metadata: Metadata): Identity {
  const identity = identities.get(metadata);
  if (identity === undefined) throw new TypeError('a call of operations is open to nobody unknown');
  return identity;
}

export function identification(keys: Keys): ServerInterceptor {
  return (method, call) => {
    const isOpen = method.path.startsWith(openPrefix);
    const listener = new ServerListenerBuilder()
      .withOnReceiveMetadata((metadata, next) => {
        const found = (identity: Identity) => {
          identities.set(metadata, identity);
          next(metadata);
        };
        const refused = (error: unknown) => call.sendStatus(toStatus(error, randomUUID()));
        if (isOpen) found(nobody);
        else whoIs(keys, metadata, ipOf(call.getPeer())).then(found, refused);
      })
      .build();
    return new ServerInterceptingCall(
      call,
      new ResponderBuilder().withStart((next) => next(listener)).build(),
    );
  };
}

export function ipOf(peer: string): string {
  return peer.replace(/:\d+$/, '');
}

async function whoIs(keys: Keys, metadata: Metadata, sourceIp: string): Promise<Identity> {
  const one = (name: string) => {
    const [value, ...more] = metadata.get(name).map(String);
    // What was sent twice comes joined.
    if (more.length === 0 && !value?.includes(', ')) return value;
    throw invalidField(name, 'is given more than once');
  };
  const shown = { authorization: one('authorization'), project: one(projectHeader) };
  return await identify(keys, { ...shown, sourceIp });
}
