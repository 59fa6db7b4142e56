/**
 * A Store over a MemoryDatabase, with hooks for what a database does to its callers: it is away, it is slow,
 * it commits and the answer is lost.
 */
import type { Connection } from '../../src/core/connection.ts';
import { AppError, idempotencyFull } from '../../src/core/errors.ts';
import { type EventFilter, eventMatcher } from '../../src/core/event-filter.ts';
import type {
  IdempotencyRun,
  IdempotencyTake,
  IdempotentAnswer,
} from '../../src/core/idempotency-keys.ts';
import { isOver, type Listener, type ListenerSecrets } from '../../src/core/listener.ts';
import { carries } from '../../src/core/listener-choice.ts';
import type { PageItems, PageRequest, SizedPageRequest } from '../../src/core/page.ts';
import type {
  Append,
  Clock,
  ConnectionQuery,
  EventPage,
  ListenerQuery,
  LogAge,
  LogAgeing,
  LogBounds,
  NodeStore,
  PurgeRequest,
  Store,
} from '../../src/core/ports.ts';
import { eventBytes, itemBytes, specBytes, takeBytes } from '../../src/core/sizes.ts';
import type { Micros } from '../../src/core/time.ts';
import { connectionMatches, listenerMatches, MemoryDatabase } from './memory-database.ts';

/** What befalls one append. */
export interface AppendFault {
  /** Reported unavailable before it took effect, or after. */
  readonly fails?: 'before' | 'after';
  /** Thrown instead of doing anything. */
  readonly refusal?: Error;
  /** Waited for before it takes effect. */
  readonly begin?: Promise<unknown>;
  /** Waited for after it took effect, before the answer. */
  readonly end?: Promise<unknown>;
}

export interface MemoryStoreOptions {
  readonly database?: MemoryDatabase;
  readonly nodeId?: string;
  readonly clock?: Clock;
  /** Waited for before and after each call: where others get in between. */
  readonly turn?: () => Promise<void>;
}

const away = () => new AppError('unavailable', 'the database is away');

export class MemoryStore implements Store {
  readonly database: MemoryDatabase;
  readonly nodeId: string;
  /** Each append takes the first of these. */
  readonly faults: AppendFault[] = [];
  /** While it is true, every call throws unavailable. */
  isAway = false;
  /** Events that one read looks at before it answers with what it has. */
  scanMax = Number.POSITIVE_INFINITY;
  /** Calls of append, repeated ones too. */
  readonly appends: Append[] = [];
  /** Thrown instead of doing the append, where it gives something. */
  judge: (append: Append) => Error | null = () => null;
  /** Numbers whose outcome was asked for. */
  readonly settled: number[] = [];
  /** How often events were read. */
  reads = 0;
  readonly #clock: Clock;
  readonly #turn: () => Promise<void>;
  #place: number | null = null;

  constructor(options: MemoryStoreOptions = {}) {
    this.database = options.database ?? new MemoryDatabase();
    this.nodeId = options.nodeId ?? 'node-a';
    this.#clock = options.clock ?? { now: () => Date.now() * 1000 };
    this.#turn = options.turn ?? (() => Promise.resolve());
  }

  async #call<Result>(work: () => Result): Promise<Result> {
    await this.#turn();
    if (this.isAway) throw away();
    const result = work();
    await this.#turn();
    return result;
  }

  async append(append: Append): Promise<{ readonly firstSeq: number }> {
    this.appends.push(append);
    const fault = this.faults.shift() ?? {};
    await this.#turn();
    await fault.begin;
    if (fault.refusal !== undefined) throw fault.refusal;
    const judged = this.judge(append);
    if (judged !== null) throw judged;
    if (this.isAway || fault.fails === 'before') throw away();
    const done = this.database.append(this.nodeId, this.#place, append);
    await fault.end;
    await this.#turn();
    if (fault.fails === 'after') throw away();
    return done;
  }

  settle(number: number): Promise<number | null> {
    this.settled.push(number);
    return this.#call(() => this.database.settle(this.nodeId, this.#place, number));
  }

  readEvents(request: {
    readonly afterSeq: number;
    readonly limit: number;
    readonly bytesMax: number;
    readonly filter: EventFilter;
  }): Promise<EventPage> {
    this.reads += 1;
    return this.#call(() => {
      const { history, bounds } = this.database;
      const { headSeq, oldestSeq } = bounds;
      const isWanted = eventMatcher(request.filter);
      const begin = Math.max(request.afterSeq, oldestSeq - 1);
      const seen = history.slice(begin, Math.min(headSeq, begin + this.scanMax));
      const matching = seen.filter(isWanted);
      const events = takeBytes(matching.slice(0, request.limit), eventBytes, request.bytesMax);
      const isCut = matching.length > events.length;
      const throughSeq = isCut ? events.at(-1)?.seq : seen.at(-1)?.seq;
      return {
        events,
        throughSeq: throughSeq ?? Math.max(request.afterSeq, begin),
        headSeq,
        oldestSeq,
      };
    });
  }

  readEventsBack({
    beforeSeq,
    limit,
    bytesMax,
    filter,
  }: Parameters<Store['readEventsBack']>[0]): Promise<EventPage> {
    return this.#call(() => {
      const { bounds } = this.database;
      const below = this.#kept().filter(({ seq }) => seq < beforeSeq);
      const seen = below.toReversed().slice(0, this.scanMax);
      const matching = seen.filter(eventMatcher(filter));
      const events = takeBytes(matching.slice(0, limit), eventBytes, bytesMax);
      const isCut = matching.length > events.length;
      const throughSeq = isCut ? events.at(-1)?.seq : seen.at(-1)?.seq;
      return { events, throughSeq: throughSeq ?? bounds.oldestSeq, ...bounds };
    });
  }

  readBounds(): Promise<LogBounds> {
    return this.#call(() => this.database.bounds);
  }

  /** The kept events, oldest first. */
  #kept() {
    return this.database.history.slice(this.database.bounds.oldestSeq - 1);
  }

  seqBefore(time: Micros): Promise<number> {
    return this.#call(() => {
      const first = this.#kept().find((event) => event.time >= time);
      return first === undefined ? this.database.bounds.headSeq : first.seq - 1;
    });
  }

  seqBeforeNewest(count: number, filter: EventFilter): Promise<number> {
    return this.#call(() => {
      const { headSeq, oldestSeq } = this.database.bounds;
      if (count === 0) return headSeq;
      const matching = this.#kept().filter(eventMatcher(filter));
      return (matching.at(-count)?.seq ?? oldestSeq) - 1;
    });
  }

  findListener(idOrName: string): Promise<Listener | null> {
    return this.#call(() => {
      const { listeners } = this.database;
      const named = [...listeners.values()].find(
        ({ listener }) => listener.name === idOrName && !isOver(listener),
      );
      return (listeners.get(idOrName) ?? named)?.listener ?? null;
    });
  }

  listListeners(query: ListenerQuery, page: SizedPageRequest): Promise<PageItems<Listener>> {
    return this.#call(() => {
      const all = [...this.database.listeners.values()].map(({ listener }) => listener);
      const matching = all.filter((listener) => listenerMatches(listener, query));
      const rows = newestFirst(matching, { ...page, pageSize: page.pageSize + 1 });
      const items = takeBytes(rows.slice(0, page.pageSize), listenerBytes, page.bytesMax);
      return { items, hasMore: items.length < rows.length };
    });
  }

  findConnection(id: string): Promise<Connection | null> {
    return this.#call(() => this.database.connections.get(id) ?? null);
  }

  listConnections(query: ConnectionQuery, page: PageRequest): Promise<readonly Connection[]> {
    return this.#call(() => {
      const all = [...this.database.connections.values()];
      return newestFirst(
        all.filter((connection) => connectionMatches(connection, query)),
        page,
      );
    });
  }

  takeNode(): Promise<void> {
    return this.#call(() => {
      this.database.present.add(this.nodeId);
      this.#place = this.database.takeNode(this.nodeId);
    });
  }

  isNodeThere(nodeId: string): Promise<boolean> {
    return this.#call(() => this.database.present.has(nodeId));
  }

  takePlaceOf(nodeId: string): Promise<NodeStore | null> {
    return this.#call(() => {
      if (this.database.present.has(nodeId)) return null;
      const place = new MemoryStore({ database: this.database, nodeId, clock: this.#clock });
      place.#place = this.database.takeNode(nodeId);
      return place;
    });
  }

  readOtherNodes(): Promise<readonly string[]> {
    return this.#call(() => {
      const { listeners, connections } = this.database;
      const live = [...listeners.values()].filter(({ listener }) => !isOver(listener));
      const open = [...connections.values()].filter(({ state }) => state !== 'closed');
      const ids = [
        ...live.map(({ listener }) => listener.nodeId),
        ...open.map((one) => one.nodeId),
      ];
      return [...new Set(ids)].filter((id) => id !== this.nodeId);
    });
  }

  /** The process of the node is gone, for all to see. */
  leave(): void {
    this.database.present.delete(this.nodeId);
  }

  #named(idOrName: string): string | null {
    const all = [...this.database.listeners.values()].map(({ listener }) => listener);
    const closed = all.filter(({ name, state }) => name === idOrName && state === 'closed');
    const newest = closed.sort((a, b) => (a.id > b.id ? -1 : 1))[0];
    const one =
      all.find(({ id }) => id === idOrName) ??
      all.find((listener) => listener.name === idOrName && !isOver(listener));
    return (one ?? newest)?.id ?? null;
  }

  findListenerIds(idsOrNames: readonly string[]): Promise<readonly (string | null)[]> {
    return this.#call(() => idsOrNames.map((one) => this.#named(one)));
  }

  findLabelledIds({
    labels,
    among,
    limit,
  }: Parameters<Store['findLabelledIds']>[0]): Promise<readonly string[]> {
    return this.#call(() =>
      [...this.database.listeners.values()]
        .map(({ listener }) => listener)
        .filter(({ id }) => among === null || among.includes(id))
        .filter((listener) => carries(listener, labels))
        .slice(0, limit)
        .map(({ id }) => id),
    );
  }

  findListenerNames(ids: readonly string[]): Promise<ReadonlyMap<string, string | null>> {
    const { listeners } = this.database;
    const names = ids.flatMap((id) => {
      const row = listeners.get(id);
      return row === undefined ? [] : [[id, row.listener.name] as const];
    });
    return this.#call(() => new Map(names));
  }

  readOwnListeners({
    pageSize,
    after,
    bytesMax,
  }: SizedPageRequest): Promise<readonly (Listener & { readonly secrets: ListenerSecrets })[]> {
    return this.#call(() => {
      const rest = [...this.database.listeners.values()]
        .filter(({ listener }) => listener.nodeId === this.nodeId && !isOver(listener))
        .map(({ listener, secrets }) => ({ ...listener, secrets }))
        .filter(({ id }) => after === null || id > after)
        .sort((a, b) => (a.id < b.id ? -1 : 1));
      return takeBytes(rest.slice(0, pageSize), listenerBytes, bytesMax);
    });
  }

  readOwnOpenConnections(
    afterId: string | null,
    limit: number,
    listenerId: string | null = null,
  ): Promise<readonly Connection[]> {
    return this.#call(() =>
      [...this.database.connections.values()]
        .filter(({ nodeId, state }) => nodeId === this.nodeId && state !== 'closed')
        .filter(({ id }) => afterId === null || id > afterId)
        .filter((one) => listenerId === null || one.listenerId === listenerId)
        .sort((a, b) => (a.id < b.id ? -1 : 1))
        .slice(0, limit),
    );
  }

  onForeignAppend(callback: (headSeq: number) => void): () => void {
    return this.database.watch(this.nodeId, callback);
  }

  age(ageing: LogAgeing): Promise<LogAge> {
    return this.#call(() => this.database.age(ageing, this.#clock.now()));
  }

  purge(request: PurgeRequest): Promise<LogBounds & { readonly hasMore: boolean }> {
    return this.#call(() => this.database.purge(request));
  }

  ping(): Promise<void> {
    return this.#call(() => undefined);
  }

  takeIdempotencyKey(take: IdempotencyTake): Promise<IdempotencyRun | IdempotentAnswer> {
    const { key, bodyHash, expiresBefore, lostBefore, keysMax, answerBytesMax } = take;
    return this.#call(() => {
      const { answers } = this.database;
      const given = answers.get(key);
      if (given === undefined && answers.size >= keysMax) {
        throw idempotencyFull('idempotencyKeysMax', keysMax);
      }
      const bytes = answers.values().reduce((sum, { body }) => sum + (body?.length ?? 0), 0);
      if (given === undefined && bytes >= answerBytesMax) {
        throw idempotencyFull('idempotencyAnswerBytesMax', answerBytesMax);
      }
      const isExpired = given === undefined || given.takenAt < expiresBefore;
      const isLost =
        given?.body === null &&
        given.bodyHash === bodyHash &&
        (given.takenAt < lostBefore || !this.database.hasPlace(given.nodeId, given.place));
      if (!isExpired && !isLost) {
        return { bodyHash: given.bodyHash, body: given.body };
      }
      const seed = isExpired ? take.seed : given.seed;
      const run = { bodyHash, seed, nodeId: this.nodeId, place: this.#place };
      answers.set(key, { ...run, body: null, takenAt: this.#clock.now() });
      return { seed };
    });
  }

  keepIdempotentAnswer(key: string, body: string): Promise<void> {
    return this.#call(() => {
      const { answers } = this.database;
      const taken = answers.get(key);
      if (taken !== undefined) answers.set(key, { ...taken, body });
    });
  }

  releaseIdempotencyKey(key: string): Promise<void> {
    return this.#call(() => {
      this.database.answers.delete(key);
    });
  }

  purgeIdempotencyKeys(expiresBefore: Micros, limit: number): Promise<boolean> {
    return this.#call(() => {
      const { answers } = this.database;
      const expired = [...answers].filter(([, { takenAt }]) => takenAt < expiresBefore);
      const gone = expired.slice(0, limit);
      for (const [key] of gone) answers.delete(key);
      return gone.length === limit;
    });
  }
}

function listenerBytes(listener: Listener): number {
  return itemBytes + specBytes(listener);
}

function newestFirst<Item extends { readonly id: string }>(
  items: readonly Item[],
  { pageSize, after }: PageRequest,
): readonly Item[] {
  return items
    .filter(({ id }) => after === null || id < after)
    .sort((a, b) => (a.id > b.id ? -1 : 1))
    .slice(0, pageSize);
}
