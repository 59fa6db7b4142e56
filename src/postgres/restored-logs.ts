/**
 * After a restore from a backup: gives each log of a database a new id, so that no cursor of before is taken for one of
 * the events that come now. Nobody may use the database meanwhile:
 *
 * - Who uses it is seen by the lock that each node holds, which it takes before it reads the id of any log.
 * - The look and the change are one transaction that nobody else can read the logs' heads in. So a node that starts
 *   meanwhile was seen, or reads the new ids.
 * - A node that has lost its connection, and so is not seen, loses its place too: it ends when it comes back.
 */
import type { Client } from 'pg';
import { AppError } from '../core/errors.ts';
import type { Logger } from '../core/ports.ts';
import { Database } from './database.ts';
import { toAppError } from './database-errors.ts';
import { renewalSql } from './log-renewal.ts';
import { presentKeysSql } from './node-presence.ts';
import { openDatabase } from './open-database.ts';
import { defaultLimits } from './postgres-store.ts';
import { type RestoredKeys, restoredKeys } from './restored-keys.ts';

export interface RestoredLogsOptions {
  readonly connectionString: string;
  readonly log: Logger;
  readonly signal: AbortSignal;
  /** Keys, and join tokens, that are named. */
  readonly keysShownMax: number;
}

export interface RestoredDatabase extends RestoredKeys {
  readonly logs: readonly RenewedLog[];
}

export interface RenewedLog {
  /** The name of its project. */
  readonly project: string;
  readonly headSeq: number;
  readonly log: string;
}

const holdsKodamaSql = "SELECT to_regclass('_prisma_migrations') IS NOT NULL";

const renewSql = `WITH ${renewalSql('true')}
SELECT coalesce(p.name, r.project::text) AS project, r.seq::float8 AS "headSeq", r.log_id AS log
FROM renewed r LEFT JOIN projects p ON p.ref = r.project ORDER BY r.project`;

/**
 * An older database is migrated first, as by a start.
 * @throws failed_precondition while a kodama uses the database, or where it holds none; unavailable
 */
export async function renewLogIds(options: RestoredLogsOptions): Promise<RestoredDatabase> {
  const { log, signal, keysShownMax } = options;
  await using database = new Database({ ...options, limits: defaultLimits });
  try {
    await using connection = await database.ownClient('kodama restore-mark', signal);
    const { client } = connection;
    // Before anything is changed: to migrate is a change, too.
    await assertRestored(client);
    await openDatabase({ database, log, signal, timeoutMs: defaultLimits.openTimeoutMs });
    return await renew(client, keysShownMax);
  } catch (error) {
    signal?.throwIfAborted();
    throw toAppError(error);
  }
}

async function assertRestored(client: Client): Promise<void> {
  const { rows } = await client.query({ text: holdsKodamaSql, rowMode: 'array' });
  if (rows[0]?.[0] !== true) {
    throw new AppError('failed_precondition', 'it holds no tables of kodama: restore it first');
  }
  await assertUnused(client);
}

async function assertUnused(client: Client): Promise<void> {
  const text = `SELECT count(*) FROM (${presentKeysSql}) present`;
  const { rows } = await client.query({ text, rowMode: 'array' });
  const nodes = Number(rows[0]?.[0]);
  if (nodes === 0) return;
  const who = nodes === 1 ? 'a kodama uses it' : `${nodes} nodes of kodama use it`;
  throw new AppError('failed_precondition', `${who}: stop it first, and start it again afterwards`);
}

async function renew(client: Client, keysShownMax: number): Promise<RestoredDatabase> {
  await client.query('BEGIN');
  try {
    // Somebody else, such as psql, may hold them.
    await client.query(`SET LOCAL statement_timeout = ${defaultLimits.statementTimeoutMs}`);
    await client.query('LOCK TABLE log_heads IN ACCESS EXCLUSIVE MODE');
    await assertUnused(client);
    const { rows: logs } = await client.query<RenewedLog>(renewSql);
    const keys = await restoredKeys(client, keysShownMax);
    await client.query('COMMIT');
    return { logs, ...keys };
  } catch (error) {
    await client.query('ROLLBACK');
    throw error;
  }
}
