/**
 * Input that a schema refuses becomes one invalid_argument that names the fields at fault. What that costs, and what
 * is told, is bounded: no more than so many errors are made of however many faults, and none repeats a long text.
 */
import { z } from 'zod';
import { AppError, type FieldError } from '../core/errors.ts';
import { type TellUnknown, unknownFields } from './unknown-field.ts';

type Issue = z.core.$ZodIssue;

/** Of a change `fixed` are the fields that only a create has. @throws invalid_argument */
export function parse<Schema extends z.ZodType>(
  schema: Schema,
  input: unknown,
  fixed?: readonly string[],
): z.output<Schema> {
  const result = read(schema, input, fixed);
  if ('errors' in result) throw invalidFields(result.errors);
  return result.data;
}

/** The value, or the first of the fields at fault, each error once. */
export function read<Schema extends z.ZodType>(
  schema: Schema,
  input: unknown,
  fixed: readonly string[] = [],
): { readonly data: z.output<Schema> } | { readonly errors: readonly FieldError[] } {
  const result = schema.safeParse(input, { error: words });
  // What is hidden is looked for last: by then the schema has bounded how much there is to look through.
  const faults = result.success
    ? hiddenFields(input)
    : errorsOf(result.error.issues, { fixed, tellUnknown: unknownFields() });
  const errors = distinct([faults]);
  return result.success && errors.length === 0 ? { data: result.data } : { errors };
}

const errorsMax = 20;
/** Of a path or a message: a caller finds the field by its beginning. */
const textMax = 256;
/** No request is deeper. */
const depthMax = 8;
export const fixedField = 'can not be changed after creation';
/** Of a field that could have any name but this one. */
const noKey = 'is not allowed as a key';

/** The first errors, each once. */
function distinct(sources: readonly Iterable<FieldError>[]): readonly FieldError[] {
  const found = new Map<string, FieldError>();
  for (const source of sources) {
    for (const given of source) {
      if (found.size === errorsMax) return [...found.values()];
      const error = { path: shorten(given.path), message: shorten(given.message) };
      found.set(`${error.path}\0${error.message}`, error);
    }
  }
  return [...found.values()];
}

/** What a caller sent, to be shown again within an error. */
export function shorten(text: string): string {
  return text.length > textMax ? `${text.slice(0, textMax)}…`.toWellFormed() : text;
}

/** One error that names the fields at fault. */
export function invalidFields(...sources: readonly Iterable<FieldError>[]): AppError {
  const errors = distinct(sources);
  const [first] = errors;
  const message = first === undefined ? 'the input is not valid' : describe(first);
  return new AppError('invalid_argument', message, { errors });
}

function describe({ path, message }: FieldError): string {
  return path === '' ? message : `${path}: ${message}`;
}

interface Words {
  readonly fixed: readonly string[];
  readonly tellUnknown: TellUnknown;
}

/** One by one, so that no more are made than are told. */
function* errorsOf(
  issues: readonly Issue[],
  told: Words,
  at: readonly PropertyKey[] = [],
): Generator<FieldError, void, void> {
  for (const issue of issues) {
    const path = [...at, ...issue.path];
    if (issue.code === 'unrecognized_keys') {
      const fields = issue.message.split(' ');
      for (const key of issue.keys) {
        const isFixed = path.length === 0 && told.fixed.includes(key);
        const message = isFixed ? fixedField : told.tellUnknown(key, fields);
        yield { path: fieldPath([...path, key]), message };
      }
    } else if (issue.code === 'invalid_union' && issue.errors.length > 0) {
      const nearest = issue.errors.toSorted((a, b) => rootFaults(a) - rootFaults(b))[0] ?? [];
      yield* errorsOf(nearest, told, path);
    } else {
      yield { path: fieldPath(path), message: messageOf(issue) };
    }
  }
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
    case 'unrecognized_keys':
      // The fields that are there, for `errorsOf`: an issue keeps its message, and not its schema.
      return issue.inst instanceof z.ZodObject ? Object.keys(issue.inst.shape).join(' ') : '';
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

/** What lies in the input, and in what: its path is only made for what is at fault. */
interface Container {
  readonly value: unknown;
  readonly key: PropertyKey;
  readonly parent: Container | null;
  readonly depth: number;
}

/** A schema passes over a field of the name __proto__ where any name may come: it would be lost in silence. */
function* hiddenFields(input: unknown): Generator<FieldError, void, void> {
  const rest: Container[] = [{ value: input, key: '', parent: null, depth: 0 }];
  for (let container = rest.pop(); container !== undefined; container = rest.pop()) {
    const { value, depth } = container;
    if (!isContainer(value) || depth > depthMax) continue;
    const isList = Array.isArray(value);
    for (const key in value) {
      if (!Object.hasOwn(value, key)) continue;
      if (key === '__proto__') {
        yield { path: fieldPath([...pathOf(container), key]), message: noKey };
        continue;
      }
      const item = value[key];
      if (!isContainer(item)) continue;
      rest.push({
        value: item,
        key: isList ? Number(key) : key,
        parent: container,
        depth: depth + 1,
      });
    }
  }
}

function isContainer(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function pathOf(container: Container): readonly PropertyKey[] {
  return container.parent === null ? [] : [...pathOf(container.parent), container.key];
}

/** `faults[0].delayMs`, as the caller would write it. */
function fieldPath(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    const name = shorten(String(part));
    return text === '' ? name : `${text}.${name}`;
  }, '');
}
