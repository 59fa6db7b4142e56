/**
 * Query strings hold text only. This reads them strictly into the values that a schema wants, by the types
 * of its fields, and hands them to the schema: unknown and repeated parameters are refused by name.
 */
import { parse as parseQueryString, unescape as unescaped } from 'node:querystring';
import { z } from 'zod';
import { invalidFields, read } from '../api/parse.ts';
import { unknownFields } from '../api/unknown-field.ts';
import type { FieldError } from '../core/errors.ts';

type RawQuery = Readonly<Record<string, string | readonly string[]>>;
type FieldType = 'whole_number' | 'flag' | 'list' | 'text';

const parametersMax = 1000;

/** For fastify: the text behind the question mark. Of what is not UTF-8 comes a text that is not well-formed. */
export function parseRawQuery(text: string): Record<string, unknown> {
  return parseQueryString(text, '&', '=', { maxKeys: parametersMax, decodeURIComponent: decoded });
}

function decoded(text: string): string {
  // A percent sign that is no escape stands for itself.
  const plain = unescaped(text);
  if (!plain.includes('\u{fffd}')) return plain;
  try {
    return decodeURIComponent(text);
  } catch {
    return '\u{d800}';
  }
}

/** Of a query as `parseRawQuery` leaves it. @throws invalid_argument that names every parameter at fault */
export function readQuery<Schema extends z.ZodObject>(
  schema: Schema,
  raw: unknown,
): z.output<Schema> {
  const faults: FieldError[] = [];
  const values: Record<string, unknown> = {};
  const tellUnknown = unknownFields();
  for (const [name, given] of Object.entries(raw as RawQuery)) {
    const field = Object.hasOwn(schema.shape, name) ? schema.shape[name] : undefined;
    const texts = typeof given === 'string' ? [given] : given;
    const type = field === undefined ? null : fieldType(field);
    if (type === null)
      faults.push({ path: name, message: tellUnknown(name, Object.keys(schema.shape)) });
    else if (!texts.every((one) => one.isWellFormed()))
      faults.push({ path: name, message: 'is not valid UTF-8' });
    else if (type === 'list') values[name] = texts;
    else if (texts.length > 1) faults.push({ path: name, message: 'is given more than once' });
    else values[name] = readValue(type, texts[0] ?? '');
  }
  const result = read(schema, values);
  if ('data' in result && faults.length === 0) return result.data;
  throw invalidFields([...faults, ...('errors' in result ? result.errors : [])]);
}

/** Text that is not of the type stays text, for the schema to refuse in its own words. */
function readValue(type: Exclude<FieldType, 'list'>, text: string): unknown {
  if (type === 'whole_number') return /^-?\d{1,16}$/.test(text) ? Number(text) : text;
  if (type === 'flag') return text === 'true' ? true : text === 'false' ? false : text;
  return text;
}

function fieldType(field: z.core.$ZodType): FieldType {
  if (
    field instanceof z.ZodDefault ||
    field instanceof z.ZodOptional ||
    field instanceof z.ZodNullable
  ) {
    return fieldType(field.unwrap());
  }
  if (field instanceof z.ZodPipe) return fieldType(field.in);
  if (field instanceof z.ZodNumber) return 'whole_number';
  if (field instanceof z.ZodBoolean) return 'flag';
  if (field instanceof z.ZodLiteral) return field.value === true ? 'flag' : 'text';
  return field instanceof z.ZodArray ? 'list' : 'text';
}
