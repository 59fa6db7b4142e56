/** Lets in who has the token. Health probes stay open. */
import { createHash, randomUUID, timingSafeEqual } from 'node:crypto';
import {
  type Metadata,
  ResponderBuilder,
  ServerInterceptingCall,
  type ServerInterceptor,
  ServerListenerBuilder,
} from '@grpc/grpc-js';
import { AppError } from '../core/errors.ts';
import { toStatus } from './status.ts';

const openPrefix = '/grpc.health.v1.Health/';

export function bearerTokens(apiToken: string): ServerInterceptor {
  const wanted = digest(apiToken);
  return (method, call) => {
    if (method.path.startsWith(openPrefix)) return new ServerInterceptingCall(call);
    const listener = new ServerListenerBuilder()
      .withOnReceiveMetadata((metadata, next) => {
        const token = bearerToken(metadata);
        // Digests have one length, so that the comparison tells nothing of the token.
        if (token !== null && timingSafeEqual(digest(token), wanted)) next(metadata);
        else call.sendStatus(toStatus(refusal(token), randomUUID()));
      })
      .build();
    return new ServerInterceptingCall(
      call,
      new ResponderBuilder().withStart((next) => next(listener)).build(),
    );
  };
}

function refusal(token: string | null): AppError {
  const message =
    token === null ? 'wants the metadata authorization: Bearer <token>' : 'the token is not valid';
  return new AppError('unauthenticated', message);
}

function bearerToken(metadata: Metadata): string | null {
  const [value, ...more] = metadata.get('authorization');
  if (typeof value !== 'string' || more.length > 0) return null;
  return /^bearer +(\S+)$/i.exec(value)?.[1] ?? null;
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
