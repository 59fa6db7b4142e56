/** Input that a schema refuses becomes one invalid_argument that names every field. */
import type { z } from 'zod';
import { AppError, type FieldError } from '../core/errors.ts';

type Issue = z.core.$ZodIssue;

/** @throws invalid_argument */
export function parse<Schema extends z.ZodType>(schema: Schema, input: unknown): z.output<Schema> {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  throw invalidFields(fieldErrors(result.error.issues));
}

const errorsMax = 20;

/** One error that names every field at fault. */
export function invalidFields(all: readonly FieldError[]): AppError {
  const errors = all.slice(0, errorsMax);
  const [first] = errors;
  const message = first === undefined ? 'the input is not valid' : describe(first);
  return new AppError('invalid_argument', message, { errors });
}

export function fieldErrors(issues: readonly Issue[]): readonly FieldError[] {
  return issues.flatMap(errorsOf);
}

function describe({ path, message }: FieldError): string {
  return path === '' ? message : `${path}: ${message}`;
}

function errorsOf(issue: Issue): readonly FieldError[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      path: fieldPath([...issue.path, key]),
      message: 'is not a field of this request',
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
  if (issue.code === 'invalid_type' && issue.message.endsWith('received undefined')) {
    return 'is required';
  }
  if (issue.code === 'invalid_key') return issue.issues[0]?.message ?? issue.message;
  return issue.message;
}

/** `faults[0].delayMs`, as the caller would write it. */
function fieldPath(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    return text === '' ? String(part) : `${text}.${String(part)}`;
  }, '');
}
