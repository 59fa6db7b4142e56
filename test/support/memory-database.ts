/** What a PostgreSQL would hold, in memory: one log for all the stores over it. See memory-store.ts. */
import { networkSet } from '../../src/core/address.ts';
import type { Connection } from '../../src/core/connection.ts';
import { AppError } from '../../src/core/errors.ts';
import type { Event, EventDraft } from '../../src/core/event.ts';
import type { IdempotentAnswer } from '../../src/core/idempotency-keys.ts';
import type { Listener, ListenerSecrets } from '../../src/core/listener.ts';
import type {
  Append,
  ConnectionQuery,
  ListenerQuery,
  LogAge,
  LogAgeing,
  LogBounds,
  PurgeRequest,
} from '../../src/core/store.ts';
import type { Micros } from '../../src/core/time.ts';

export interface ListenerRow {
  readonly listener: Listener;
  readonly secrets: ListenerSecrets;
}

/** A node's place in the log: only the newest process that took it may append. */
interface NodePlace {
  readonly place: number;
  readonly number: number;
  readonly firstSeq: number;
}

export interface KeptAnswer extends IdempotentAnswer {
  readonly takenAt: Micros;
  readonly seed: string;
  readonly nodeId: string;
  readonly place: number | null;
}

export class MemoryDatabase {
  /** Every event ever committed, purged ones too: what tests hold streams against. */
  readonly history: Event[] = [];
  readonly listeners = new Map<string, ListenerRow>();
  readonly connections = new Map<string, Connection>();
  readonly answers = new Map<string, KeptAnswer>();
  /** While it is true, other nodes hear of appends only by `notify`. */
  isHoldingNotices = false;
  #oldestSeq = 1;
  #bytes = 0;
  /** The log's own time; null until it is first asked for. */
  #time: Micros | null = null;
  #ages: readonly (Pick<LogAge, 'time' | 'bytes'> & { readonly seq: number })[] = [
    { seq: 0, time: 0, bytes: 0 },
  ];
  readonly #nodes = new Map<string, NodePlace>();
  readonly #watchers = new Set<{ nodeId: string; callback: (headSeq: number) => void }>();
  readonly #notices = new Set<() => void>();

  get bounds(): LogBounds {
    return { headSeq: this.history.length, oldestSeq: this.#oldestSeq };
  }

  takeNode(nodeId: string): number {
    const place = (this.#nodes.get(nodeId)?.place ?? 0) + 1;
    this.#nodes.set(nodeId, { place, number: 0, firstSeq: 0 });
    return place;
  }

  /** Nodes whose processes are there. */
  readonly present = new Set<string>();

  /** Whether this is the process that has the node's place. */
  hasPlace(nodeId: string, place: number | null): boolean {
    return this.#nodes.get(nodeId)?.place === (place ?? undefined);
  }

  /** All or nothing. An append that is repeated under its number is done once. */
  append(nodeId: string, place: number | null, append: Append): { firstSeq: number } {
    const node = this.#nodes.get(nodeId);
    if (node === undefined || node.place !== place) {
      throw new AppError('failed_precondition', `another process has the place of node ${nodeId}`);
    }
    const { number, firstSeq: doneAt } = node;
    if (append.number === number && doneAt === 0) throw new TypeError(`${number} was settled`);
    if (append.number === number) return { firstSeq: doneAt };
    if (append.number !== number + 1)
      throw new TypeError(`append ${append.number} after ${number}`);
    this.#assertNamesFree(append.events);
    const firstSeq = this.history.length + 1;
    append.events.forEach((draft, index) => {
      this.history.push({ ...draft, seq: firstSeq + index });
      this.#write(draft, append.secrets);
    });
    for (const { id, bytesIn, bytesOut, firstByteAt } of append.counters) {
      const row = this.connections.get(id);
      if (row === undefined || row.state === 'closed') continue;
      this.connections.set(id, { ...row, bytesIn, bytesOut, firstByteAt });
    }
    this.#bytes += append.bytes;
    this.#nodes.set(nodeId, { place, number: append.number, firstSeq });
    if (append.events.length > 0) this.#tellOthers(nodeId);
    return { firstSeq };
  }

  /** A number that is settled and not done has no first seq. */
  settle(nodeId: string, place: number | null, number: number): number | null {
    const node = this.#nodes.get(nodeId);
    if (node === undefined || node.place !== place) {
      throw new AppError('failed_precondition', `another process has the place of node ${nodeId}`);
    }
    if (node.number === number) return node.firstSeq === 0 ? null : node.firstSeq;
    if (node.number !== number - 1) throw new TypeError(`settling ${number} after ${node.number}`);
    this.#nodes.set(nodeId, { place: node.place, number, firstSeq: 0 });
    return null;
  }

  #assertNamesFree(events: readonly EventDraft[]): void {
    const rows = new Map([...this.listeners].map(([id, row]) => [id, row.listener]));
    for (const event of events) {
      if (!('listener' in event)) continue;
      const { id, name, state } = event.listener;
      rows.set(id, event.listener);
      if (name === null || state === 'closed') continue;
      const taken = [...rows.values()].some(
        (other) => other.id !== id && other.name === name && other.state !== 'closed',
      );
      if (taken) throw new AppError('already_exists', `the name ${name} is taken`);
    }
  }

  #write(event: EventDraft, secrets: Append['secrets']): void {
    if ('listener' in event) {
      const { id } = event.listener;
      const old = this.listeners.get(id);
      const counts = {
        openConnections: old?.listener.openConnections ?? 0,
        totalConnections: old?.listener.totalConnections ?? 0,
      };
      this.listeners.set(id, {
        listener: { ...event.listener, ...counts },
        secrets: secrets.get(id) ?? old?.secrets ?? { tlsKey: null },
      });
    } else if ('connection' in event) {
      const { connection, type } = event;
      this.connections.set(connection.id, connection);
      if (type === 'connection_opened') this.#count(connection.listenerId, 1, 1);
      if (type === 'connection_closed') this.#count(connection.listenerId, -1, 0);
    }
  }

  #count(listenerId: string, open: number, total: number): void {
    const row = this.listeners.get(listenerId);
    if (row === undefined) return;
    const { openConnections, totalConnections } = row.listener;
    const listener = {
      ...row.listener,
      openConnections: openConnections + open,
      totalConnections: totalConnections + total,
    };
    this.listeners.set(listenerId, { ...row, listener });
  }

  watch(nodeId: string, callback: (headSeq: number) => void): () => void {
    const watcher = { nodeId, callback };
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  get watchers(): number {
    return this.#watchers.size;
  }

  #tellOthers(nodeId: string): void {
    const headSeq = this.history.length;
    this.#notices.add(() => {
      for (const watcher of [...this.#watchers]) {
        if (watcher.nodeId !== nodeId) watcher.callback(headSeq);
      }
    });
    if (!this.isHoldingNotices) this.notify();
  }

  /** Passes on what was held. */
  notify(): void {
    const notices = [...this.#notices];
    this.#notices.clear();
    for (const notice of notices) notice();
  }

  age(ageing: LogAgeing, clock: Micros): LogAge {
    const { timeMin, timeMax, confirmedTime, leapMaxMs, markMs, markBytes } = ageing;
    const before = this.#time ?? clock;
    const isClose = clock - before <= leapMaxMs * 1000;
    const ahead = Math.max(before, timeMax ?? 0, confirmedTime ?? 0, isClose ? clock : 0);
    const time = Math.max(before, timeMin ?? 0, Math.min(clock, ahead));
    this.#time = time;
    const seq = this.history.length;
    const last = this.#ages.at(-1);
    const isDue =
      last !== undefined &&
      seq > last.seq &&
      (time - last.time >= markMs * 1000 || this.#bytes - last.bytes >= markBytes);
    if (isDue) this.#ages = [...this.#ages, { seq, time, bytes: this.#bytes }];
    return { time, clock, bytes: this.#bytes - this.#bytesBefore(this.#oldestSeq - 1) };
  }

  /** The mark at or before, and the next one or the head. */
  #around(isBefore: (mark: { seq: number; bytes: number }) => boolean) {
    const marks = [...this.#ages, { seq: this.history.length, bytes: this.#bytes }];
    const at = this.#ages.findLastIndex(isBefore);
    const [mark, next = mark] = marks.slice(Math.max(at, 0));
    if (mark === undefined || next === undefined) throw new TypeError('there is a first mark');
    return { at, mark, next };
  }

  #bytesBefore(seq: number): number {
    const { mark, next } = this.#around((one) => one.seq <= seq);
    const part = (seq - mark.seq) / Math.max(1, next.seq - mark.seq);
    return Math.round(mark.bytes + (next.bytes - mark.bytes) * part);
  }

  #seqOfBytes(bytes: number): number {
    const { at, mark, next } = this.#around((one) => one.bytes <= bytes);
    if (at < 0) return 0;
    const part = (next.seq - mark.seq) * (bytes - mark.bytes);
    return mark.seq + Math.ceil(part / Math.max(1, next.bytes - mark.bytes));
  }

  purge({ before, eventsMax, bytesMax, limit }: PurgeRequest): LogBounds & { hasMore: boolean } {
    const aged = this.#ages.findLast(({ time }) => time <= before)?.seq ?? 0;
    const headSeq = this.history.length;
    const due = Math.max(aged, headSeq - eventsMax, this.#seqOfBytes(this.#bytes - bytesMax));
    const end = Math.min(due, this.#oldestSeq - 1 + limit);
    while (this.#oldestSeq <= end) {
      const event = this.history[this.#oldestSeq - 1];
      this.#oldestSeq += 1;
      if (event?.type === 'connection_closed') this.connections.delete(event.connection.id);
    }
    const first = this.#ages.findLastIndex(({ seq }) => seq < this.#oldestSeq);
    this.#ages = this.#ages.slice(first);
    const kept = this.history.slice(this.#oldestSeq - 1);
    const isNamed = (id: string) => kept.some((event) => event.listenerId === id);
    for (const [id, { listener }] of this.listeners) {
      if (listener.state === 'closed' && !isNamed(id)) this.listeners.delete(id);
    }
    return { ...this.bounds, hasMore: this.#oldestSeq <= due };
  }
}

export function listenerMatches(listener: Listener, query: ListenerQuery): boolean {
  const { state, protocol, port, name, labels } = query;
  return (
    (state === null ? listener.state !== 'closed' : listener.state === state) &&
    (protocol === null || listener.protocol === protocol) &&
    (name === null || listener.name === name) &&
    (port === null || (listener.laddr?.port ?? listener.port) === port) &&
    Object.entries(labels).every(([key, value]) => listener.labels[key] === value)
  );
}

export function connectionMatches(connection: Connection, query: ConnectionQuery): boolean {
  const { listenerIds, state, protocol, raddr, lport, closeReason } = query;
  const remoteIp = connection.raddr?.ip;
  const { acceptedAfter, acceptedBefore } = query;
  return (
    (listenerIds === null || listenerIds.includes(connection.listenerId)) &&
    (state === null || connection.state === state) &&
    (protocol === null || connection.protocol === protocol) &&
    (raddr === null || (remoteIp !== undefined && networkSet([raddr])(remoteIp))) &&
    (lport === null || connection.laddr.port === lport) &&
    (closeReason === null || connection.closeReason === closeReason) &&
    (acceptedAfter === null || connection.acceptedAt >= acceptedAfter) &&
    (acceptedBefore === null || connection.acceptedAt < acceptedBefore)
  );
}
