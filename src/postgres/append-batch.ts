/**
 * What one append writes, folded from its events: each connection and listener at most once, as it is at the end
 * of the batch. One that opens and closes within the batch costs a single insert.
 */
import type { Connection } from '../core/connection.ts';
import type { Listener } from '../core/listener.ts';
import type { ProjectRef } from '../core/project.ts';
import type { Counters } from '../core/record.ts';
import type { Micros } from '../core/time.ts';
import type { Append, AppendEntry } from '../core/writer.ts';
import { auditFields } from './audit-rows.ts';
import { eventRow } from './event-rows.ts';
import { listenerRow, specRow } from './listener-rows.ts';
import type { Row } from './row-literal.ts';
import { changeRow, closedRow, keyRow, openRow, type Place } from './rows.ts';
import type { SecretCipher } from './secret-cipher.ts';
import { secretRow } from './secret-rows.ts';

/**
 * Rows by table. A row has in the place of its project that project's place among `logs`,
 * from 1, and its seqs count from 1, the project's first of this append.
 */
export interface AppendBatch {
  /** In the order of their projects' numbers. */
  readonly logs: readonly LogShare[];
  readonly events: readonly Row[];
  /** Opened here, and still open. */
  readonly open: readonly Row[];
  /** Opened by an earlier append, and still open. */
  readonly changed: readonly Row[];
  readonly closed: readonly Row[];
  /** Opened by an earlier append, and closed here: by its key alone. */
  readonly gone: readonly Row[];
  readonly newListeners: readonly Row[];
  readonly changedListeners: readonly Row[];
  /** Of each generation that an event names; one that is there already stays. */
  readonly specs: readonly Row[];
  readonly secrets: readonly Row[];
  /** Their secrets go. */
  readonly closedListenerIds: readonly string[];
  /** By how much the counts of a listener change. */
  readonly counts: readonly Row[];
  readonly audit: readonly Row[];
  /** How far the node's records are on record with it. */
  readonly streams: readonly Row[];
}

/** What a project's log gets. */
export interface LogShare {
  readonly project: ProjectRef;
  events: number;
  bytes: number;
  /** Of any event; 0 where there is none. */
  maxTime: Micros;
  /** How many more listeners that are not closed it has. */
  listeners: number;
  /** The number of the newest record among its events; 0 where none has one. */
  throughRecord: number;
}

interface Life {
  readonly project: number;
  connection: Connection;
  openedSeq: number | null;
  closedSeq: number | null;
}

interface Counts {
  open: number;
  total: number;
}

/** `boot` is that of a node on a host of its own, whose records are numbered. */
export function foldAppend(
  { entries }: Append,
  { node, boot }: { readonly node: number; readonly boot: string | null },
  cipher: SecretCipher,
): AppendBatch {
  const numbers = [...new Set(entries.map((entry) => entry.project))].sort((a, b) => a - b);
  const logs: readonly LogShare[] = numbers.map((project) => ({
    ...{ project, events: 0, bytes: 0, maxTime: 0, listeners: 0, throughRecord: 0 },
  }));
  const fold = new Fold(node, cipher);
  for (const entry of entries) {
    const index = numbers.indexOf(entry.project);
    const share = logs[index];
    if (share !== undefined) fold.add(entry, index + 1, share);
  }
  const streams = logs.flatMap(({ throughRecord }, index) =>
    throughRecord === 0 ? [] : [[throughRecord, node, index + 1, boot]],
  );
  return { logs, streams, ...fold.rows(logs) };
}

/** What was met so far, with the places of its projects. */
class Fold {
  readonly #node: number;
  readonly #lives = new Map<string, Life>();
  readonly #counters = new Map<string, Counters & { readonly project: number }>();
  readonly #listeners = new Map<string, { listener: Listener; readonly project: number }>();
  readonly #specs = new Map<string, Row>();
  readonly #cipher: SecretCipher;
  readonly #secrets = new Map<string, Row>();
  readonly #counts = new Map<string, Counts>();
  readonly #events: Row[] = [];
  readonly #audit: Row[] = [];

  constructor(node: number, cipher: SecretCipher) {
    this.#node = node;
    this.#cipher = cipher;
  }

  add(entry: AppendEntry, project: number, share: LogShare): void {
    const { events, counters, secrets, audit, bytes } = entry;
    share.bytes += bytes;
    for (const event of events) {
      share.events += 1;
      const seq = share.events;
      if (event.time > share.maxTime) share.maxTime = event.time;
      share.throughRecord = Math.max(share.throughRecord, event.record ?? 0);
      const row = eventRow(event, { project, seq });
      if (row !== null) this.#events.push(row);
      if ('listener' in event) this.#listener(event.listener, project);
      else if ('connection' in event) this.#connection(event.connection, event.type, project, seq);
    }
    for (const one of counters) this.#counters.set(one.id, { ...one, project });
    for (const [listenerId, { tlsKey }] of secrets) {
      const place = { project: entry.project, listenerId };
      if (tlsKey !== null) this.#secrets.set(listenerId, secretRow(tlsKey, place, this.#cipher));
    }
    for (const one of audit) this.#audit.push(auditFields(one, project));
  }

  #listener(listener: Listener, project: number): void {
    this.#listeners.set(listener.id, { listener, project });
    const key = `${listener.id} ${listener.generation}`;
    if (!this.#specs.has(key)) this.#specs.set(key, specRow(listener));
    this.#countsOf(listener.id);
  }

  #connection(connection: Connection, type: string, project: number, seq: number): void {
    const { id, listenerId } = connection;
    const known = this.#lives.get(id);
    const life = known ?? { project, connection, openedSeq: null, closedSeq: null };
    life.connection = connection;
    if (type === 'connection_opened') life.openedSeq = seq;
    if (type === 'connection_closed') life.closedSeq = seq;
    if (known === undefined) this.#lives.set(id, life);
    const counts = this.#countsOf(listenerId);
    if (type === 'connection_opened') {
      counts.open += 1;
      counts.total += 1;
    } else if (type === 'connection_closed') counts.open -= 1;
  }

  #countsOf(listenerId: string): Counts {
    const found = this.#counts.get(listenerId);
    if (found !== undefined) return found;
    const fresh = { open: 0, total: 0 };
    this.#counts.set(listenerId, fresh);
    return fresh;
  }

  rows(logs: readonly LogShare[]): Omit<AppendBatch, 'logs' | 'streams'> {
    return {
      events: this.#events,
      audit: this.#audit,
      ...this.#connectionRows(),
      ...this.#listenerRows(logs),
      specs: [...this.#specs.values()],
      counts: [...this.#counts].map(([id, { open, total }]) => [id, open, total]),
    };
  }

  #connectionRows(): Pick<AppendBatch, 'open' | 'changed' | 'closed' | 'gone'> {
    const node = this.#node;
    const open: Row[] = [];
    const closed: Row[] = [];
    const gone: Row[] = [];
    const changed: Row[] = [];
    for (const [id, { project, ...counters }] of this.#counters) {
      const place: Place = { project, node, openedSeq: null, closedSeq: null };
      if (!this.#lives.has(id)) changed.push(changeRow({ ...counters, halfClosedAt: null }, place));
    }
    for (const [id, { connection, ...seqs }] of this.#lives) {
      const place: Place = { node, ...seqs };
      if (seqs.closedSeq !== null) {
        closed.push(closedRow(connection, place));
        if (seqs.openedSeq === null) gone.push(keyRow(connection, place));
      } else {
        const now = advanced(connection, this.#counters.get(id));
        if (seqs.openedSeq === null) changed.push(changeRow(now, place));
        else open.push(openRow(now, place));
      }
    }
    return { open, closed, gone, changed };
  }

  #listenerRows(
    logs: readonly LogShare[],
  ): Pick<AppendBatch, 'newListeners' | 'changedListeners' | 'secrets' | 'closedListenerIds'> {
    // Closed ones first: another may take the name of one of them.
    const inOrder = [...this.#listeners.values()].sort(
      (a, b) => Number(isClosed(b.listener)) - Number(isClosed(a.listener)),
    );
    const newListeners: Row[] = [];
    const changedListeners: Row[] = [];
    for (const { listener, project } of inOrder) {
      const isNew = listener.revision === 1;
      const row = listenerRow(listener, { node: this.#node, project });
      (isNew ? newListeners : changedListeners).push(row);
      const share = logs[project - 1];
      if (share !== undefined) share.listeners += (isClosed(listener) ? 0 : 1) - (isNew ? 0 : 1);
    }
    const closed = inOrder.filter(({ listener }) => isClosed(listener));
    const closedListenerIds = closed.map(({ listener }) => listener.id);
    for (const id of closedListenerIds) this.#secrets.delete(id);
    const secrets = [...this.#secrets.values()];
    return { newListeners, changedListeners, secrets, closedListenerIds };
  }
}

function isClosed(listener: Listener): boolean {
  return listener.state === 'closed';
}

/** Counters only grow: whichever of the two is ahead is the newer one. */
function advanced(connection: Connection, counters: Counters | undefined): Connection {
  if (counters === undefined) return connection;
  return {
    ...connection,
    bytesIn: Math.max(connection.bytesIn, counters.bytesIn),
    bytesOut: Math.max(connection.bytesOut, counters.bytesOut),
    firstByteAt: connection.firstByteAt ?? counters.firstByteAt,
    lastByteAt: Math.max(connection.lastByteAt ?? 0, counters.lastByteAt ?? 0) || null,
  };
}
