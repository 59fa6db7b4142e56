/** The protos, loaded once: the services for grpc-js, the types for the codec. */
import { dirname, join } from 'node:path';
import type { MethodDefinition, ServiceDefinition } from '@grpc/grpc-js';
import { protoPath as healthProto } from 'grpc-health-check';
import protobuf from 'protobufjs';
import { AppError } from '../core/errors.ts';
import { ByteSink } from './byte-sink.ts';
import { EncodedPage } from './encoded-pages.ts';
import { type ListBounds, longListCheck } from './list-bounds.ts';
import { decoderOf } from './message-decoder.ts';
import { encoderOf } from './message-encoder.ts';

const protoDir = join(import.meta.dirname, '../../proto');
const services = [
  ...['listener', 'connection', 'event', 'project', 'key', 'audit', 'node', 'join_token'],
] as const;
const files = services.map((name) => `kodama/v1/${name}_service.proto`);

const root = new protobuf.Root();
root.resolvePath = (_origin, target) => join(protoDir, target);
root.loadSync(files);
root.resolvePath = (_origin, target) => join(dirname(healthProto), target);
root.loadSync('health.proto').resolveAll();

/** A handler is given what a request says as plain input, and answers with what core holds. */
export function serviceDefinition(name: string, lists: ListBounds): ServiceDefinition {
  const sink = new ByteSink();
  const definition = (method: protobuf.Method): MethodDefinition<object, object> => {
    method.resolve();
    const { resolvedRequestType: request, resolvedResponseType: response } = method;
    if (request === null || response === null) throw new TypeError(`${method.fullName}: no types`);
    const encode = encoderOf(response);
    return {
      path: `/${name}/${method.name}`,
      requestStream: method.requestStream === true,
      responseStream: method.responseStream === true,
      requestDeserialize: requestReader(request, lists),
      responseSerialize: (answer) => {
        if (answer instanceof EncodedPage) return answer.bytes;
        sink.at = 0;
        encode(answer, sink);
        return sink.take();
      },
      requestSerialize: clientsOnly,
      responseDeserialize: clientsOnly,
    };
  };
  const { methodsArray } = root.lookupService(name);
  return Object.fromEntries(methodsArray.map((method) => [method.name, definition(method)]));
}

/** grpc-js wants both sides of a method in its definition; a server calls only its own. */
function clientsOnly(): never {
  throw new TypeError('the side of a client');
}

/** What cannot be read is handed on as the error that the call then fails with. */
function requestReader(type: protobuf.Type, lists: ListBounds): (bytes: Buffer) => object {
  const refuseLongLists = longListCheck(type, lists);
  const decode = decoderOf(type);
  return (bytes) => {
    try {
      refuseLongLists(bytes);
      return decode(bytes);
    } catch (cause) {
      if (cause instanceof AppError) return cause;
      const message = `the request is no ${type.name}`;
      return new AppError('invalid_argument', message, { cause, errors: [{ path: '', message }] });
    }
  };
}

export function messageType(name: string): protobuf.Type {
  return root.lookupType(`kodama.v1.${name}`);
}
