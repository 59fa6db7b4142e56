/** Look-ups and lists of connections: newest first, open and closed ones in one order by id. */
import type { Connection } from '../core/connection.ts';
import type { ConnectionDirectory, ConnectionQuery } from '../core/directories.ts';
import type { PageRequest } from '../core/page.ts';
import type { ProjectRef } from '../core/project.ts';
import { allStatement, isAll } from './all-connections.ts';
import type { Reads, Rows, Statement } from './database.ts';
import { readHistory } from './history.ts';
import { historyQuery } from './history-query.ts';
import type { NodeDirectory } from './node-directory.ts';
import { type OpenAsk, OpenBeside, openStatement } from './open-beside.ts';
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
    const { state } = query;
    const { pageSize: limit } = page;
    // The open ones beside them may be as many again.
    const reads = this.#reads.upTo(limit);
    if (isAll(history)) return await this.#read(allStatement(history, state, limit), reads);
    const ask = { query: history, limit };
    // One that is open has no reason.
    const mayBeOpen = state !== 'closed' && query.closeReason === null;
    if (state !== null && state !== 'closed') {
      return mayBeOpen ? await this.#read(openStatement(ask, state), reads) : [];
    }
    const beside = mayBeOpen ? new OpenBeside(ask) : null;
    const closed = await this.#parse(await readHistory(reads, history, limit, beside));
    const open = await this.#openOnes(ask, beside, reads);
    if (open.length === 0) return closed;
    const ids = new Set(closed.map(({ id }) => id));
    return [...closed, ...open.filter(({ id }) => !ids.has(id))]
      .sort((a, b) => (a.id > b.id ? -1 : 1))
      .slice(0, limit);
  }

  /** Where no listener was found to read closed ones of, as by a port, none were read beside them. */
  async #openOnes(ask: OpenAsk, beside: OpenBeside | null, reads: Reads): Promise<Connection[]> {
    if (beside === null) return [];
    if (beside.rows !== null) return await this.#parse(beside.rows);
    return await this.#read(openStatement(ask, null), reads);
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
