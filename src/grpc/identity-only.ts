/**
 * Messages come as they are. A compressed one grows a thousandfold, and grpc-js inflates all that one window of flow
 * control holds at once; a request of this API gains nothing by it. The answer to one says what is taken instead.
 * https://github.com/grpc/grpc/blob/master/doc/compression.md
 */
import { randomUUID } from 'node:crypto';
import {
  type Metadata,
  ResponderBuilder,
  ServerInterceptingCall,
  type ServerInterceptor,
  ServerListenerBuilder,
  status,
} from '@grpc/grpc-js';
import { invalidField } from '../core/errors.ts';
import type { CallStreams } from './call-streams.ts';
import { toStatus } from './status.ts';

const identity = 'identity';

export function identityOnly(streams: CallStreams): ServerInterceptor {
  return (_, call) => {
    const { encoding } = streams.newest;
    const responder = new ResponderBuilder().withSendMetadata((metadata, next) =>
      next(accepting(metadata)),
    );
    if (encoding !== identity) {
      const listener = new ServerListenerBuilder()
        .withOnReceiveMetadata(() => call.sendStatus(refusal()))
        .build();
      responder.withStart((next) => next(listener));
    }
    return new ServerInterceptingCall(call, responder.build());
  };
}

function refusal() {
  const error = invalidField('grpc-encoding', 'a message is taken as it is, without compression');
  const refused = toStatus(error, randomUUID(), { status: status.UNIMPLEMENTED });
  return { ...refused, metadata: accepting(refused.metadata) };
}

function accepting(metadata: Metadata): Metadata {
  metadata.set('grpc-accept-encoding', identity);
  return metadata;
}
