/** Lets in who has the token. Health probes stay open. */
import { createHash, randomUUID, timingSafeEqual } from 'node:crypto';
import {
  type Metadata,
  ResponderBuilder,
  ServerInterceptingCall,
  type ServerInterceptor,
  ServerListenerBuilder,
} from '@grpc/grpc-js';
import { AppError, invalidField } from '../core/errors.ts';
import { toStatus } from './status.ts';

const openPrefix = '/grpc.health.v1.Health/';

export function bearerTokens(apiToken: string): ServerInterceptor {
  const wanted = digest(apiToken);
  return (method, call) => {
    if (method.path.startsWith(openPrefix)) return new ServerInterceptingCall(call);
    const listener = new ServerListenerBuilder()
      .withOnReceiveMetadata((metadata, next) => {
        const refused = refusal(metadata, wanted);
        if (refused === null) next(metadata);
        else call.sendStatus(toStatus(refused, randomUUID()));
      })
      .build();
    return new ServerInterceptingCall(
      call,
      new ResponderBuilder().withStart((next) => next(listener)).build(),
    );
  };
}

function refusal(metadata: Metadata, wanted: Buffer): AppError | null {
  const [value = '', ...more] = metadata.get('authorization').map(String);
  // What was sent twice comes joined.
  if (more.length > 0 || value.includes(', ')) {
    return invalidField('authorization', 'is given more than once');
  }
  const token = /^bearer +(\S+)$/i.exec(value)?.[1];
  if (token === undefined) {
    const message = 'wants the metadata authorization: Bearer <token>';
    return new AppError('unauthenticated', message);
  }
  // Digests have one length, so that the comparison tells nothing of the token.
  if (timingSafeEqual(digest(token), wanted)) return null;
  return new AppError('unauthenticated', 'the token is not valid');
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
