/**
 * The Store over PostgreSQL. It holds the node's place in the log and wires the parts; each part has its SQL
 * beside its parser.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { systemClock } from '../core/clock.ts';
import type { Connection } from '../core/connection.ts';
import { AppError } from '../core/errors.ts';
import type { EventFilter } from '../core/event-filter.ts';
import type { Listener, ListenerSecrets } from '../core/listener.ts';
import type { PageRequest } from '../core/page.ts';
import type {
  Append,
  Clock,
  ConnectionQuery,
  EventPage,
  IdempotencyRun,
  IdempotencyTake,
  IdempotentAnswer,
  ListenerQuery,
  LogAge,
  LogAgeing,
  LogBounds,
  Logger,
  PurgeRequest,
  Store,
} from '../core/ports.ts';
import type { Micros } from '../core/time.ts';
import { foldAppend } from './append-batch.ts';
import { appendStatement, type Fence } from './append-statement.ts';
import { ConnectionReader } from './connection-reader.ts';
import { Database, type DatabaseLimits } from './database.ts';
import { isPassing, isUniqueViolation, toAppError } from './database-errors.ts';
import { readBounds, readEvents, seqBefore, seqBeforeNewest } from './event-reader.ts';
import type { EventRead } from './event-statements.ts';
import { ForeignAppends } from './foreign-appends.ts';
import { IdempotencyKeys } from './idempotency-keys.ts';
import { ListenerReader } from './listener-reader.ts';
import { age } from './log-ages.ts';
import { migrate } from './migrations.ts';
import { NodeDirectory } from './node-directory.ts';
import { purge } from './purge.ts';

export interface PostgresStoreLimits extends DatabaseLimits {
  /** How long an open waits for a server that is not there yet. */
  readonly openTimeoutMs: number;
  /** How often to look for other nodes' appends without being told. */
  readonly pollMs: number;
}

export interface PostgresStoreOptions {
  readonly connectionString: string;
  readonly nodeId: string;
  readonly log: Logger;
  readonly clock?: Clock;
  readonly limits?: Partial<PostgresStoreLimits>;
  /** Ends an open that is under way. */
  readonly signal?: AbortSignal | undefined;
}

const defaultLimits: PostgresStoreLimits = {
  connectTimeoutMs: 5000,
  statementTimeoutMs: 10_000,
  readConnectionsMax: 8,
  openTimeoutMs: 30_000,
  pollMs: 2000,
};
const openRetryMs = 250;
const openNoticeMs = 5000;

const retakeNodeSql = `UPDATE nodes SET epoch = epoch + 1, append_number = 0 WHERE id = $1
  RETURNING ref, epoch`;
/** An append that was settled and not done has no first seq. */
const settleSql = `UPDATE nodes SET append_number = $3::bigint, first_seq = 0
  WHERE ref = $1::smallint AND epoch = $2::bigint AND append_number = $3::bigint - 1 RETURNING true`;
const outcomeSql = `SELECT nullif(first_seq, 0) FROM nodes
  WHERE ref = $1::smallint AND epoch = $2::bigint AND append_number = $3::bigint`;
/** Of two that enter the same node at once, one finds the other's row: xmax tells. */
const enterNodeSql = `WITH node AS (
  INSERT INTO nodes AS n (id, epoch, append_number, first_seq) VALUES ($1, 1, 0, 0)
  ON CONFLICT (id) DO UPDATE SET epoch = n.epoch + 1, append_number = 0
  RETURNING ref, epoch, xmax = 0 AS is_new
), head AS (
  UPDATE log_head SET node_count = node_count + 1 FROM node WHERE is_new
)
SELECT ref, epoch FROM node`;

export class PostgresStore implements Store, AsyncDisposable {
  readonly #nodeId: string;
  readonly #clock: Clock;
  readonly #database: Database;
  readonly #nodes: NodeDirectory;
  readonly #listeners: ListenerReader;
  readonly #connections: ConnectionReader;
  readonly #foreignAppends: ForeignAppends;
  readonly #idempotencyKeys: IdempotencyKeys;
  #place: Omit<Fence, 'number'> | null = null;

  private constructor(options: PostgresStoreOptions, limits: PostgresStoreLimits) {
    const { nodeId, log, connectionString, clock = systemClock() } = options;
    this.#nodeId = nodeId;
    this.#clock = clock;
    this.#database = new Database({ connectionString, log, limits });
    this.#nodes = new NodeDirectory(this.#database);
    this.#listeners = new ListenerReader(this.#database, this.#nodes);
    this.#connections = new ConnectionReader(this.#database, this.#nodes);
    this.#idempotencyKeys = new IdempotencyKeys(this.#database);
    this.#foreignAppends = new ForeignAppends({
      database: this.#database,
      log,
      pollMs: limits.pollMs,
      ownNode: () => this.#place?.node ?? null,
    });
  }

  /**
   * Connects, waiting a while for a server that is still starting, and migrates.
   * @throws unavailable when there is no server in time, failed_precondition when its database is not ours to use
   */
  static async open(options: PostgresStoreOptions): Promise<PostgresStore> {
    const limits = { ...defaultLimits, ...options.limits };
    await using resources = new AsyncDisposableStack();
    const store = resources.use(new PostgresStore(options, limits));
    await store.#migrate(options, performance.now() + limits.openTimeoutMs);
    resources.move();
    return store;
  }

  async #migrate({ log, signal }: PostgresStoreOptions, deadline: number): Promise<void> {
    let noticeAt = 0;
    for (;;) {
      signal?.throwIfAborted();
      try {
        await using client = await this.#database.patientClient('kodama migrate');
        await migrate(client.client, log);
        return;
      } catch (error) {
        if (!isPassing(error) || performance.now() > deadline) throw toAppError(error);
        if (performance.now() > noticeAt) {
          log.warn({ err: error }, 'waiting for the database');
          noticeAt = performance.now() + openNoticeMs;
        }
        await delay(openRetryMs, undefined, { signal });
      }
    }
  }

  async append(append: Append): Promise<{ readonly firstSeq: number }> {
    const fence = this.#fence(append.number);
    const statement = appendStatement(foldAppend(append, fence.node), fence);
    const [row] = await this.#database.append(statement).catch((error: unknown) => {
      if (!isUniqueViolation(error, 'listeners_name_key')) throw error;
      throw new AppError('already_exists', 'the name is taken', {
        errors: [{ path: 'name', message: 'is taken' }],
        cause: error,
      });
    });
    if (row !== undefined) return { firstSeq: row[0] as number };
    // The fence did not hold: the append was done before, or the node's place is another's.
    const firstSeq = await this.settle(append.number);
    if (firstSeq === null) throw new TypeError(`append ${append.number} was settled as not done`);
    return { firstSeq };
  }

  /** Whichever comes first takes the number: the append, still on its way to the server, or this. */
  async settle(number: number): Promise<number | null> {
    const { node, epoch } = this.#fence(number);
    const values = [node, epoch, number];
    const [settled] = await this.#database.queryAsWriter({ text: settleSql, values });
    if (settled !== undefined) return null;
    const [row] = await this.#database.queryAsWriter({ text: outcomeSql, values });
    if (row !== undefined) return row[0] as number | null;
    const message = `another process has taken the place of node ${this.#nodeId}`;
    throw new AppError('failed_precondition', message);
  }

  #fence(number: number): Fence {
    if (this.#place === null) throw new TypeError('a node takes its place before it appends');
    return { ...this.#place, number };
  }

  async takeNode(): Promise<void> {
    const values = [this.#nodeId];
    // An insert that finds a row would use up a number all the same, and they are few.
    let [row] = await this.#database.queryAsWriter({ text: retakeNodeSql, values });
    if (row === undefined)
      [row] = await this.#database.queryAsWriter({ text: enterNodeSql, values });
    const [node, epoch] = row as readonly [number, number];
    this.#place = { node, epoch };
  }

  async readEvents(request: EventRead): Promise<EventPage> {
    return await readEvents(this.#database, this.#nodes, request);
  }

  async readBounds(): Promise<LogBounds> {
    return await readBounds(this.#database);
  }

  async seqBefore(time: Micros): Promise<number> {
    return await seqBefore(this.#database, time);
  }

  async seqBeforeNewest(count: number, filter: EventFilter): Promise<number> {
    return await seqBeforeNewest(this.#database, count, filter);
  }

  async findListener(idOrName: string): Promise<Listener | null> {
    return await this.#listeners.find(idOrName);
  }

  async listListeners(query: ListenerQuery, page: PageRequest): Promise<readonly Listener[]> {
    return await this.#listeners.list(query, page);
  }

  async findConnection(id: string): Promise<Connection | null> {
    return await this.#connections.find(id);
  }

  async listConnections(query: ConnectionQuery, page: PageRequest): Promise<readonly Connection[]> {
    return await this.#connections.list(query, page);
  }

  async readOwnListeners(): Promise<readonly (Listener & { readonly secrets: ListenerSecrets })[]> {
    const node = await this.#nodes.refOf(this.#nodeId);
    return node === null ? [] : await this.#listeners.own(node);
  }

  async readOwnOpenConnections(
    afterId: string | null,
    limit: number,
  ): Promise<readonly Connection[]> {
    const node = await this.#nodes.refOf(this.#nodeId);
    return node === null ? [] : await this.#connections.ownOpen(node, afterId, limit);
  }

  onForeignAppend(callback: (headSeq: number) => void): () => void {
    return this.#foreignAppends.on(callback);
  }

  async age(ageing: LogAgeing): Promise<LogAge> {
    return await age(this.#database, ageing);
  }

  async purge(request: PurgeRequest): Promise<LogBounds & { readonly hasMore: boolean }> {
    return await purge(this.#database, request);
  }

  async ping(): Promise<void> {
    await this.#database.query({ text: 'SELECT 1' });
  }

  async takeIdempotencyKey(take: IdempotencyTake): Promise<IdempotencyRun | IdempotentAnswer> {
    return await this.#idempotencyKeys.take(take, this.#clock.now(), this.#place);
  }

  async keepIdempotentAnswer(key: string, status: number, body: string): Promise<void> {
    await this.#idempotencyKeys.keep(key, status, body);
  }

  async releaseIdempotencyKey(key: string): Promise<void> {
    await this.#idempotencyKeys.release(key);
  }

  /** Idempotent. Resolves when every connection to the database is closed. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#foreignAppends[Symbol.asyncDispose]();
    await this.#database[Symbol.asyncDispose]();
  }
}
