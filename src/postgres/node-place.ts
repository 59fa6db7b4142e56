/** A node's place in the log, once it is taken: what may be done in it, until another process takes it. */
import type { Connection } from '../core/connection.ts';
import { AppError } from '../core/errors.ts';
import type { Listener, ListenerSecrets } from '../core/listener.ts';
import type { SizedPageRequest } from '../core/page.ts';
import type { Append, TakenNode } from '../core/store.ts';
import { foldAppend } from './append-batch.ts';
import { appendStatement } from './append-statement.ts';
import type { ConnectionReader } from './connection-reader.ts';
import type { Database } from './database.ts';
import { isUniqueViolation } from './database-errors.ts';
import type { ListenerReader } from './listener-reader.ts';

export interface NodePlaceOptions {
  readonly database: Database;
  readonly listeners: ListenerReader;
  readonly connections: ConnectionReader;
  readonly nodeId: string;
  /** The node's number in the rows. */
  readonly node: number;
  readonly epoch: number;
}

/** An append that was settled and not done has no first seq. */
const settleSql = `UPDATE nodes SET append_number = $3::bigint, first_seq = 0
  WHERE ref = $1::smallint AND epoch = $2::bigint AND append_number = $3::bigint - 1 RETURNING true`;
const outcomeSql = `SELECT nullif(first_seq, 0) FROM nodes
  WHERE ref = $1::smallint AND epoch = $2::bigint AND append_number = $3::bigint`;
const isHeldSql = 'SELECT FROM nodes WHERE ref = $1::smallint AND epoch = $2::bigint';

export class NodePlace implements TakenNode {
  readonly node: number;
  readonly epoch: number;
  readonly #options: NodePlaceOptions;

  constructor(options: NodePlaceOptions) {
    this.#options = options;
    this.node = options.node;
    this.epoch = options.epoch;
  }

  async append(append: Append): Promise<{ readonly firstSeq: number }> {
    const { database } = this.#options;
    const { node, epoch } = this;
    const fence = { node, epoch, number: append.number };
    const statement = appendStatement(foldAppend(append, node), fence);
    const [row] = await database.append(statement).catch((error: unknown) => {
      if (!isUniqueViolation(error, 'listeners_name_key')) throw error;
      throw new AppError('already_exists', 'the name is taken', {
        errors: [{ path: 'name', message: 'is taken' }],
        cause: error,
      });
    });
    if (row !== undefined) return { firstSeq: row[0] as number };
    // The fence did not hold: the append was done before, or the place is another's.
    const firstSeq = await this.settle(append.number);
    if (firstSeq === null) throw new TypeError(`append ${append.number} was settled as not done`);
    return { firstSeq };
  }

  /** Whichever comes first takes the number: the append, still on its way to the server, or this. */
  async settle(number: number): Promise<number | null> {
    const { database } = this.#options;
    const values = [this.node, this.epoch, number];
    const [settled] = await database.queryAsWriter({ text: settleSql, values });
    if (settled !== undefined) return null;
    const [row] = await database.queryAsWriter({ text: outcomeSql, values });
    if (row === undefined) throw this.#lost();
    return row[0] as number | null;
  }

  /** @throws failed_precondition when another process has taken the place; unavailable */
  async assertHeld(): Promise<void> {
    const values = [this.node, this.epoch];
    const [row] = await this.#options.database.query({ text: isHeldSql, values });
    if (row === undefined) throw this.#lost();
  }

  #lost(): AppError {
    const message = `another process has taken the place of node ${this.#options.nodeId}`;
    return new AppError('failed_precondition', message);
  }

  async readListeners(
    page: SizedPageRequest,
  ): Promise<readonly (Listener & { readonly secrets: ListenerSecrets })[]> {
    return await this.#options.listeners.own(this.node, page);
  }

  async readOpenConnections(
    afterId: string | null,
    limit: number,
    listenerId: string | null = null,
  ): Promise<readonly Connection[]> {
    return await this.#options.connections.ownOpen(this.node, { afterId, limit, listenerId });
  }
}
