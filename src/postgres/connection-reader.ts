/** Look-ups and lists of connections: newest first, open and closed ones in one order by id. */
import type { Connection, ConnectionState } from '../core/connection.ts';
import type { ConnectionDirectory, ConnectionQuery } from '../core/directories.ts';
import type { PageRequest } from '../core/page.ts';
import type { ProjectRef } from '../core/project.ts';
import { allStatement, isAll } from './all-connections.ts';
import type { Reads, Rows, Statement } from './database.ts';
import { readHistory } from './history.ts';
import {
  conditionsOf,
  filters,
  type HistoryQuery,
  historyQuery,
  idConditionsOf,
  Parameters,
  projectCondition,
  timeConditionsOf,
  whereSql,
} from './history-query.ts';
import type { NodeDirectory } from './node-directory.ts';
import type { ProjectReader } from './project-reads.ts';
import { closedColumns, isUuid, nodeOfConnection, openColumns, parseConnection } from './rows.ts';

/** Of one project. */
export class ConnectionReader implements ConnectionDirectory {
  readonly #reads: ProjectReader;
  readonly #nodes: NodeDirectory;
  readonly #project: ProjectRef;

  constructor(reads: ProjectReader, nodes: NodeDirectory, project: ProjectRef) {
    this.#reads = reads;
    this.#nodes = nodes;
    this.#project = project;
  }

  async find(id: string): Promise<Connection | null> {
    if (!isUuid(id)) return null;
    const [connection] = await this.findAll([id]);
    return connection ?? null;
  }

  /** One that closes meanwhile is in one of the tables: they are read in one statement. */
  async findAll(ids: readonly string[]): Promise<readonly Connection[]> {
    const isOne = 'project = $2::integer AND id = ANY ($1::uuid[])';
    const text = `SELECT ${openColumns} FROM open_connections WHERE ${isOne}
      UNION ALL SELECT ${closedColumns} FROM closed_connections WHERE ${isOne}`;
    const found = await this.#read({ name: 'connections', text, values: [ids, this.#project] });
    return found.sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  async list(query: ConnectionQuery, page: PageRequest): Promise<readonly Connection[]> {
    if (query.listenerIds?.length === 0) return [];
    const history = historyQuery(this.#project, query, page.after);
    const { pageSize } = page;
    const reads = this.#reads.upTo(pageSize);
    if (isAll(history))
      return await this.#read(allStatement(history, query.state, pageSize), reads);
    // The open ones first: one that closes meanwhile is then found twice, and never missed.
    const open = await this.#listOpen(reads, query.state, history, pageSize);
    const closed = await this.#listClosed(reads, query.state, history, pageSize);
    if (open.length === 0) return closed;
    const ids = new Set(closed.map(({ id }) => id));
    return [...closed, ...open.filter(({ id }) => !ids.has(id))]
      .sort((a, b) => (a.id > b.id ? -1 : 1))
      .slice(0, pageSize);
  }

  async #listOpen(
    reads: Reads,
    state: ConnectionState | null,
    query: HistoryQuery,
    limit: number,
  ): Promise<readonly Connection[]> {
    // One that is open has no reason.
    if (state === 'closed' || query.filters.closeReason !== null) return [];
    return await this.#read(openStatement(state, query, limit), reads);
  }

  async #listClosed(
    reads: Reads,
    state: ConnectionState | null,
    query: HistoryQuery,
    limit: number,
  ): Promise<readonly Connection[]> {
    if (state !== null && state !== 'closed') return [];
    return await this.#parse(await readHistory(reads, query, limit));
  }

  /** Not closed, in id order; of one listener, or of all. */
  async ownOpen(
    node: number,
    page: {
      readonly afterId: string | null;
      readonly limit: number;
      readonly listenerId: string | null;
    },
  ): Promise<Connection[]> {
    const text = `SELECT ${openColumns} FROM open_connections
      WHERE project = $5::integer AND node = $1::integer AND ($2::uuid IS NULL OR id > $2::uuid)
        AND ($4::uuid IS NULL OR listener_id = $4::uuid) ORDER BY id LIMIT $3::bigint`;
    return await this.#read({
      text,
      values: [node, ...[page.afterId, page.limit, page.listenerId], this.#project],
    });
  }

  async #read(statement: Statement, reads: Reads = this.#reads): Promise<Connection[]> {
    return await this.#parse(await reads.query(statement));
  }

  async #parse(rows: Rows): Promise<Connection[]> {
    const nodeIds = await this.#nodes.with(rows.map((row) => nodeOfConnection(row)));
    return await this.#reads.parsed(rows, (row) => parseConnection(row, nodeIds));
  }
}

/** They are few enough to be looked at one by one. */
function openStatement(
  state: ConnectionState | null,
  query: HistoryQuery,
  limit: number,
): Statement {
  const parameters = new Parameters();
  const conditions = [
    projectCondition(query, parameters),
    ...conditionsOf(query, filters, parameters),
    ...timeConditionsOf(query, parameters),
    ...idConditionsOf(query.range, parameters),
    ...(state === null ? [] : [`c.half_closed_at IS ${state === 'open' ? '' : 'NOT '}NULL`]),
  ];
  return parameters.kept(`SELECT ${openColumns} FROM open_connections c
    ${whereSql(conditions)} ORDER BY c.id DESC LIMIT ${parameters.add(limit, 'bigint')}`);
}
