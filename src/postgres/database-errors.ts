/**
 * What the driver throws → AppError: `unavailable` for all that time or a person may cure, the rest untouched.
 *
 *   it passes by itself      away, busy, full, slow                   a start waits for it
 *   a person must mend it    rights, password, database, files        a start fails with it
 *   the statement's fault    its data, its size, its keys, a bug      no other try helps
 */
import { AppError } from '../core/errors.ts';

const retryAfterMs = 1000;

/** SQLSTATE classes and codes: https://www.postgresql.org/docs/current/errcodes-appendix.html */
const passingStates = [
  /^08/, // connection exception
  /^0A000$/, // a plan of before a migration: the next connection makes another
  /^25006$/, // read-only: a standby, or one that has just stopped being the primary
  /^25P0[34]$/, // transaction time-outs
  /^40/, // serialization failure, deadlock
  /^53/, // insufficient resources: too many connections, out of memory, disk full
  /^55(006|P03)$/, // an object is in use, a lock was not to be had in time
  /^57P0[1-5]$/, // shutting down, starting up, crashed
  /^57014$/, // canceled, mostly by the statement's time-out
  /^58030$/, // I/O error
];
const mendableStates = [
  /^28/, // the role may not log in, or its password is another by now
  /^3D000$/, // the database is gone
  /^42501$/, // the role's rights do not suffice
  /^55000$/, // the database takes no connections
  /^58/, // a file of the server is gone
  /^F0/, // the server's configuration
  /^XX00[12]$/, // corrupted data or index
];

/** Refused for what was to be written: its values, its keys, its size. The next append may be well. */
const contentStates = /^(21|22|23|54)/;

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
  // What Prisma's adapter makes of these at a BEGIN or a COMMIT.
  'ConnectionClosed',
  'DatabaseNotReachable',
  'SocketTimeout',
]);

/** pg has no codes for these. */
const transientMessages =
  /^(Query read timeout|timeout exceeded when trying to connect|Connection terminated|Client (has encountered a connection error|was closed) and is not queryable|Cannot use a pool after calling end on the pool|timeout expired|The server does not support SSL|got disconnected)/;

/** Prisma's codes for a database that cannot be reached, is slow, or closed the connection. */
const transientPrismaCodes = /^P(1001|1002|1008|1017|2024|2028|2034|2037)$/;

/** Whether it passes by itself, sooner or later. */
export function isPassing(error: unknown): boolean {
  return causesOf(error).some((cause) => {
    const codes = codesOf(cause);
    if (codes.length === 0) return transientMessages.test(cause.message);
    return codes.some((code) => {
      const isKnown = transientErrnos.has(code) || transientPrismaCodes.test(code);
      return isKnown || passingStates.some((state) => state.test(code));
    });
  });
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

export function toAppError(error: unknown): unknown {
  const known = causesOf(error).find((cause) => cause instanceof AppError);
  if (known !== undefined) return known;
  if (isPassing(error)) return unavailable('the database is away', error);
  return isMendable(error) ? unavailable('the database cannot be used', error) : error;
}

function isMendable(error: unknown): boolean {
  const codes = causesOf(error).flatMap(codesOf);
  return codes.some((code) => mendableStates.some((state) => state.test(code)));
}

/**
 * Of an append, whose statements are few and known to be right: whatever the server says is `unavailable`, but a
 * refusal of the very content. So what was accepted waits until the log gets on, and is not lost.
 */
export function toAppendError(error: unknown): unknown {
  const appError = toAppError(error);
  if (appError instanceof AppError || !(error instanceof Error)) return appError;
  const isOfServer = 'severity' in error;
  if (!isOfServer || contentStates.test(sqlState(error) ?? '')) return error;
  return unavailable('the database cannot be used', error);
}

function unavailable(message: string, cause: unknown): AppError {
  return new AppError('unavailable', message, { cause, retryAfterMs });
}

/** The error, what caused it, and so on; of several at once each. */
function causesOf(error: unknown): readonly Error[] {
  if (!(error instanceof Error)) return [];
  const several = error instanceof AggregateError ? error.errors.flatMap(causesOf) : [];
  return [error, ...several, ...causesOf(error.cause)];
}

/** The SQLSTATE of a server's error, or the errno of a socket's. */
function sqlState(error: Error): string | null {
  return 'code' in error && typeof error.code === 'string' ? error.code : null;
}

/** With that of the server, which Prisma tells beside its own, and its adapter in place of one. */
function codesOf(error: Error): string[] {
  const { meta } = error as { readonly meta?: { readonly driverAdapterError?: AdapterError } };
  const { cause } = meta?.driverAdapterError ?? (error as AdapterError);
  const codes = [sqlState(error), cause?.originalCode, cause?.kind];
  return codes.filter((code) => typeof code === 'string');
}

interface AdapterError {
  readonly cause?: { readonly originalCode?: unknown; readonly kind?: unknown };
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
