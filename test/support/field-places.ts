/**
 * Where a request has its fields, told alike for a schema of src/api and for a message of the protos: lines such as
 * `limits.maxBytes: number`, `faults[].close.mode: rst`. What one side has and the other lacks is a line of one of them.
 */
import protobuf from 'protobufjs';
import { z } from 'zod';
import { isTyped } from '../../src/grpc/differences.ts';

interface Schema {
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, Schema>>;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | false;
  readonly items?: Schema;
  readonly enum?: readonly string[];
  readonly const?: unknown;
  readonly type?: string | readonly string[];
  readonly format?: string;
}

export function placesOfSchema(schema: z.ZodType): readonly string[] {
  const whole = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Schema;
  return distinct(schemaPlaces(whole, '', whole.$defs ?? {}));
}

function schemaPlaces(
  schema: Schema,
  place: string,
  known: Readonly<Record<string, Schema>>,
): readonly string[] {
  const { $ref, anyOf, oneOf, properties, items, additionalProperties: values } = schema;
  const named = $ref === undefined ? undefined : known[$ref.replace('#/$defs/', '')];
  if (named !== undefined) return schemaPlaces(named, place, known);
  const forms = anyOf ?? oneOf;
  if (forms !== undefined) return forms.flatMap((form) => schemaPlaces(form, place, known));
  if (items !== undefined) return schemaPlaces(items, `${place}[]`, known);
  if (values) return [place, ...schemaPlaces(values, join(place, '*'), known)];
  if (properties === undefined) return leaf(schema).map((kind) => `${place}: ${kind}`);
  const { type, ...fields } = properties;
  const within = typeof type?.const === 'string' ? join(place, type.const) : place;
  const inner = Object.entries(fields).flatMap(([name, field]) =>
    schemaPlaces(field, join(within, name), known),
  );
  return [within, ...inner];
}

function leaf({ type, format, enum: words }: Schema): readonly string[] {
  if (words !== undefined) return words;
  const kinds = [type ?? 'unknown'].flat().filter((kind) => kind !== 'null');
  return kinds.map((kind) =>
    format === 'date-time' ? 'time' : kind === 'integer' ? 'number' : kind,
  );
}

type Decode = (bytes: Uint8Array) => object;

/** What becomes of each field of a message, by itself, and of each word of an enum. */
export function placesOfType(type: protobuf.Type, decode: Decode): readonly string[] {
  const read = [...singles(type)].map((message) =>
    decode(type.encode(type.fromObject(message)).finish()),
  );
  return distinct(read.flatMap((input) => inputPlaces(input, '')));
}

const text = 'some text';

/** Messages that have one field each. Beside it is the message of a typed oneof, each of them in turn. */
function* singles(type: protobuf.Type): Generator<object> {
  const variants = type.oneofsArray.find(isTyped)?.fieldsArray ?? [];
  const others = type.fieldsArray.filter((field) => !variants.includes(field));
  const common = others.flatMap((field) => [...withField(field)]);
  if (variants.length === 0) yield* [{}, ...common];
  for (const variant of variants) {
    yield* withField(variant);
    for (const one of common) yield { ...one, [variant.name]: {} };
  }
}

function* withField(field: protobuf.Field): Generator<object> {
  for (const value of values(field.resolve())) {
    yield { [field.name]: field.map ? { '*': value } : field.repeated ? [value] : value };
  }
}

function* values({ resolvedType, type }: protobuf.Field): Generator<unknown> {
  if (resolvedType instanceof protobuf.Enum) {
    yield* Object.values(resolvedType.values).filter((value) => value !== 0);
  } else if (/Timestamp|Duration/.test(resolvedType?.name ?? '')) {
    yield { seconds: 1, nanos: 0 };
  } else if (resolvedType instanceof protobuf.Type) {
    yield* singles(resolvedType);
  } else {
    yield type === 'string' ? text : type === 'bool' ? true : 1;
  }
}

function inputPlaces(value: unknown, place: string): readonly string[] {
  if (Array.isArray(value)) return value.flatMap((one) => inputPlaces(one, `${place}[]`));
  if (typeof value !== 'object' || value === null) return [`${place}: ${kindOf(value)}`];
  const { type, ...fields } = value as Readonly<Record<string, unknown>>;
  const within = typeof type === 'string' ? join(place, type) : place;
  const inner = Object.entries(fields).flatMap(([name, one]) =>
    inputPlaces(one, join(within, name)),
  );
  return [within, ...inner];
}

function kindOf(value: unknown): string {
  if (typeof value !== 'string') return typeof value;
  if (value === text) return 'string';
  return /^\d{4}-.*Z$/.test(value) ? 'time' : value;
}

function join(place: string, name: string): string {
  return place === '' ? name : `${place}.${name}`;
}

function distinct(places: readonly string[]): readonly string[] {
  return [...new Set(places)].filter((place) => place !== '').sort();
}
