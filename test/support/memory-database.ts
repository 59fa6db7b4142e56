/** What a PostgreSQL would hold, in memory: one log for all the stores over it. See memory-store.ts. */
import { networkSet } from '../../src/core/address.ts';
import type { Connection } from '../../src/core/connection.ts';
import { AppError } from '../../src/core/errors.ts';
import type { Event, EventDraft } from '../../src/core/event.ts';
import type { Listener, ListenerSecrets } from '../../src/core/listener.ts';
import type {
  Append,
  ConnectionQuery,
  IdempotentAnswer,
  ListenerQuery,
  LogBounds,
} from '../../src/core/ports.ts';
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
    this.#nodes.set(nodeId, { place, number: append.number, firstSeq });
    if (append.events.length > 0) this.#tellOthers(nodeId);
    return { firstSeq };
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

  purge(before: Micros, eventsMax: number, limit: number): LogBounds & { hasMore: boolean } {
    const isDue = (event: Event | undefined): boolean =>
      event !== undefined && (event.time < before || event.seq <= this.history.length - eventsMax);
    const next = () => this.history[this.#oldestSeq - 1];
    for (let deleted = 0; deleted < limit && isDue(next()); deleted += 1) {
      const event = next();
      this.#oldestSeq += 1;
      if (event?.type === 'connection_closed') this.connections.delete(event.connection.id);
    }
    const kept = this.history.slice(this.#oldestSeq - 1);
    const isNamed = (id: string) => kept.some((event) => event.listenerId === id);
    for (const [id, { listener }] of this.listeners) {
      if (listener.state === 'closed' && !isNamed(id)) this.listeners.delete(id);
    }
    return { ...this.bounds, hasMore: isDue(next()) };
  }
}

export function listenerMatches(listener: Listener, query: ListenerQuery): boolean {
  const { state, protocol, port, labels } = query;
  return (
    (state === null ? listener.state !== 'closed' : listener.state === state) &&
    (protocol === null || listener.protocol === protocol) &&
    (port === null || (listener.laddr?.port ?? listener.port) === port) &&
    Object.entries(labels).every(([key, value]) => listener.labels[key] === value)
  );
}

export function connectionMatches(connection: Connection, query: ConnectionQuery): boolean {
  const { listenerId, state, protocol, raddr, lport, closeReason } = query;
  const remoteIp = connection.raddr?.ip;
  const { acceptedAfter, acceptedBefore } = query;
  return (
    (listenerId === null || connection.listenerId === listenerId) &&
    (state === null || connection.state === state) &&
    (protocol === null || connection.protocol === protocol) &&
    (raddr === null || (remoteIp !== undefined && networkSet([raddr])(remoteIp))) &&
    (lport === null || connection.laddr.port === lport) &&
    (closeReason === null || connection.closeReason === closeReason) &&
    (acceptedAfter === null || connection.acceptedAt >= acceptedAfter) &&
    (acceptedBefore === null || connection.acceptedAt < acceptedBefore)
  );
}
