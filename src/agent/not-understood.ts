import { AppError } from '../core/errors.ts';

/** Of a replica of another version: callers hear of it, and the session goes on. */
export function notUnderstood(what: string): AppError {
  const message = `the agent of this node is of another version, and does not understand ${what}`;
  return new AppError('failed_precondition', message);
}
