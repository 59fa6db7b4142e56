/**
 * The Store over PostgreSQL. It holds the node's place in the log and wires the parts; each part has its SQL
 * beside its parser.
 */
import { systemClock } from '../core/clock.ts';
import type { Connection } from '../core/connection.ts';
import type { EventFilter } from '../core/event-filter.ts';
import type {
  IdempotencyRun,
  IdempotencyTake,
  IdempotentAnswer,
} from '../core/idempotency-keys.ts';
import type { Listener, ListenerSecrets } from '../core/listener.ts';
import type { PageItems, PageRequest, SizedPageRequest } from '../core/page.ts';
import type {
  Append,
  Clock,
  ConnectionQuery,
  EventPage,
  LabelledRequest,
  ListenerQuery,
  LogAge,
  LogAgeing,
  LogBounds,
  Logger,
  NodeStore,
  PurgeRequest,
  Store,
} from '../core/ports.ts';
import type { Micros } from '../core/time.ts';
import { ConnectionReader } from './connection-reader.ts';
import { Database, type DatabaseLimits } from './database.ts';
import {
  readBounds,
  readEvents,
  readEventsBack,
  seqBefore,
  seqBeforeNewest,
} from './event-reader.ts';
import type { EventRead, EventReadBack } from './event-statements.ts';
import { ForeignAppends } from './foreign-appends.ts';
import { IdempotencyKeys } from './idempotency-keys.ts';
import { findLabelledIds, findListenerIds, findListenerNames } from './listener-ids.ts';
import { ListenerReader } from './listener-reader.ts';
import { age } from './log-ages.ts';
import { NodeDirectory } from './node-directory.ts';
import type { NodePlace } from './node-place.ts';
import { NodePlaces } from './node-places.ts';
import { openDatabase } from './open-database.ts';
import { purge } from './purge.ts';

export interface PostgresStoreLimits extends DatabaseLimits {
  /** How long an open waits for a server that is not there yet. */
  readonly openTimeoutMs: number;
  /** How often to look for other nodes' appends without being told. */
  readonly pollMs: number;
  /** How long another node must be away before it counts as gone: 0 where nobody else can be there. */
  readonly absenceMs: number;
}

export interface PostgresStoreOptions {
  readonly connectionString: string;
  readonly nodeId: string;
  readonly log: Logger;
  readonly clock?: Clock;
  readonly limits?: Partial<PostgresStoreLimits>;
  /** Told when another process has taken this node's place, as soon as it can be known. */
  readonly onDisplaced?: (error: unknown) => void;
  /** Ends an open that is under way. */
  readonly signal?: AbortSignal | undefined;
}

const defaultLimits: PostgresStoreLimits = {
  connectTimeoutMs: 5000,
  statementTimeoutMs: 10_000,
  readConnectionsMax: 8,
  openTimeoutMs: 30_000,
  pollMs: 2000,
  absenceMs: 3000,
};

export class PostgresStore implements Store, AsyncDisposable {
  readonly #clock: Clock;
  readonly #database: Database;
  readonly #nodes: NodeDirectory;
  readonly #listeners: ListenerReader;
  readonly #connections: ConnectionReader;
  readonly #foreignAppends: ForeignAppends;
  readonly #idempotencyKeys: IdempotencyKeys;
  readonly #places: NodePlaces;

  private constructor(
    options: PostgresStoreOptions,
    limits: PostgresStoreLimits,
    database: Database,
    schema: string,
  ) {
    const { nodeId, log, clock = systemClock() } = options;
    this.#clock = clock;
    this.#database = database;
    this.#nodes = new NodeDirectory(database);
    this.#listeners = new ListenerReader(database, this.#nodes, schema);
    this.#connections = new ConnectionReader(database, this.#nodes);
    this.#places = new NodePlaces({
      database,
      listeners: this.#listeners,
      connections: this.#connections,
      nodeId,
      log,
      absenceMs: limits.absenceMs,
      onDisplaced: options.onDisplaced ?? (() => undefined),
    });
    this.#idempotencyKeys = new IdempotencyKeys(database);
    this.#foreignAppends = new ForeignAppends({
      database,
      log,
      pollMs: limits.pollMs,
      ownNode: () => this.#places.own?.node ?? null,
    });
  }

  /**
   * Connects, waiting a while for a server that is still starting, and migrates.
   * @throws unavailable when there is no server in time, failed_precondition when its database is not ours to use
   */
  static async open(options: PostgresStoreOptions): Promise<PostgresStore> {
    const limits = { ...defaultLimits, ...options.limits };
    await using resources = new AsyncDisposableStack();
    const database = resources.use(new Database({ ...options, limits }));
    const { log, signal } = options;
    const schema = await openDatabase({ database, log, signal, timeoutMs: limits.openTimeoutMs });
    const store = new PostgresStore(options, limits, database, schema);
    resources.move();
    return store;
  }

  async append(append: Append): Promise<{ readonly firstSeq: number }> {
    return await this.#place.append(append);
  }

  async settle(number: number): Promise<number | null> {
    return await this.#place.settle(number);
  }

  get #place(): NodePlace {
    const { own } = this.#places;
    if (own === null) throw new TypeError('a node takes its place before it appends');
    return own;
  }

  async takeNode(): Promise<void> {
    await this.#places.takeOwn();
  }

  async isNodeThere(nodeId: string): Promise<boolean> {
    return await this.#places.isThere(nodeId);
  }

  async takePlaceOf(nodeId: string): Promise<NodeStore | null> {
    return await this.#places.takeOver(nodeId);
  }

  async readOtherNodes(): Promise<readonly string[]> {
    return await this.#places.others();
  }

  async readEvents(request: EventRead): Promise<EventPage> {
    return await readEvents(this.#database, this.#nodes, request);
  }

  async readEventsBack(request: EventReadBack): Promise<EventPage> {
    return await readEventsBack(this.#database, this.#nodes, request);
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

  async findListenerIds(idsOrNames: readonly string[]): Promise<readonly (string | null)[]> {
    return await findListenerIds(this.#database, idsOrNames);
  }

  async findLabelledIds(request: LabelledRequest): Promise<readonly string[]> {
    return await findLabelledIds(this.#database, request);
  }

  async findListenerNames(ids: readonly string[]): Promise<ReadonlyMap<string, string | null>> {
    return await findListenerNames(this.#database, ids);
  }

  async listListeners(query: ListenerQuery, page: SizedPageRequest): Promise<PageItems<Listener>> {
    return await this.#listeners.list(query, page);
  }

  async findConnection(id: string): Promise<Connection | null> {
    return await this.#connections.find(id);
  }

  async listConnections(query: ConnectionQuery, page: PageRequest): Promise<readonly Connection[]> {
    return await this.#connections.list(query, page);
  }

  async readOwnListeners(
    page: SizedPageRequest,
  ): Promise<readonly (Listener & { readonly secrets: ListenerSecrets })[]> {
    return (await this.#places.own?.readOwnListeners(page)) ?? [];
  }

  async readOwnOpenConnections(
    afterId: string | null,
    limit: number,
    listenerId: string | null = null,
  ): Promise<readonly Connection[]> {
    return (await this.#places.own?.readOwnOpenConnections(afterId, limit, listenerId)) ?? [];
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
    return await this.#idempotencyKeys.take(take, this.#clock.now(), this.#places.own);
  }

  async keepIdempotentAnswer(key: string, body: string): Promise<void> {
    await this.#idempotencyKeys.keep(key, body);
  }

  async releaseIdempotencyKey(key: string): Promise<void> {
    await this.#idempotencyKeys.release(key);
  }

  async purgeIdempotencyKeys(expiresBefore: Micros, limit: number): Promise<boolean> {
    return await this.#idempotencyKeys.purge(expiresBefore, limit);
  }

  /** Idempotent. Resolves when every connection to the database is closed. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#places[Symbol.asyncDispose]();
    await this.#foreignAppends[Symbol.asyncDispose]();
    await this.#database[Symbol.asyncDispose]();
  }
}
