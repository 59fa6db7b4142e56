/** The protos, loaded once: the services for grpc-js, the types for our own encoder. */
import { join } from 'node:path';
import type { ServiceDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { protoPath as healthProto } from 'grpc-health-check';
import protobuf from 'protobufjs';

const protoDir = join(import.meta.dirname, '../../proto');
const services = ['listener', 'connection', 'event'] as const;
const files = services.map((name) => `kodama/v1/${name}_service.proto`);

/** These options decide the generated types: scripts/generate.ts names the same. */
const packageDefinition = loadSync([...files, healthProto], {
  longs: String,
  enums: String,
  oneofs: true,
  includeDirs: [protoDir],
});

const root = new protobuf.Root();
root.resolvePath = (_origin, target) => join(protoDir, target);
root.loadSync(files).resolveAll();

export function serviceDefinition(name: string): ServiceDefinition {
  const definition = packageDefinition[name];
  if (definition === undefined || 'format' in definition) throw new TypeError(`no service ${name}`);
  return definition;
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
