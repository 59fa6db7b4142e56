/** Finds out who calls, before anything of a call is read. Health probes stay open. */
import { randomUUID } from 'node:crypto';
import {
  type Metadata,
  ResponderBuilder,
  ServerInterceptingCall,
  type ServerInterceptor,
  ServerListenerBuilder,
} from '@grpc/grpc-js';
import type { FailureLog } from '../api/failure-log.ts';
import { identify, projectHeader } from '../api/keys.ts';
import { type Caller, type Identity, nobody } from '../core/caller.ts';
import { invalidField } from '../core/errors.ts';
import type { Keys, Shown } from '../core/keys.ts';
import type { SocketSet } from '../edge-sockets/socket-set.ts';
import type { SourceIp } from '../edge-sockets/source-ip.ts';
import { operationOf } from './differences.ts';
import { toStatus } from './status.ts';

const openPrefix = '/grpc.health.v1.Health/';

/** Who calls, and from where. */
export interface Known extends Identity, Pick<Caller, 'sourceIp'> {}

/** By the metadata that a call came with, which its handler is given too. */
const known = new WeakMap<Metadata, Known>();

export function knownOf(metadata: Metadata): Known {
  const found = known.get(metadata);
  if (found === undefined) throw new TypeError('a call of operations is open to nobody unknown');
  return found;
}

export interface IdentificationOptions {
  readonly keys: Keys;
  readonly sourceIp: SourceIp;
  /** A connection that only probes has no call under way. */
  readonly sockets: Pick<SocketSet, 'callBegan'>;
  readonly failures: Pick<FailureLog, 'tell'>;
}

export function identification(options: IdentificationOptions): ServerInterceptor {
  const { keys, sourceIp, sockets, failures } = options;
  return (method, call) => {
    const isOpen = method.path.startsWith(openPrefix);
    const peer = call.getPeer();
    const over = isOpen ? () => undefined : sockets.callBegan(peer);
    let isLeft = false;
    const listener = new ServerListenerBuilder()
      .withOnReceiveMetadata((metadata, next) => {
        const source = sourceIp(peer.replace(/:\d+$/, ''), () =>
          metadata.get('x-forwarded-for').join(),
        );
        const found = (identity: Identity) => {
          known.set(metadata, { ...identity, sourceIp: source });
          next(metadata);
        };
        const requestId = randomUUID();
        const refused = (error: unknown) => {
          failures.tell(error, { requestId, route: method.path, isLeft });
          call.sendStatus(toStatus(error, requestId));
        };
        const of = { sourceIp: source, requestId, operation: operationOf(method.path) };
        if (isOpen) found(nobody);
        else whoIs(keys, metadata, of).then(found, refused);
      })
      // A cancel comes at the end of each call, however that ends.
      .withOnCancel(() => {
        isLeft = true;
        over();
      })
      .build();
    return new ServerInterceptingCall(
      call,
      new ResponderBuilder().withStart((next) => next(listener)).build(),
    );
  };
}

export function userAgentOf(metadata: Metadata): string | null {
  const [userAgent] = metadata.get('user-agent').map(String);
  return userAgent ?? null;
}

/** @throws invalid_argument for what is given more than once */
export function singleOf(metadata: Metadata, name: string): string | undefined {
  const [value, ...more] = metadata.get(name).map(String);
  // What was sent twice comes joined.
  if (more.length === 0 && !value?.includes(', ')) return value;
  throw invalidField(name, 'is given more than once');
}

async function whoIs(
  keys: Keys,
  metadata: Metadata,
  of: Pick<Shown, 'sourceIp' | 'requestId' | 'operation'>,
): Promise<Identity> {
  const authorization = singleOf(metadata, 'authorization');
  const shown = { authorization, project: singleOf(metadata, projectHeader) };
  return await identify(keys, { ...shown, ...of, userAgent: userAgentOf(metadata) });
}
