/**
 * The failures that a caller can act on. Core throws them; each edge has one complete table from code to
 * its own status. Anything else that is thrown is a bug and reads as `internal` outside.
 */

export const errorCodes = [
  'invalid_argument',
  'unauthenticated',
  'permission_denied',
  'port_reserved',
  'port_privileged',
  'not_found',
  'already_exists',
  'port_in_use',
  'failed_precondition',
  'idempotency_mismatch',
  'not_met',
  'cursor_expired',
  'resource_exhausted',
  'unavailable',
  'internal',
] as const;

export type ErrorCode = (typeof errorCodes)[number];

/** One field of the input that is wrong: `path` as the caller wrote it, such as `limits.idleTimeoutMs`. */
export interface FieldError {
  readonly path: string;
  readonly message: string;
}

/** What a code carries beyond its message; each edge shows all of it. */
export interface ErrorDetails {
  /** invalid_argument: every field that is wrong. */
  readonly errors?: readonly FieldError[];
  /** port_in_use, already_exists: the id of who has it in the caller's project; of a port also `foreign`, `resting`. */
  readonly owner?: string;
  /** cursor_expired: the oldest seq that can still be read; resume with `oldestSeq - 1`. */
  readonly oldestSeq?: number;
  /** cursor_expired of another log (why: log_changed): the id of the one that is there. */
  readonly log?: string;
  /** A cursor above the head: where the head is. */
  readonly headSeq?: number;
  /** resource_exhausted: the name of the limit, and its value. */
  readonly limit?: string;
  readonly limitValue?: number;
  /** cursor_expired: log_changed. not_met: why the wait ended, what was counted and wanted, and where the log stood. */
  readonly why?: string;
  readonly count?: number;
  readonly min?: number;
  readonly max?: number;
  readonly seq?: number;
  /** permission_denied: what the caller's key would have to hold. */
  readonly scope?: string;
  /** unavailable, resource_exhausted: when to try again. */
  readonly retryAfterMs?: number;
  /** Of several that are made together: which one it is about, from 0. The operation tells it as a path. */
  readonly item?: number;
}

export class AppError extends Error {
  override readonly name = 'AppError';
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, message: string, options: ErrorDetails & { cause?: unknown } = {}) {
    const { cause, ...details } = options;
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.details = details;
  }
}

/** unavailable: it may have been done, or may be yet, and nobody undoes it; who asks again can look for it. */
export class Unsettled extends AppError {
  constructor(message: string, options: { readonly cause?: unknown } = {}) {
    super('unavailable', message, { retryAfterMs: 1000, ...options });
  }
}

/** What failed as unavailable, and may have been done all the same; any other failure as it is. */
export function unsettled(error: unknown): unknown {
  if (!(error instanceof AppError) || error.code !== 'unavailable') return error;
  return new Unsettled(error.message, { cause: error });
}

/** Another process has taken this one's place in the logs: nothing that it holds is its own any more. */
export class PlaceLost extends AppError {
  constructor(nodeId: string, why = `another process has taken the place of node ${nodeId}`) {
    super('failed_precondition', why);
  }

  /** For those who wait for a commit: another process can do what this one could not, so that they come again. */
  forCallers(): AppError {
    return new Unsettled(this.message, { cause: this });
  }
}

/** The database has gone back: nobody has a place in the logs any more, and each log has another id. */
export class StoreWentBack extends PlaceLost {
  constructor(nodeId: string) {
    super(
      nodeId,
      `the database lacks what was committed to it as node ${nodeId}, as after a failover to a standby that was behind: ` +
        'each log has a new id, and cursors of before are refused',
    );
  }
}

/** unavailable: a node is up in whose place something was to be done. Who looks for it again finds it there. */
export class NodeUp extends AppError {
  constructor(nodeId: string, what: string) {
    super('unavailable', `${what} is on node ${nodeId}, which is up`, { retryAfterMs: 1000 });
  }
}

/** unavailable: what streams and waits end with at a stop. */
export class ShuttingDown extends AppError {
  constructor() {
    super('unavailable', 'shutting down: resume from the last seq', { retryAfterMs: 1000 });
  }
}

/** invalid_argument for one field. */
export function invalidField(path: string, message: string): AppError {
  return new AppError('invalid_argument', `${path}: ${message}`, { errors: [{ path, message }] });
}

/** What is about one thing, whatever becomes of others beside it. */
const ofOneThing: ReadonlySet<ErrorCode> = new Set([
  ...(['invalid_argument', 'permission_denied', 'port_reserved', 'port_privileged'] as const),
  ...(['already_exists', 'port_in_use'] as const),
]);

/** Work for one of several. @throws what the work throws, with its `item` where it is about that one */
export async function ofItem<Result>(item: number, work: Promise<Result>): Promise<Result> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof AppError) || !ofOneThing.has(error.code)) throw error;
    const { code, message, details, cause } = error;
    throw new AppError(code, message, { ...details, item, cause });
  }
}

/** resource_exhausted: a bound of this name. */
export function limitReached(limit: string, limitValue: number, message: string): AppError {
  return new AppError('resource_exhausted', message, { limit, limitValue });
}

/** resource_exhausted for a new key: those that are kept were promised. */
export function idempotencyFull(
  limit: 'idempotencyKeysMax' | 'idempotencyAnswerBytesMax',
  limitValue: number,
): AppError {
  const what = limit === 'idempotencyKeysMax' ? 'keys' : 'bytes of answers';
  const message = `Idempotency-Key: ${limitValue} ${what} are kept already; send it without a key, or later`;
  return new AppError('resource_exhausted', message, { limit, limitValue, retryAfterMs: 60_000 });
}

/** By a listener of the same project, where it is known which. */
export function nameTaken(
  name: string,
  known: { readonly owner?: string; readonly item?: number | undefined } = {},
): AppError {
  const { owner, item } = known;
  const message = owner === undefined ? 'is taken' : `is taken by listener ${owner}`;
  const details = {
    errors: [{ path: 'name', message }],
    ...(owner !== undefined && { owner }),
    ...(item !== undefined && { item }),
  };
  return new AppError('already_exists', `the name ${name} ${message}`, details);
}

export function hasCode(error: unknown, code: ErrorCode): boolean {
  return error instanceof AppError && error.code === code;
}
