/** Look-ups and lists of connections: newest first, open and closed ones in one order by id. */
import type { Connection } from '../core/connection.ts';
import type { PageRequest } from '../core/page.ts';
import type { ConnectionQuery } from '../core/ports.ts';
import type { Micros } from '../core/time.ts';
import type { Database, Rows, Statement } from './database.ts';
import type { NodeDirectory } from './node-directory.ts';
import { closedColumns, isUuid, nodeOfConnection, openColumns, parseConnection } from './rows.ts';

export class ConnectionReader {
  readonly #database: Database;
  readonly #nodes: NodeDirectory;

  constructor(database: Database, nodes: NodeDirectory) {
    this.#database = database;
    this.#nodes = nodes;
  }

  async find(id: string): Promise<Connection | null> {
    if (!isUuid(id)) return null;
    const text = `SELECT ${openColumns} FROM open_connections WHERE id = $1::uuid
      UNION ALL SELECT ${closedColumns} FROM closed_connections WHERE id = $1::uuid`;
    const [connection] = await this.#read({ name: 'connection', text, values: [id] });
    return connection ?? null;
  }

  async list(query: ConnectionQuery, page: PageRequest): Promise<readonly Connection[]> {
    return await this.#read(listStatement(query, page));
  }

  /** Not closed, in id order. */
  async ownOpen(node: number, afterId: string | null, limit: number): Promise<Connection[]> {
    const text = `SELECT ${openColumns} FROM open_connections
      WHERE node = $1::smallint AND ($2::uuid IS NULL OR id > $2::uuid) ORDER BY id LIMIT $3::bigint`;
    return await this.#read({ text, values: [node, afterId, limit] });
  }

  async #read(statement: Statement): Promise<Connection[]> {
    const rows: Rows = await this.#database.query(statement);
    const nodeIds = await this.#nodes.with(rows.map((row) => nodeOfConnection(row)));
    return rows.map((row) => parseConnection(row, nodeIds));
  }
}

/** Not prepared: its plan should suit these very values. */
function listStatement(query: ConnectionQuery, page: PageRequest): Statement {
  const values: unknown[] = [];
  const parameter = (value: unknown) => `$${values.push(value)}`;
  const { state } = query;
  const shared = sharedConditions(query, page, parameter);
  const limit = parameter(page.pageSize);
  const branches: string[] = [];
  if (state !== 'closed' && query.closeReason === null) {
    const isHalfClosed =
      state === null ? [] : [`half_closed_at IS ${state === 'open' ? '' : 'NOT '}NULL`];
    branches.push(select('open_connections', openColumns, [...shared, ...isHalfClosed], limit));
  }
  if (state === null || state === 'closed') {
    const { closeReason } = query;
    const reason =
      closeReason === null ? [] : [`close_reason = ${parameter(closeReason)}::close_reason`];
    branches.push(select('closed_connections', closedColumns, [...shared, ...reason], limit));
  }
  const [first, second] = branches;
  // One that is open has no reason.
  if (first === undefined) return { text: 'SELECT WHERE false' };
  if (second === undefined) return { text: first, values };
  return { text: `${first} UNION ALL ${second} ORDER BY id DESC LIMIT ${limit}::bigint`, values };
}

function select(
  table: string,
  columns: string,
  conditions: readonly string[],
  limit: string,
): string {
  const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
  return `(SELECT ${columns} FROM ${table} ${where} ORDER BY id DESC LIMIT ${limit}::bigint)`;
}

function sharedConditions(
  query: ConnectionQuery,
  page: PageRequest,
  parameter: (value: unknown) => string,
): readonly string[] {
  const { listenerId, protocol, raddr, lport, acceptedAfter, acceptedBefore } = query;
  const conditions: string[] = [];
  const add = <Value>(value: Value | null, condition: (parameter: string) => string) => {
    if (value !== null) conditions.push(condition(parameter(value)));
  };
  add(page.after, (id) => `id < ${id}::uuid`);
  add(listenerId, (id) => `listener_id = ${id}::uuid`);
  add(protocol, (name) => `protocol = ${name}::protocol`);
  add(lport, (port) => `lport = ${port}::integer`);
  if (raddr !== null) {
    const isAddress = !raddr.includes('/');
    add(raddr, (net) => `raddr ${isAddress ? '=' : '<<='} ${net}::inet`);
  }
  add(acceptedAfter, (time) => `accepted_at >= ${time}::bigint`);
  add(acceptedBefore, (time) => `accepted_at < ${time}::bigint`);
  // Ids rise with the time of accept: the index by id serves the times, too.
  add(lowestId(acceptedAfter, -idSlack), (id) => `id >= ${id}::uuid`);
  add(lowestId(acceptedBefore, idSlack), (id) => `id < ${id}::uuid`);
  return conditions;
}

/** How far the time in an id may lie from acceptedAt: they are two readings of one host's clocks. */
const idSlack = 1_000_000;

/** The lowest UUIDv7 (RFC 9562, 5.7) of the millisecond `slack` away from the time; null for none. */
function lowestId(time: Micros | null, slack: Micros): string | null {
  if (time === null) return null;
  const millis = Math.min(Math.max(0, Math.floor((time + slack) / 1000)), 2 ** 48 - 1);
  const hex = millis.toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000`;
}
