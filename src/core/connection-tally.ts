/**
 * Counts the connections that match, for who waits for them: those on record, and then as the log tells of them. What a
 * connection has carried is told by the log at its steps only: of those that are open the record is looked at again.
 */
import type { Connection, ConnectionState } from './connection.ts';
import {
  type CountedQuery,
  connectionDiffers,
  connectionMatcher,
  everyConnection,
} from './connection-filter.ts';
import { limitReached } from './errors.ts';
import { connectionEventTypes, type Event } from './event.ts';
import { type EventSelection, everyEvent, selectionOf } from './event-filter.ts';
import type { ListenerEnds } from './listener-ends.ts';
import type { ProjectStore } from './store.ts';
import { type Near, nearLookedAt, nearMax, type Tally, waitCountMax } from './wait.ts';

interface ConnectionTallyOptions {
  readonly query: CountedQuery;
  /** Only those that were opened after it; 0: all. */
  readonly afterSeq: number;
  readonly store: Pick<ProjectStore, 'connections' | 'log'>;
  readonly ends: ListenerEnds;
  /** Rows that one look may read. */
  readonly rowsMax: number;
}

export class ConnectionTally implements Tally {
  readonly selection: EventSelection;
  readonly isGauge: boolean;
  readonly #options: ConnectionTallyOptions;
  readonly #isMatch: (connection: Connection) => boolean;
  /** As isMatch, but for the bytes: they never become fewer. */
  readonly #isStill: (connection: Connection) => boolean;
  /** In which those are that bytes are still added to, or that may leave. */
  readonly #openStates: readonly ConnectionState[];
  readonly #countsBytes: boolean;
  readonly #ids = new Set<string>();
  /** There are more than are kept. */
  #hasMore = false;
  #hasLooked = false;
  /** Of a page's connections those that were opened after the seq. */
  #opened: ReadonlySet<string> = new Set();

  constructor(options: ConnectionTallyOptions) {
    const { query, ends } = options;
    const { state, closeReason, listenerIds, minBytesIn, minBytesOut } = query;
    this.#options = options;
    this.#isMatch = connectionMatcher(query);
    this.#isStill = connectionMatcher({ ...query, minBytesIn: null, minBytesOut: null });
    this.isGauge = state === 'open' || state === 'half_closed';
    this.#openStates =
      state === 'closed' || closeReason !== null
        ? []
        : state === null
          ? ['open', 'half_closed']
          : [state];
    this.#countsBytes = minBytesIn !== null || minBytesOut !== null;
    const types = [...connectionEventTypes, ...ends.types];
    this.selection = selectionOf({ ...everyEvent, listenerIds: listenerIds ?? [], types });
  }

  get count(): number {
    return this.#ids.size;
  }

  get hasMore(): boolean {
    return this.#hasMore;
  }

  get isOver(): boolean {
    return this.#options.ends.areAll;
  }

  get mustLook(): boolean {
    return (this.#countsBytes && this.#openStates.length > 0) || (this.isGauge && this.#hasMore);
  }

  async look(): Promise<void> {
    const { query, afterSeq } = this.#options;
    if (this.isGauge) {
      // Whoever is in such a state is found there.
      this.#ids.clear();
      this.#hasMore = false;
    }
    // After a seq the log itself tells all but the bytes.
    const firstStates = afterSeq === 0 ? [query.state] : this.#countsBytes ? this.#openStates : [];
    for (const state of this.#hasLooked ? this.#openStates : firstStates)
      await this.#lookFor(state);
    this.#hasLooked = true;
  }

  async #lookFor(state: ConnectionState | null): Promise<void> {
    const { query, store, rowsMax } = this.#options;
    let after: string | null = null;
    const pageSize = waitCountMax + 1;
    for (let rows = 0; !this.#hasMore; rows += pageSize) {
      if (rows >= rowsMax) {
        const message = `more than ${rowsMax} connections are to be looked through: narrow it, such as by afterSeq`;
        throw limitReached('waitRowsMax', rowsMax, message);
      }
      const page = await store.connections.list({ ...query, state }, { pageSize, after });
      const found = page.filter(this.#isMatch).map(({ id }) => id);
      const opened = await this.#openedAfter(found);
      for (const id of found) if (opened === null || opened.has(id)) this.#add(id);
      after = page.at(-1)?.id ?? null;
      if (page.length < pageSize) return;
    }
  }

  async prepare(events: readonly Event[]): Promise<void> {
    if (this.#options.afterSeq === 0) return;
    const unknown = events.flatMap((event) =>
      'connection' in event &&
      event.type !== 'connection_opened' &&
      !this.#ids.has(event.connection.id) &&
      this.#isMatch(event.connection)
        ? [event.connection.id]
        : [],
    );
    this.#opened = (await this.#openedAfter(unknown)) ?? new Set();
  }

  take(event: Event): void {
    this.#options.ends.take(event);
    if (!('connection' in event)) return;
    const { connection } = event;
    const isOne = this.#ids.has(connection.id)
      ? this.#isStill(connection)
      : this.#isMatch(connection) && this.#wasOpenedAfter(event.type, connection.id);
    if (isOne) this.#add(connection.id);
    else this.#ids.delete(connection.id);
  }

  /** Of an event after the seq. */
  #wasOpenedAfter(type: Event['type'], id: string): boolean {
    return this.#options.afterSeq === 0 || type === 'connection_opened' || this.#opened.has(id);
  }

  #add(id: string): void {
    if (this.#ids.size < waitCountMax) this.#ids.add(id);
    else if (!this.#ids.has(id)) this.#hasMore = true;
  }

  /** Of these; null: all of them. */
  async #openedAfter(ids: readonly string[]): Promise<ReadonlySet<string> | null> {
    const { afterSeq, store } = this.#options;
    if (afterSeq === 0) return null;
    if (ids.length === 0) return new Set();
    const filter = { ...everyEvent, connectionIds: ids, types: ['connection_opened'] as const };
    const { events } = await store.log.read({
      ...{ afterSeq, filter, limit: ids.length },
      bytesMax: Number.MAX_SAFE_INTEGER,
    });
    return new Set(events.flatMap((event) => ('connection' in event ? event.connection.id : [])));
  }

  /** The oldest of those that count. */
  async items(count: number): Promise<readonly Connection[]> {
    const ids = [...this.#ids].sort().slice(0, count);
    return await this.#options.store.connections.findAll(ids);
  }

  /** The newest of the same listeners that do not count. */
  async near(): Promise<readonly Near<Connection>[]> {
    const { query, store, afterSeq } = this.#options;
    const { listenerIds } = query;
    const page = { pageSize: nearLookedAt, after: null };
    const newest = await store.connections.list({ ...everyConnection, listenerIds }, page);
    const differs = connectionDiffers(query);
    const opened = await this.#openedAfter(newest.map(({ id }) => id));
    return newest
      .map((item) => {
        const isLater = opened === null || opened.has(item.id);
        const early = isLater ? [] : [`afterSeq: opened at ${afterSeq} or before`];
        return { item, differs: [...early, ...differs(item)] };
      })
      .filter((one) => one.differs.length > 0)
      .slice(0, nearMax);
  }
}
