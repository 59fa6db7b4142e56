/** The start of a database's use: waits for a server, holds what it is against what is needed, and migrates. */
import { setTimeout as delay } from 'node:timers/promises';
import { AppError, hasCode } from '../core/errors.ts';
import type { Logger } from '../core/ports.ts';
import type { Database } from './database.ts';
import { isPassing, permanentReason, toAppError } from './database-errors.ts';
import { migrate, tableNames } from './migrations.ts';
import { checkRights, checkServer, warnOfLoss } from './preconditions.ts';

export interface WaitOptions {
  readonly log: Logger;
  /** How long to wait for a server that is not there yet. */
  readonly timeoutMs: number;
  /** Ends an open that is under way. */
  readonly signal?: AbortSignal | undefined;
}

export interface OpenOptions extends WaitOptions {
  readonly database: Database;
}

const retryMs = 250;
const noticeMs = 5000;

/**
 * Resolves to the schema in which the tables are.
 * @throws unavailable when there is no server in time, failed_precondition when its database is not ours to use
 */
export async function openDatabase(options: OpenOptions): Promise<string> {
  return await waitForDatabase(options, () => prepare(options));
}

/** For a step of a start that may be done again. What waiting does not cure is told at once. */
export async function waitForDatabase<Result>(
  options: WaitOptions,
  step: () => Promise<Result>,
): Promise<Result> {
  const { log, signal } = options;
  const deadline = performance.now() + options.timeoutMs;
  let noticeAt = 0;
  for (;;) {
    signal?.throwIfAborted();
    try {
      return await step();
    } catch (error) {
      // A step that the signal has ended fails in words of its own, as of a client that was closed.
      signal?.throwIfAborted();
      const appError = permanentOr(error);
      const isWorthWaiting = hasCode(appError, 'unavailable') && isPassing(error);
      if (!isWorthWaiting || performance.now() > deadline) throw appError;
      if (performance.now() > noticeAt) {
        log.warn({ err: error }, 'waiting for the database');
        noticeAt = performance.now() + noticeMs;
      }
      await delay(retryMs, undefined, { signal });
    }
  }
}

function permanentOr(error: unknown): unknown {
  const reason = permanentReason(error);
  if (reason === null) return toAppError(error);
  return new AppError('failed_precondition', reason, { cause: error });
}

async function prepare({ database, log, signal }: OpenOptions): Promise<string> {
  await using connection = await database.patientWriter(signal);
  const { client } = connection;
  // One that came while the connection was made is told to no listener.
  signal?.throwIfAborted();
  // Its statements have no bound of their own: what one of them has begun is rolled back.
  const end = () => void client.end();
  signal?.addEventListener('abort', end, { once: true });
  try {
    const schema = await checkServer(client, () => database.ownClient('kodama probe', signal));
    await migrate(client, log, undefined, signal);
    await checkRights(client, await tableNames());
    await warnOfLoss(client, log);
    return schema;
  } finally {
    signal?.removeEventListener('abort', end);
  }
}
