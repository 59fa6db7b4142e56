/**
 * Bytes → a plain object that the schemas of src/api read, laid out as the JSON of REST is: the twin of the encoder, by
 * the same description of a message. What is not there is absent, and so is a word that is not specified.
 */
import { isUtf8 } from 'node:buffer';
import protobuf from 'protobufjs';
import { AppError } from '../core/errors.ts';
import { isFlat, isTyped, jsonName, typeWord, wordOf } from './differences.ts';
import { durationMs, timeText } from './times.ts';

/** What came, before anyone has looked at it. */
export type Input = Readonly<Record<string, unknown>>;

/** Throws for bytes that are no message of its type, or hold a text that is not UTF-8. */
export type Decoder = (bytes: Uint8Array) => Input;

/** Takes a value as protobufjs decodes it. */
type Read = (value: never) => unknown;
/** Adds a field of the message to the input, where it is there. */
type FieldReader = (message: Input, input: Record<string, unknown>) => void;

export function decoderOf(type: protobuf.Type): Decoder {
  const read = messageReader(type);
  return (bytes) => read(type.decode(strictReader(bytes)));
}

/** By itself a reader of protobufjs makes U+FFFD of what is not UTF-8, which proto3 has parsers refuse. */
function strictReader(bytes: Uint8Array): protobuf.Reader {
  const reader = protobuf.Reader.create(bytes);
  const read = reader.string;
  reader.string = () => {
    const begin = reader.pos;
    const text = read.call(reader);
    // Only then it may have been made of something else.
    if (!text.includes('\u{fffd}')) return text;
    reader.pos = begin;
    if (!isUtf8(reader.bytes())) throw notUtf8();
    return text;
  };
  return reader;
}

function notUtf8(): AppError {
  const message = 'a text of the request is not valid UTF-8';
  return new AppError('invalid_argument', message, { errors: [{ path: '', message }] });
}

function messageReader(type: protobuf.Type): (message: object) => Input {
  const readers = [
    ...type.fieldsArray.filter(({ partOf }) => !isTyped(partOf)).map(fieldReader),
    ...type.oneofsArray.filter(isTyped).map(typeReader),
  ];
  return (message) => {
    const input: Record<string, unknown> = {};
    for (const readField of readers) readField(message as Input, input);
    return input;
  };
}

function fieldReader(field: protobuf.Field): FieldReader {
  const read = readerOf(field.resolve());
  const { name } = field;
  const key = jsonName(field);
  const isMerged = isFlat(field);
  const isMany = field.repeated || field.map;
  return (message, input) => {
    if (!Object.hasOwn(message, name)) return;
    const value = message[name];
    if (isMany && Object.keys(value as object).length === 0) return;
    const given = read(value as never);
    if (isMerged) Object.assign(input, given);
    else if (given !== undefined) input[key] = given;
  };
}

/** A oneof is the name of its field that came last. */
function typeReader(oneof: protobuf.OneOf): FieldReader {
  const readers = oneof.fieldsArray.map((field): readonly [unknown, FieldReader] => {
    const type = typeWord(field);
    const read = readerOf(field.resolve());
    return [
      field.name,
      (message, input) => Object.assign(input, { type }, read(message[field.name] as never)),
    ];
  });
  const byName = new Map(readers);
  return (message, input) => byName.get(message[oneof.name])?.(message, input);
}

function readerOf(field: protobuf.Field): Read {
  const read = valueReader(field);
  if (field.map || !field.repeated) return read;
  return (values: readonly never[]) => values.map(read);
}

function valueReader(field: protobuf.Field): Read {
  const { resolvedType, type } = field;
  if (resolvedType instanceof protobuf.Enum) return wordReader(field, resolvedType);
  const kind = resolvedType?.fullName ?? type;
  switch (field.map && kind !== 'string' ? 'map' : kind) {
    case '.google.protobuf.Timestamp':
      return timeText;
    case '.google.protobuf.Duration':
      return durationMs;
    case 'int64':
    case 'uint64':
      // Beyond what a double holds exactly the schemas refuse it.
      return Number;
    case 'string':
    case 'bool':
    case 'int32':
    case 'uint32':
    case 'double':
      return (value: unknown) => value;
    default:
      if (resolvedType instanceof protobuf.Type && !field.map) return messageReader(resolvedType);
      throw new TypeError(`${field.fullName}: ${type} is not read here`);
  }
}

/** What no proto names is refused by its number; in a list also what is not specified, as it would else mean all. */
function wordReader({ repeated }: protobuf.Field, type: protobuf.Enum): Read {
  const words = new Map(
    Object.entries(type.values).map(([name, number]) => [number, wordOf(name, type)]),
  );
  return (number: number) =>
    number === 0 && !repeated ? undefined : (words.get(number) ?? String(number));
}
