/** The protos → arbitraries of their messages, as bytes: what fits, and what nobody should send. */
import { join } from 'node:path';
import fc from 'fast-check';
import protobuf from 'protobufjs';
import { hostileText } from './hostile-values.ts';

const protoDir = join(import.meta.dirname, '../../proto');
const root = new protobuf.Root();
root.resolvePath = (_origin, target) => join(protoDir, target);
root
  .loadSync(['listener', 'connection', 'event'].map((name) => `kodama/v1/${name}_service.proto`))
  .resolveAll();

interface Method {
  readonly path: string;
  readonly request: protobuf.Type;
}

export const methods: readonly Method[] = [
  'kodama.v1.ListenerService',
  'kodama.v1.ConnectionService',
  'kodama.v1.EventService',
].flatMap((name) =>
  root.lookupService(name).methodsArray.map((method) => ({
    path: `/${name}/${method.name}`,
    request: root.lookupType(`kodama.v1.${method.requestType}`),
  })),
);

export interface Knobs {
  /** Whether fields may have any value of their type, or only such as people give them. */
  readonly isWild: boolean;
}

type Fields = { readonly [name: string]: unknown };

/** Messages of the type as plain objects; each field is there or not. */
export function messagesOf(type: protobuf.Type, knobs: Knobs, depth = 0): fc.Arbitrary<Fields> {
  const fields = type.fieldsArray
    .filter((field) => depth < 4 || !(field.resolvedType instanceof protobuf.Type))
    .map((field) => {
      const value = fc.oneof(
        {
          weight: /^(id|faultName)$/.test(field.name) ? 30 : 1,
          arbitrary: fieldValues(field, knobs, depth),
        },
        { weight: 3, arbitrary: fc.constant(undefined) },
      );
      return value.map((one): (readonly [string, unknown])[] =>
        one === undefined ? [] : [[field.name, one]],
      );
    });
  return fc.tuple(...fields).map((given) => Object.fromEntries(given.flat()));
}

function fieldValues(field: protobuf.Field, knobs: Knobs, depth: number): fc.Arbitrary<unknown> {
  const one = singleValues(field, knobs, depth);
  if (field instanceof protobuf.MapField) {
    const label = knobs.isWild ? hostileText : fc.constantFrom('env', 'team', 'a/b.c');
    return fc.dictionary(label, one, { maxKeys: 3, noNullPrototype: true });
  }
  if (!field.repeated) return one;
  if (!knobs.isWild) return fc.array(one, { maxLength: 2 });
  // One more than any list holds, each of them short: the message is not to be too large.
  const many = one.map((item) =>
    Array(101).fill(typeof item === 'string' ? item.slice(0, 99) : item),
  );
  return fc.oneof(fc.array(one, { maxLength: 3 }), many);
}

function singleValues(field: protobuf.Field, knobs: Knobs, depth: number): fc.Arbitrary<unknown> {
  const { resolvedType, type, name } = field;
  if (resolvedType instanceof protobuf.Enum) {
    const known = fc.constantFrom(...Object.values(resolvedType.values));
    return knobs.isWild ? fc.oneof(known, fc.constantFrom(-1, 99, 2 ** 31 - 1)) : known;
  }
  if (resolvedType?.fullName === '.google.protobuf.FieldMask') return masks(knobs);
  if (resolvedType?.fullName === '.google.protobuf.Timestamp') return timestamps(knobs);
  if (resolvedType instanceof protobuf.Type) return messagesOf(resolvedType, knobs, depth + 1);
  switch (type) {
    case 'string':
      return knobs.isWild ? fc.oneof(hostileText, texts(name)) : texts(name);
    case 'bool':
      return fc.boolean();
    case 'double':
      return knobs.isWild ? fc.double() : fc.double({ min: 0, max: 1, noNaN: true });
    case 'uint32':
      if (/^(from|to)$/.test(name) && !knobs.isWild)
        return fc.integer({ min: 20_000, max: 20_003 });
      return fc.oneof(small, fc.constantFrom(0, knobs.isWild ? 2 ** 32 - 1 : 1));
    case 'int32':
      return fc.oneof(small, fc.constantFrom(knobs.isWild ? -(2 ** 31) : 1, 2 ** 31 - 1));
    default:
      return knobs.isWild ? fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(String) : small;
  }
}

const small = fc.integer({ min: 0, max: 70_000 });

/** Stand for the ids of a listener and of a connection that there are: as long as a UUID. */
export const aListener = '00000000-0000-0000-0000-00000a11500e';
export const aConnection = '00000000-0000-0000-0000-0000c0112300';

function texts(name: string): fc.Arbitrary<string> {
  if (/cidr|raddr/i.test(name)) return fc.constantFrom('10.0.0.0/8', '127.0.0.1', '::/0');
  if (name === 'host') return fc.constantFrom('127.0.0.1', '127.0.0.2', '::1', 'localhost');
  if (name === 'id' || name === 'listener')
    return fc.constantFrom('fixture', aListener, aConnection);
  if (name === 'faultName') return fc.constant('fixture');
  if (name === 'listenerIds') return fc.constant(aListener);
  if (name === 'connectionIds') return fc.constant(aConnection);
  if (name === 'pageToken') return fc.constant('');
  return fc.constantFrom('a', 'b-1', 'YQ==');
}

function masks({ isWild }: Knobs): fc.Arbitrary<Fields> {
  const path = fc.constantFrom('name', 'labels', 'faults', 'limits', 'limits.max_bytes', 'ttl_ms');
  const any = isWild ? fc.oneof(path, hostileText) : path;
  return fc.record({ paths: fc.array(any, { maxLength: 3 }) });
}

function timestamps({ isWild }: Knobs): fc.Arbitrary<Fields> {
  const good = fc.record({
    seconds: fc.integer({ min: 0, max: 4e9 }),
    nanos: fc.nat({ max: 999_999_999 }),
  });
  const bad = fc.record({
    seconds: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
    nanos: fc.integer(),
  });
  return isWild ? fc.oneof(good, bad) : good;
}

export function encode(type: protobuf.Type, message: Fields): Buffer {
  return Buffer.from(type.encode(type.fromObject(message)).finish());
}

/** Bytes that were a message before something happened to them. */
export function damaged(bytes: fc.Arbitrary<Buffer>): fc.Arbitrary<Buffer> {
  const place = fc.nat({ max: 10_000 });
  return fc.oneof(
    fc.tuple(bytes, place).map(([all, at]) => all.subarray(0, at % (all.length + 1))),
    fc.tuple(bytes, place, fc.nat({ max: 255 })).map(([all, at, byte]) => {
      const copy = Buffer.from(all);
      if (copy.length > 0) copy[at % copy.length] = byte;
      return copy;
    }),
    fc.tuple(bytes, fc.uint8Array({ maxLength: 20 })).map((parts) => Buffer.concat(parts)),
    fc.uint8Array({ maxLength: 60 }).map((all) => Buffer.from(all)),
    // Groups in groups, and lengths that are not there.
    fc.nat({ max: 5000 }).map((depth) => Buffer.alloc(depth, 0x0b)),
    fc.constant(Buffer.from('0affffffff0f', 'hex')),
    fc.constant(Buffer.from('0affffffffffffffffff7f', 'hex')),
  );
}
