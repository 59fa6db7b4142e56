/**
 * What core holds → bytes, by the protos' own description of a message. A field takes the value of its name; what is
 * null or undefined is left out, and what has no field is never shown. A word is a value of its enum, microseconds are
 * a Timestamp, and a `type` is its message of a oneof (see differences.ts). One pass writes it all.
 */
import protobuf from 'protobufjs';
import type { ByteSink } from './byte-sink.ts';
import { type Fields, type Find, finderOf, isTyped, typeWord, wordOf } from './differences.ts';
import { writeTimestamp } from './times.ts';

/** The parent is what the value lies in. */
export type Encoder = (value: object, sink: ByteSink, parent?: object) => void;

type Write = (value: unknown, sink: ByteSink, parent: Fields) => void;

interface FieldWriter {
  readonly name: string;
  /** Null where core has the field under its name. */
  readonly find: Find | null;
  readonly write: Write;
}

/** A tag, and the lengths and numbers of a field. */
const fieldBytesMax = 32;

export function encoderOf(type: protobuf.Type, known = new Map<protobuf.Type, Encoder>()): Encoder {
  const made = known.get(type);
  if (made !== undefined) return made;
  const writers: FieldWriter[] = [];
  const variants: Write[] = [];
  const bytesMax = type.fieldsArray.length * fieldBytesMax;
  const encoder: Encoder = (value, sink, parent = value) => {
    sink.reserve(bytesMax);
    const fields = value as Fields;
    for (const { name, find, write } of writers) {
      const one = find === null ? fields[name] : find(fields, parent as Fields);
      if (one !== undefined && one !== null) write(one, sink, fields);
    }
    for (const write of variants) write(fields, sink, fields);
  };
  known.set(type, encoder);
  for (const field of type.fieldsArray.toSorted((a, b) => a.id - b.id)) {
    if (isTyped(field.partOf)) continue;
    const write = writerOf(field.resolve(), known);
    writers.push({ name: field.name, find: finderOf(field), write });
  }
  for (const oneof of type.oneofsArray.filter(isTyped)) variants.push(variantWriter(oneof, known));
  return encoder;
}

/** The message of the `type` takes its fields from the same object as the message around it. */
function variantWriter(oneof: protobuf.OneOf, known: Map<protobuf.Type, Encoder>): Write {
  const writers = new Map(
    oneof.fieldsArray.map((field) => [typeWord(field), writerOf(field.resolve(), known)]),
  );
  return (value, sink, parent) => {
    const { type } = value as { readonly type: string };
    const write = writers.get(type);
    if (write === undefined) throw new TypeError(`${type} is no ${oneof.fullName}`);
    write(value, sink, parent);
  };
}

function writerOf(field: protobuf.Field, known: Map<protobuf.Type, Encoder>): Write {
  if (field instanceof protobuf.MapField) return mapWriter(field, known);
  const write = valueWriter(field, field.id, known);
  if (!field.repeated) return write;
  return (values, sink, parent) => {
    for (const value of values as readonly unknown[]) {
      sink.reserve(fieldBytesMax);
      write(value, sink, parent);
    }
  };
}

function valueWriter(
  field: protobuf.FieldBase,
  id: number,
  known: Map<protobuf.Type, Encoder>,
): Write {
  const tag = id * 8;
  const { resolvedType } = field;
  if (resolvedType instanceof protobuf.Type) return messageWriter(resolvedType, tag, known);
  if (resolvedType instanceof protobuf.Enum) return wordWriter(field, resolvedType, tag);
  switch (field.repeated && field.type !== 'string' ? 'list' : field.type) {
    case 'string':
      return (value, sink) => {
        sink.varint(tag + 2);
        sink.string(value as string);
      };
    case 'int32':
    case 'int64':
    case 'uint32':
    case 'uint64':
      return (value, sink) => {
        sink.varint(tag);
        sink.varint(value as number);
      };
    case 'bool':
      return (value, sink) => {
        sink.varint(tag);
        sink.byte(value === true ? 1 : 0);
      };
    case 'double':
      return (value, sink) => {
        sink.varint(tag + 1);
        sink.double(value as number);
      };
    default:
      // Numbers in a list would come here too, if there were any: they are packed.
      throw notWritten(field);
  }
}

function messageWriter(
  type: protobuf.Type,
  tag: number,
  known: Map<protobuf.Type, Encoder>,
): Write {
  const isTime = type.fullName === '.google.protobuf.Timestamp';
  const write = isTime ? (writeTimestamp as Write) : (encoderOf(type, known) as Write);
  return (value, sink, parent) => {
    sink.varint(tag + 2);
    const start = sink.begin();
    write(value, sink, parent);
    sink.end(start);
  };
}

function wordWriter(field: protobuf.FieldBase, type: protobuf.Enum, tag: number): Write {
  if (field.repeated) throw notWritten(field);
  const numbers = new Map(
    Object.entries(type.values).map(([name, number]) => [wordOf(name, type), number]),
  );
  return (word, sink) => {
    const number = numbers.get(word as string);
    if (number === undefined) throw new TypeError(`${word} is no ${type.name}`);
    sink.varint(tag);
    sink.varint(number);
  };
}

function notWritten(field: protobuf.FieldBase): TypeError {
  return new TypeError(`${field.fullName}: ${field.type} is not written here`);
}

/** On the wire a map is a list of entries, key 1 and value 2. */
function mapWriter(field: protobuf.MapField, known: Map<protobuf.Type, Encoder>): Write {
  if (field.keyType !== 'string') {
    throw new TypeError(`${field.fullName}: only keys that are strings are written here`);
  }
  const tag = field.id * 8 + 2;
  const write = valueWriter(field, 2, known);
  return (map, sink, parent) => {
    for (const [key, value] of Object.entries(map as object)) {
      sink.reserve(fieldBytesMax);
      sink.varint(tag);
      const start = sink.begin();
      sink.byte(0x0a);
      sink.string(key);
      sink.reserve(fieldBytesMax);
      write(value, sink, parent);
      sink.end(start);
    }
  };
}
