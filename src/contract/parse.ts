/** Input that a schema refuses becomes one invalid_argument that names every field. */
import type { z } from 'zod';
import { AppError, type FieldError } from '../core/errors.ts';

type Issue = z.core.$ZodIssue;

/** @throws invalid_argument */
export function parse<Schema extends z.ZodType>(schema: Schema, input: unknown): z.output<Schema> {
  const result = read(schema, input);
  if ('errors' in result) throw invalidFields(result.errors);
  return result.data;
}

/** The value, or every field at fault. */
export function read<Schema extends z.ZodType>(
  schema: Schema,
  input: unknown,
): { readonly data: z.output<Schema> } | { readonly errors: readonly FieldError[] } {
  const hidden = hiddenFields(input);
  const result = schema.safeParse(input, { error: words });
  if (result.success && hidden.length === 0) return { data: result.data };
  const errors = [...hidden, ...(result.error?.issues ?? []).flatMap(errorsOf)];
  const isFirst = ({ path, message }: FieldError, index: number) =>
    errors.findIndex((other) => other.path === path && other.message === message) === index;
  return { errors: errors.filter(isFirst) };
}

const errorsMax = 20;
/** No request is deeper. */
const depthMax = 8;
const unknownField = 'is not a field of this request';

/** One error that names every field at fault. */
export function invalidFields(all: readonly FieldError[]): AppError {
  const errors = all.slice(0, errorsMax);
  const [first] = errors;
  const message = first === undefined ? 'the input is not valid' : describe(first);
  return new AppError('invalid_argument', message, { errors });
}

function describe({ path, message }: FieldError): string {
  return path === '' ? message : `${path}: ${message}`;
}

function errorsOf(issue: Issue): readonly FieldError[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      path: fieldPath([...issue.path, key]),
      message: unknownField,
    }));
  }
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    const nearest = issue.errors.toSorted((a, b) => rootFaults(a) - rootFaults(b))[0] ?? [];
    return nearest.flatMap((inner) => errorsOf({ ...inner, path: [...issue.path, ...inner.path] }));
  }
  return [{ path: fieldPath(issue.path), message: messageOf(issue) }];
}

/** Of the forms that an input may have, the caller meant the one whose own fields it has. */
function rootFaults(issues: readonly Issue[]): number {
  return issues.reduce((sum, issue) => {
    if (issue.code === 'unrecognized_keys' && issue.path.length === 0) {
      return sum + issue.keys.length;
    }
    return sum + (issue.path.length <= 1 ? 1 : 0);
  }, 0);
}

function messageOf(issue: Issue): string {
  return issue.code === 'invalid_key' ? (issue.issues[0]?.message ?? issue.message) : issue.message;
}

const typeWords: Readonly<Record<string, string>> = {
  object: 'an object',
  record: 'an object',
  array: 'a list',
  string: 'text',
  number: 'a number',
  boolean: 'true or false',
};

/** What is wrong, where the schema itself does not say it. */
function words(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      if (issue.input === undefined) return 'is required';
      return `must be ${typeWords[issue.expected] ?? issue.expected}`;
    case 'invalid_value':
      return oneOf(issue.values);
    case 'invalid_union':
      return 'options' in issue && Array.isArray(issue.options) ? oneOf(issue.options) : undefined;
    case 'too_big':
      return `holds at most ${issue.maximum}${issue.origin === 'string' ? ' characters' : ''}`;
    case 'too_small':
      return `holds at least ${issue.minimum}${issue.origin === 'string' ? ' characters' : ''}`;
    case 'invalid_format':
      return `must be ${issue.format}`;
    default:
      return undefined;
  }
}

function oneOf(values: readonly unknown[]): string {
  return values.length === 1 ? `must be ${values[0]}` : `must be one of ${values.join(', ')}`;
}

/** A schema passes over a field of the name __proto__ where any name may come: it would be lost in silence. */
function hiddenFields(input: unknown): readonly FieldError[] {
  const found: FieldError[] = [];
  const rest: (readonly [value: unknown, path: readonly PropertyKey[]])[] = [[input, []]];
  for (let next = rest.pop(); next !== undefined; next = rest.pop()) {
    const [value, path] = next;
    if (typeof value !== 'object' || value === null || path.length > depthMax) continue;
    for (const [key, item] of Object.entries(value)) {
      const at = [...path, Array.isArray(value) ? Number(key) : key];
      if (key === '__proto__') found.push({ path: fieldPath(at), message: unknownField });
      else rest.push([item, at]);
    }
  }
  return found;
}

/** `faults[0].delayMs`, as the caller would write it. */
function fieldPath(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    return text === '' ? String(part) : `${text}.${String(part)}`;
  }, '');
}
