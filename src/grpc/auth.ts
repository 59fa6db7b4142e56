/** Finds out who calls, before anything of a call is read. Health probes stay open. */
import { randomUUID } from 'node:crypto';
import {
  type Metadata,
  ResponderBuilder,
  ServerInterceptingCall,
  type ServerInterceptor,
  ServerListenerBuilder,
} from '@grpc/grpc-js';
import { identify } from '../api/keys.ts';
import { type Identity, type Keys, nobody } from '../core/caller.ts';
import { invalidField } from '../core/errors.ts';
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
        else whoIs(keys, metadata).then(found, refused);
      })
      .build();
    return new ServerInterceptingCall(
      call,
      new ResponderBuilder().withStart((next) => next(listener)).build(),
    );
  };
}

async function whoIs(keys: Keys, metadata: Metadata): Promise<Identity> {
  const [value, ...more] = metadata.get('authorization').map(String);
  // What was sent twice comes joined.
  if (more.length > 0 || value?.includes(', ')) {
    throw invalidField('authorization', 'is given more than once');
  }
  return await identify(keys, value);
}
