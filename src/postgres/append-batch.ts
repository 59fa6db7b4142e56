/**
 * What one append writes, folded from its events: each connection and listener at most once, as it is at the end
 * of the batch. One that opens and closes within the batch costs a single insert.
 */
import type { Connection } from '../core/connection.ts';
import type { Listener, ListenerSecrets } from '../core/listener.ts';
import type { Counters } from '../core/record.ts';
import type { Append } from '../core/store.ts';
import type { Micros } from '../core/time.ts';
import { eventRecord } from './event-rows.ts';
import { listenerRecord, specRecord } from './listener-rows.ts';
import type { Field } from './record-literal.ts';
import { changeRecord, closedRecord, openRecord } from './rows.ts';

type Records = readonly (readonly Field[])[];

/** Rows by table, as their tables' records. Seqs in them count from 1, the first of this append. */
export interface AppendBatch {
  readonly eventCount: number;
  readonly bytes: number;
  /** Of any event; 0 where there is none. */
  readonly maxTime: Micros;
  readonly events: Records;
  /** Opened here, and still open. */
  readonly open: Records;
  /** Opened by an earlier append, and still open. */
  readonly changed: Records;
  readonly closed: Records;
  /** Opened by an earlier append, and closed here. */
  readonly closedIds: readonly string[];
  readonly listeners: Records;
  /** Of each generation that an event names; one that is there already stays. */
  readonly specs: Records;
  readonly secrets: Records;
  /** Their secrets go. */
  readonly closedListenerIds: readonly string[];
  /** By how much the counts of a listener change. */
  readonly counts: Records;
}

/** `changed`: no event but counters, or a half-close, of a connection opened earlier. */
interface Life {
  connection: Connection;
  openedSeq: number | null;
  closedSeq: number | null;
}

interface Counts {
  open: number;
  total: number;
}

export function foldAppend(append: Append, node: number): AppendBatch {
  const lives = new Map<string, Life>();
  const listeners = new Map<string, Listener>();
  const specs = new Map<string, readonly Field[]>();
  const counts = new Map<string, Counts>();
  const events: (readonly Field[])[] = [];
  let maxTime = 0;
  append.events.forEach((event, index) => {
    const seq = index + 1;
    if (event.time > maxTime) maxTime = event.time;
    const record = eventRecord(event, seq);
    if (record !== null) events.push(record);
    if ('listener' in event) {
      const { listener } = event;
      listeners.set(event.listenerId, listener);
      const key = `${listener.id} ${listener.generation}`;
      if (!specs.has(key)) specs.set(key, specRecord(listener));
      countsOf(counts, event.listenerId);
    } else if ('connection' in event) {
      live(lives, event.connection, event.type, seq);
      count(countsOf(counts, event.listenerId), event.type);
    }
  });
  return {
    eventCount: append.events.length,
    bytes: append.bytes,
    maxTime,
    events,
    ...foldConnections(lives, append.counters, node),
    ...foldListeners(listeners, append.secrets, node),
    specs: [...specs.values()],
    counts: [...counts].map(([id, { open, total }]) => [id, open, total]),
  };
}

function live(lives: Map<string, Life>, connection: Connection, type: string, seq: number): void {
  const life = lives.get(connection.id) ?? { connection, openedSeq: null, closedSeq: null };
  life.connection = connection;
  if (type === 'connection_opened') life.openedSeq = seq;
  if (type === 'connection_closed') life.closedSeq = seq;
  lives.set(connection.id, life);
}

function countsOf(counts: Map<string, Counts>, listenerId: string): Counts {
  const found = counts.get(listenerId);
  if (found !== undefined) return found;
  const fresh = { open: 0, total: 0 };
  counts.set(listenerId, fresh);
  return fresh;
}

function count(counts: Counts, type: string): void {
  if (type === 'connection_opened') {
    counts.open += 1;
    counts.total += 1;
  } else if (type === 'connection_closed') counts.open -= 1;
}

function foldConnections(
  lives: ReadonlyMap<string, Life>,
  counters: readonly Counters[],
  node: number,
): Pick<AppendBatch, 'open' | 'changed' | 'closed' | 'closedIds'> {
  const latest = new Map(counters.map((one) => [one.id, one]));
  const open: (readonly Field[])[] = [];
  const closed: (readonly Field[])[] = [];
  const closedIds: string[] = [];
  const changes = new Map<string, Counters & { halfClosedAt: Micros | null }>();
  for (const { id } of counters) {
    const one = latest.get(id);
    if (one !== undefined && !lives.has(id)) changes.set(id, { ...one, halfClosedAt: null });
  }
  for (const [id, { connection, openedSeq, closedSeq }] of lives) {
    const place = { node, openedSeq };
    if (closedSeq !== null) {
      closed.push(closedRecord(connection, { ...place, closedSeq }));
      if (openedSeq === null) closedIds.push(id);
    } else {
      const now = advanced(connection, latest.get(id));
      if (openedSeq === null) changes.set(id, now);
      else open.push(openRecord(now, place));
    }
  }
  return { open, closed, closedIds, changed: [...changes.values()].map(changeRecord) };
}

/** Counters only grow: whichever of the two is ahead is the newer one. */
function advanced(connection: Connection, counters: Counters | undefined): Connection {
  if (counters === undefined) return connection;
  return {
    ...connection,
    bytesIn: Math.max(connection.bytesIn, counters.bytesIn),
    bytesOut: Math.max(connection.bytesOut, counters.bytesOut),
    firstByteAt: connection.firstByteAt ?? counters.firstByteAt,
  };
}

function foldListeners(
  listeners: ReadonlyMap<string, Listener>,
  secrets: ReadonlyMap<string, ListenerSecrets>,
  node: number,
): Pick<AppendBatch, 'listeners' | 'secrets' | 'closedListenerIds'> {
  const isClosed = (id: string) => listeners.get(id)?.state === 'closed';
  // Closed ones first: another may take the name of one of them.
  const inOrder = [...listeners.values()].sort(
    (a, b) => Number(b.state === 'closed') - Number(a.state === 'closed'),
  );
  const kept: (readonly Field[])[] = [];
  for (const [id, { tlsKey }] of secrets) {
    if (tlsKey !== null && !isClosed(id)) kept.push([id, tlsKey]);
  }
  return {
    listeners: inOrder.map((listener) => listenerRecord(listener, node)),
    secrets: kept,
    closedListenerIds: [...listeners.keys()].filter(isClosed),
  };
}
