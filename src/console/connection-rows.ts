/**
 * The rows of the table of connections, the newest first: the pages of the list that were read, and what the log has told
 * since, as one. From the oldest page on there are no gaps, and no more rows than the page can hold.
 */
import type { ConnectionView, EventView } from '../http/resources.ts';
import { connectionThen } from './connection-then.ts';
import type { LogState, Timeline } from './timeline.ts';

/** What was so at a seq. */
export interface PastRows extends Pick<LogState, 'seq' | 'event'> {
  /** The window that is drawn, which may be another one than that of now. */
  readonly timeline: Timeline;
}

export type Row =
  | { readonly kind: 'connection'; readonly key: string; readonly connection: ConnectionView }
  /** Who was turned away has no connection. */
  | { readonly kind: 'refusal'; readonly key: string; readonly event: EventView };

export interface ConnectionRowsOptions {
  readonly isWanted: (connection: ConnectionView) => boolean;
  /** Whether it is, was or may still be wanted. */
  readonly isKept: (connection: ConnectionView) => boolean;
  readonly isRefusalWanted: (event: EventView) => boolean;
  readonly timeline: Timeline;
  readonly rowsMax?: number;
}

export const rowsMax = 10_000;

export class ConnectionRows {
  readonly #options: Required<ConnectionRowsOptions>;
  readonly #connections = new Map<string, ConnectionView>();
  #refusals: Row[] = [];
  /** What is wanted, the oldest first, so that what comes is mostly put at the end; null where it has to be made anew. */
  #wanted: Row[] | null = null;
  /** Nothing below is shown: what lies there has not been read. Null where all has been. */
  #floor: string | null = '~';
  #seq = 0;
  #isCut = false;

  constructor(options: ConnectionRowsOptions) {
    this.#options = { rowsMax, ...options };
  }

  /** Whether no older ones are taken: the oldest have gone, or would. */
  get isFull(): boolean {
    return this.#isCut || this.#connections.size >= this.#options.rowsMax;
  }

  /** A page of the list, the newest first, that follows on the one before. */
  addPage(connections: readonly ConnectionView[], isLast: boolean): void {
    this.#wanted = null;
    for (const connection of connections) this.#know(connection);
    if (isLast) this.#floor = null;
    else this.#floor = connections.at(-1)?.id ?? this.#floor;
  }

  /** What a later look at the list told of some: their counters of now. */
  refresh(connections: readonly ConnectionView[]): void {
    for (const connection of connections)
      if (this.#isInReach(connection.id)) this.#know(connection);
  }

  /** What the log has brought since the last time. */
  follow(): void {
    const { timeline, isRefusalWanted } = this.#options;
    const { events } = timeline;
    for (let at = events.length - timeline.countAfter(this.#seq); at < events.length; at++) {
      const event = events[at];
      if (event?.connection !== undefined) this.#know(event.connection);
      if (event?.refusal === undefined || !isRefusalWanted(event)) continue;
      const row: Row = { kind: 'refusal', key: refusalKey(event), event };
      this.#refusals.push(row);
      this.#place(row);
    }
    this.#seq = timeline.headSeq;
    const { firstSeq } = timeline;
    const gone = this.#refusals.findIndex(
      (row) => row.kind === 'refusal' && row.event.seq >= firstSeq,
    );
    if (gone > 0 || (gone < 0 && this.#refusals.length > 0)) {
      this.#refusals = gone < 0 ? [] : this.#refusals.slice(gone);
      this.#wanted = null;
    }
    this.#forgetOldest();
  }

  /** As it is now. */
  live(): Row[] {
    this.#wanted ??= this.#inOrder(this.#connections.values(), this.#refusals);
    const rows = this.#wanted;
    return rows.slice(this.#floor === null ? 0 : placeOf(rows, this.#floor)).reverse();
  }

  /** As it was at seq, by the window that is drawn; of what that has nothing of the record tells how it was then. */
  at({ seq, event, timeline }: PastRows): Row[] {
    const found = [...timeline.connectionsAt(seq)];
    const { time } = event ?? timeline.events[0] ?? {};
    for (const connection of this.#connections.values()) {
      if (timeline.connectionAt(connection.id, seq) !== undefined) continue;
      const then = connectionThen(connection, time);
      if (then !== null) found.push(then);
    }
    const refusals = this.#refusals.filter((row) => row.kind === 'refusal' && row.event.seq <= seq);
    const rows = this.#inOrder(found, refusals);
    return rows.filter(({ key }) => this.#isInReach(key)).reverse();
  }

  /** Those that are wanted, the oldest first. */
  #inOrder(connections: Iterable<ConnectionView>, refusals: readonly Row[]): Row[] {
    const rows = [...refusals];
    for (const connection of connections)
      if (this.#options.isWanted(connection)) rows.push(rowOf(connection));
    return rows.sort(({ key: one }, { key: other }) => (one < other ? -1 : 1));
  }

  /** Puts it where it belongs, in place of what was there before. */
  #place(row: Row): void {
    const rows = this.#wanted;
    if (rows === null) return;
    const at = placeOf(rows, row.key);
    const isThere = rows[at]?.key === row.key;
    const isWanted = row.kind === 'refusal' || this.#options.isWanted(row.connection);
    rows.splice(at, Number(isThere), ...(isWanted ? [row] : []));
  }

  #isInReach(key: string): boolean {
    return this.#floor === null || key >= this.#floor;
  }

  /** A connection only ever goes on, so whoever tells more of it is later. */
  #know(told: ConnectionView): void {
    if (!this.#options.isKept(told)) return;
    const known = this.#connections.get(told.id);
    if (known !== undefined && progress(told) < progress(known)) return;
    this.#connections.set(told.id, told);
    this.#place(rowOf(told));
  }

  #forgetOldest(): void {
    const { rowsMax: max } = this.#options;
    if (this.#connections.size <= max * 1.125) return;
    const ids = [...this.#connections.keys()].sort();
    for (const id of ids.slice(0, -max)) this.#connections.delete(id);
    const oldest = ids.at(-max);
    if (oldest === undefined) return;
    // What is left is in order already.
    this.#wanted?.splice(0, placeOf(this.#wanted, oldest));
    if (this.#isInReach(oldest)) {
      this.#floor = oldest;
      this.#isCut = true;
    }
  }
}

function rowOf(connection: ConnectionView): Row {
  return { kind: 'connection', key: connection.id, connection };
}

/** Of the first row that is not before the key. */
function placeOf(rows: readonly Row[], key: string): number {
  const newest = rows.at(-1);
  if (newest === undefined || newest.key < key) return rows.length;
  let [from, to] = [0, rows.length];
  while (from < to) {
    const middle = (from + to) >>> 1;
    if ((rows[middle]?.key ?? '') < key) from = middle + 1;
    else to = middle;
  }
  return from;
}

const ranks: Readonly<Record<string, number>> = { open: 0, half_closed: 1, closed: 2 };
const rankWeight = 2 ** 51;

function progress({ state, bytesIn, bytesOut }: ConnectionView): number {
  return (ranks[state] ?? 0) * rankWeight + Math.min(bytesIn + bytesOut, rankWeight - 1);
}

/** Among ids of connections, which begin with their time in milliseconds (UUIDv7, RFC 9562, 5.7), it has its place in time. */
function refusalKey({ time, seq }: EventView): string {
  const ms = Date.parse(time).toString(16).padStart(12, '0');
  return `${ms.slice(0, 8)}-${ms.slice(8)}-0${seq.toString(16).padStart(14, '0')}`;
}
