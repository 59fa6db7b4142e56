/**
 * Brings the database to this program's schema, as `prisma migrate deploy` would: the files of prisma/migrations in
 * the order of their names, each in a transaction, noted in Prisma's own table so that Prisma's tools agree.
 * Several nodes may start at once: one migrates, the others wait and find it done.
 */
import { createHash, randomUUID } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from 'pg';
import { AppError } from '../core/errors.ts';
import type { Logger } from '../core/ports.ts';

export const migrationsFolder = join(import.meta.dirname, '../../prisma/migrations');

/** Prisma's own: `prisma migrate deploy` waits for us, and we for it. */
const advisoryLock = 72707369;
const retryMs = 250;
const noticeMs = 5000;

const createTable = `CREATE TABLE IF NOT EXISTS _prisma_migrations (
  id VARCHAR(36) PRIMARY KEY NOT NULL,
  checksum VARCHAR(64) NOT NULL,
  finished_at TIMESTAMPTZ,
  migration_name VARCHAR(255) NOT NULL,
  logs TEXT,
  rolled_back_at TIMESTAMPTZ,
  started_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  applied_steps_count INTEGER NOT NULL DEFAULT 0
)`;

interface Migration {
  readonly name: string;
  readonly sql: string;
  /** As Prisma has it: SHA-256 of the file. */
  readonly checksum: string;
}

interface Applied {
  readonly migration_name: string;
  readonly checksum: string;
  readonly is_finished: boolean;
}

/** A role or a database may bound what its statements take; one of these is over when its rows are done. */
const patienceSql = `SELECT set_config(name, '0', false) FROM pg_settings WHERE name IN
  ('statement_timeout', 'lock_timeout', 'transaction_timeout', 'idle_in_transaction_session_timeout')`;

/**
 * By itself a server finds out that nobody is there any more when a statement is done: one that builds an index would
 * hold its locks for minutes, and the next start up. Not every system can tell: there it is refused.
 * https://www.postgresql.org/docs/current/runtime-config-connection.html#GUC-CLIENT-CONNECTION-CHECK-INTERVAL
 */
const attentionSql = `DO $$ BEGIN
  PERFORM set_config('client_connection_check_interval', '1s', false);
EXCEPTION WHEN invalid_parameter_value THEN NULL; END $$`;

/**
 * On a connection that nobody else uses meanwhile, whose statements may take their time; they tell how far they are in notices.
 * The signal ends the wait for another who migrates, and lets no further migration begin; to end a statement the caller
 * ends the connection.
 * @throws failed_precondition when the database is newer than the program, or not what its migrations say
 */
export async function migrate(
  client: Client,
  log: Logger,
  folder = migrationsFolder,
  signal?: AbortSignal,
): Promise<void> {
  const migrations = await readMigrations(folder);
  await client.query(`${patienceSql}; ${attentionSql}; SET client_min_messages = notice`);
  await lock(client, log, signal);
  try {
    await client.query(createTable);
    const applied = await readApplied(client);
    assertKnown(applied, migrations);
    const names = new Set(applied.map((one) => one.migration_name));
    // Of a new database no step takes long.
    const level = names.size === 0 ? 'debug' : 'info';
    for (const migration of migrations.filter(({ name }) => !names.has(name))) {
      signal?.throwIfAborted();
      await applyTelling(client, migration, (fields, message) => log[level](fields, message));
    }
    if (names.size === 0) log.info({ migration: migrations.at(-1)?.name }, 'made the database');
  } finally {
    await client.query('SELECT pg_advisory_unlock($1)', [advisoryLock]);
  }
}

/** Asks again and again: a statement that waits can neither be told of nor given up. */
async function lock(client: Client, log: Logger, signal?: AbortSignal): Promise<void> {
  const text = 'SELECT pg_try_advisory_lock($1) AS is_ours';
  for (let noticeAt = 0; ; ) {
    const { rows } = await client.query<{ is_ours: boolean }>(text, [advisoryLock]);
    if (rows[0]?.is_ours === true) return;
    if (performance.now() >= noticeAt) {
      log.warn({ lock: advisoryLock }, 'waiting for another who migrates the database');
      noticeAt = performance.now() + noticeMs;
    }
    await delay(retryMs, undefined, { signal });
  }
}

/** Of every table that any migration makes. */
export async function tableNames(folder = migrationsFolder): Promise<readonly string[]> {
  const sql = (await readMigrations(folder)).map((migration) => migration.sql);
  const made = [createTable, ...sql]
    .join('\n')
    .matchAll(/\bCREATE TABLE (?:IF NOT EXISTS )?(\w+)/g);
  return [...made].map(([, name = '']) => name);
}

async function readMigrations(folder: string): Promise<readonly Migration[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  return await Promise.all(
    names.sort().map(async (name) => {
      const sql = await readFile(join(folder, name, 'migration.sql'), 'utf8');
      return { name, sql, checksum: createHash('sha256').update(sql).digest('hex') };
    }),
  );
}

async function readApplied(client: Client): Promise<readonly Applied[]> {
  const { rows } = await client.query<Applied>(`
    SELECT migration_name, checksum, finished_at IS NOT NULL AS is_finished
    FROM _prisma_migrations WHERE rolled_back_at IS NULL ORDER BY migration_name`);
  return rows;
}

function assertKnown(applied: readonly Applied[], migrations: readonly Migration[]): void {
  const byName = new Map(migrations.map((migration) => [migration.name, migration]));
  for (const { migration_name: name, checksum, is_finished: isFinished } of applied) {
    const migration = byName.get(name);
    if (migration === undefined) {
      throw refusal(`it has migration ${name}, which this version does not know: run a newer one`);
    }
    if (!isFinished) {
      throw refusal(`its migration ${name} did not finish: see \`prisma migrate resolve\``);
    }
    if (checksum !== migration.checksum) {
      throw refusal(`its migration ${name} is not the one of this version: the file was changed`);
    }
  }
}

function refusal(reason: string): AppError {
  return new AppError('failed_precondition', `the database cannot be used: ${reason}`);
}

async function applyTelling(
  client: Client,
  migration: Migration,
  log: Logger['info'],
): Promise<void> {
  const told = { migration: migration.name };
  const tell = ({ message }: { readonly message?: string | undefined }) =>
    log({ ...told, step: message }, 'migrating the database');
  client.on('notice', tell);
  log(told, 'migrating the database');
  try {
    await apply(client, migration);
  } finally {
    client.off('notice', tell);
  }
  log(told, 'migrated the database');
}

async function apply(client: Client, { name, sql, checksum }: Migration): Promise<void> {
  await client.query('BEGIN');
  try {
    await client.query(sql);
    await client.query(
      `INSERT INTO _prisma_migrations
         (id, checksum, migration_name, started_at, finished_at, applied_steps_count)
       VALUES ($1, $2, $3, now(), clock_timestamp(), 1)`,
      [randomUUID(), checksum, name],
    );
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK');
    throw error;
  }
}
