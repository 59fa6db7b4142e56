/** What the driver throws → AppError: `unavailable` for all that another try may cure, the rest untouched. */
import { AppError } from '../core/errors.ts';

const retryAfterMs = 1000;

/** SQLSTATE classes and codes: https://www.postgresql.org/docs/current/errcodes-appendix.html */
const transientStates = [
  /^08/, // connection exception
  /^53/, // insufficient resources: too many connections, out of memory, disk full
  /^57P0[1-5]$/, // shutting down, starting up, crashed
  /^57014$/, // canceled by the statement's time-out
  /^55P03$/, // a lock was not to be had in time
  /^25006$/, // read-only: a standby, or one that has just stopped being the primary
  /^25P0[34]$/, // transaction time-outs
  /^40001$|^40P01$/, // serialization failure, deadlock
  /^58030$/, // I/O error
];

/** errno codes of the socket below. */
const transientErrnos = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ENOENT',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EMFILE',
  'ENFILE',
]);

/** pg has no codes for these. */
const transientMessages =
  /^(Query read timeout|timeout exceeded when trying to connect|Connection terminated|Client (has encountered a connection error|was closed) and is not queryable|Cannot use a pool after calling end on the pool|timeout expired|The server does not support SSL|got disconnected)/;

/** Prisma's codes for a database that cannot be reached, is slow, or closed the connection. */
const transientPrismaCodes = /^P(1001|1002|1008|1017|2024|2028|2034|2037)$/;

export function toAppError(error: unknown): unknown {
  if (error instanceof AppError) return error;
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof AppError) return cause;
    if (isTransient(cause)) {
      return new AppError('unavailable', 'the database is away', { cause: error, retryAfterMs });
    }
  }
  return error;
}

/**
 * Whether waiting at a start is in vain, though the same may be a moment's matter while kodama runs: a server that
 * lost its place to another, or a pooler that does. Null where it is worth it, else what to say.
 */
export function permanentReason(error: unknown): string | null {
  if (!(error instanceof Error)) return null;
  const { message } = error;
  if (/unsupported startup parameter/.test(message)) return `${message}: ${poolerHint}`;
  const isPermanent =
    sqlState(error) === '25006' || /^The server does not support SSL/.test(message);
  return isPermanent ? message : null;
}

/** Also for those who find out by other means that a pooler stands in between. */
export const poolerHint =
  'a connection pooler is in between; kodama needs connections of its own, so give it the address of PostgreSQL ' +
  'itself, or of a pooler in session mode';

function isTransient(error: Error): boolean {
  if (error instanceof AggregateError) return error.errors.some((one) => isTransient(one));
  const code = sqlState(error);
  if (code === null) return transientMessages.test(error.message);
  return (
    transientErrnos.has(code) ||
    transientPrismaCodes.test(code) ||
    transientStates.some((pattern) => pattern.test(code))
  );
}

/** The SQLSTATE of a server's error, or the errno of a socket's. */
function sqlState(error: Error): string | null {
  return 'code' in error && typeof error.code === 'string' ? error.code : null;
}

/** Whether the server refused a row for the unique constraint or index. */
export function isUniqueViolation(error: unknown, constraint: string): boolean {
  return (
    error instanceof Error &&
    sqlState(error) === '23505' &&
    'constraint' in error &&
    error.constraint === constraint
  );
}
