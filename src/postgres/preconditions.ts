/** What a PostgreSQL must be to hold kodama's tables. Each refusal says what to change. */
import type { Client } from 'pg';
import { AppError } from '../core/errors.ts';
import type { Logger } from '../core/ports.ts';
import { poolerHint } from './database-errors.ts';

/** The oldest that the tests have been run on. */
const versionMin = 15;

interface Server {
  readonly version: number;
  readonly version_text: string;
  readonly encoding: string;
  readonly is_standby: boolean;
  readonly is_read_only: boolean;
  readonly user: string;
  readonly search_path: string;
  readonly schema: string | null;
  readonly may_create: boolean;
  /** Where an earlier start made the tables, if the search path leads there. */
  readonly tables_schema: string | null;
  readonly pid: number;
}

const serverSql = `SELECT
  current_setting('server_version_num')::int / 10000 AS version,
  current_setting('server_version') AS version_text,
  current_setting('server_encoding') AS encoding,
  pg_is_in_recovery() AS is_standby,
  current_setting('default_transaction_read_only')::boolean AS is_read_only,
  current_user::text AS user,
  current_setting('search_path') AS search_path,
  current_schema()::text AS schema,
  coalesce(has_schema_privilege(current_schema(), 'CREATE'), false) AS may_create,
  (SELECT n.nspname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.oid = to_regclass('_prisma_migrations')) AS tables_schema,
  pg_backend_pid() AS pid`;

type Connection = AsyncDisposable & { readonly client: Client };

/**
 * Before anything is written. Resolves to the schema in which tables are made and found.
 * @throws failed_precondition
 */
export async function checkServer(
  client: Client,
  connect: () => Promise<Connection>,
): Promise<string> {
  const { rows } = await client.query<Server>(serverSql);
  const [server] = rows;
  if (server === undefined) throw new TypeError('an answer without rows');
  const { schema } = server;
  const fault = faultOf(server);
  if (fault !== null) throw refusal(fault);
  if (schema === null) throw refusal(`none of its search_path (${server.search_path}) is a schema`);
  await checkPooler(client, server.pid, connect);
  return schema;
}

function faultOf(server: Server): string | null {
  const { version, encoding, schema, tables_schema: tablesSchema, user } = server;
  if (version < versionMin) {
    return `it is PostgreSQL ${server.version_text}, and must be ${versionMin} or newer`;
  }
  if (encoding !== 'UTF8') {
    return `its encoding is ${encoding}, and must be UTF8: CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0`;
  }
  if (server.is_standby) return 'it is a standby, which cannot be written to: name the primary';
  if (server.is_read_only) {
    return 'it is set to be read-only: set default_transaction_read_only to off for the role and the database';
  }
  if (tablesSchema !== null && tablesSchema !== schema) {
    return (
      `its tables are in the schema ${tablesSchema}, but new ones would be made in ${schema}: ` +
      `let the search_path of ${user} begin with ${identifier(tablesSchema)}`
    );
  }
  if (schema?.includes('"')) return `its schema ${schema} has a quote in its name: choose another`;
  if (schema !== null && !server.may_create) {
    return `${user} may not make tables in it: GRANT CREATE ON SCHEMA ${identifier(schema)} TO ${identifier(user)}`;
  }
  return null;
}

/**
 * A pooler that lends a server's connection for a transaction takes away what a session holds between two: settings,
 * prepared statements, LISTEN. It gives itself away by the pid that it makes up, and its mode by what one client's
 * transaction does to another's connection.
 */
async function checkPooler(
  client: Client,
  pid: number,
  connect: () => Promise<Connection>,
): Promise<void> {
  if ((client as { processID?: number }).processID === pid) return;
  await using other = await connect();
  await other.client.query('BEGIN');
  const pids = [await backendPid(client), await backendPid(other.client)];
  await other.client.query('ROLLBACK');
  if (pids[0] !== pid || pids[1] === pid) {
    throw refusal(`its connections change from one transaction to the next: ${poolerHint}`);
  }
}

async function backendPid(client: Client): Promise<number | undefined> {
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  return rows[0]?.pid;
}

const syncSql = "SELECT FROM pg_settings WHERE name = 'fsync' AND setting = 'off'";

/** What a session can not set for itself is told. */
export async function warnOfLoss(client: Client, log: Pick<Logger, 'warn'>): Promise<void> {
  const { rowCount } = await client.query(syncSql);
  if (rowCount === 0) return;
  const words = 'PostgreSQL runs with fsync off: a crash of its host loses what was committed';
  log.warn({ fsync: 'off' }, words);
}

const lackingSql = `SELECT relname::text AS name FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = current_schema() AND relname = ANY ($1::text[])
    AND NOT (has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'INSERT')
      AND has_table_privilege(c.oid, 'UPDATE') AND has_table_privilege(c.oid, 'DELETE'))
  ORDER BY relname`;

/**
 * Once the tables are there: another role may have made them.
 * @throws failed_precondition
 */
export async function checkRights(client: Client, tables: readonly string[]): Promise<void> {
  const { rows } = await client.query<{ name: string }>(lackingSql, [tables]);
  if (rows.length === 0) return;
  const names = rows.map(({ name }) => name).join(', ');
  throw refusal(
    `it has tables of another role's (${names}): ` +
      'GRANT SELECT, INSERT, UPDATE, DELETE on them, or connect as their owner',
  );
}

/** As SQL has it. */
function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function refusal(reason: string): AppError {
  return new AppError('failed_precondition', reason);
}
