/** The protos, loaded once: the services for grpc-js, the types for our own encoder. */
import { dirname, join } from 'node:path';
import type { MethodDefinition, ServiceDefinition } from '@grpc/grpc-js';
import { protoPath as healthProto } from 'grpc-health-check';
import protobuf from 'protobufjs';
import { AppError } from '../core/errors.ts';
import { ByteSink } from './byte-sink.ts';
import { type ListBounds, longListCheck } from './list-bounds.ts';
import { encoderOf } from './message-encoder.ts';

const protoDir = join(import.meta.dirname, '../../proto');
const services = ['listener', 'connection', 'event'] as const;
const files = services.map((name) => `kodama/v1/${name}_service.proto`);

const root = new protobuf.Root();
root.resolvePath = (_origin, target) => join(protoDir, target);
root.loadSync(files);
root.resolvePath = (_origin, target) => join(dirname(healthProto), target);
root.loadSync('health.proto').resolveAll();

/** What the generated types say of a request; scripts/generate.ts names the same options. */
const requestOptions = { longs: String, enums: String, oneofs: true } as const;

/** Messages that a service answers with have their enums as numbers: see EnumWords. */
export function serviceDefinition(name: string, lists: ListBounds): ServiceDefinition {
  const sink = new ByteSink();
  const definition = (method: protobuf.Method): MethodDefinition<object, object> => {
    method.resolve();
    const { resolvedRequestType: request, resolvedResponseType: response } = method;
    if (request === null || response === null) throw new TypeError(`${method.fullName}: no types`);
    const encode = encoderOf(response);
    const refuseLongLists = longListCheck(request, lists);
    return {
      path: `/${name}/${method.name}`,
      requestStream: method.requestStream === true,
      responseStream: method.responseStream === true,
      requestDeserialize: (bytes) => decode(request, refuseLongLists, bytes),
      responseSerialize: (message) => {
        sink.at = 0;
        encode(message, sink);
        return sink.take();
      },
      requestSerialize: (message) => Buffer.from(request.encode(message).finish()),
      responseDeserialize: (bytes) => response.toObject(response.decode(bytes), requestOptions),
    };
  };
  const { methodsArray } = root.lookupService(name);
  return Object.fromEntries(methodsArray.map((method) => [method.name, definition(method)]));
}

/** What cannot be read is handed on as the error that the call then fails with. */
function decode(
  type: protobuf.Type,
  refuseLongLists: (bytes: Buffer) => void,
  bytes: Buffer,
): object {
  try {
    refuseLongLists(bytes);
    return type.toObject(type.decode(bytes), requestOptions);
  } catch (cause) {
    if (cause instanceof AppError) return cause;
    const message = `the request is no ${type.name}`;
    return new AppError('invalid_argument', message, { cause, errors: [{ path: '', message }] });
  }
}

export function messageType(name: string): protobuf.Type {
  return root.lookupType(`kodama.v1.${name}`);
}

export interface EnumWords<Value, Word extends string> {
  toEnum(word: Word): Value;
  /** Undefined for what is unspecified; what no proto names stays as it is, so that it is refused by name. */
  toWord(value: string | number | undefined): string | undefined;
}

/**
 * Core's words and their values in an enum of the protos, both ways: `half_closed` is
 * CONNECTION_STATE_HALF_CLOSED of ConnectionState.
 */
export function enumWords<Value extends string | number, Word extends string>(
  enumName: string,
  words: readonly Word[],
): EnumWords<Value, Word> {
  const { values } = root.lookupEnum(`kodama.v1.${enumName}`);
  const prefix = enumName.replace(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase();
  const byWord = new Map<Word, Value>();
  const byName = new Map<string | number, string | undefined>();
  byName.set(`${prefix}_UNSPECIFIED`, undefined);
  for (const word of words) {
    const name = `${prefix}_${word.toUpperCase().replace(/^TLSV/, '').replaceAll('.', '_')}`;
    const value = values[name];
    if (value === undefined) throw new TypeError(`${enumName} has no ${name}`);
    byWord.set(word, value as Value);
    byName.set(name, word);
  }
  return {
    toEnum(word) {
      const value = byWord.get(word);
      if (value === undefined) throw new TypeError(`${word} is no ${enumName}`);
      return value;
    },
    toWord(value) {
      if (value === undefined) return undefined;
      return byName.has(value) ? byName.get(value) : String(value);
    },
  };
}
