/**
 * The rows of the table of connections, the newest first: the pages of the list that were read, and what the log has told
 * since, as one. From the oldest page on there are no gaps, and no more rows than the page can hold.
 */
import type { ConnectionView, EventView } from '../http/resources.ts';
import type { LogState, Timeline } from './timeline.ts';

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
      this.#refusals.push({ kind: 'refusal', key: refusalKey(event), event });
    }
    this.#seq = timeline.headSeq;
    const { firstSeq } = timeline;
    const gone = this.#refusals.findIndex(
      (row) => row.kind === 'refusal' && row.event.seq >= firstSeq,
    );
    if (gone !== 0) this.#refusals = gone < 0 ? [] : this.#refusals.slice(gone);
    this.#forgetOldest();
  }

  /** As it is now. */
  live(): Row[] {
    const rows: Row[] = [];
    for (const connection of this.#connections.values()) this.#offer(connection, rows);
    return this.#inOrder(rows, this.#refusals);
  }

  /** As it was at seq, by the log; what the log has nothing of was as it is, if it was there at all. */
  at({ seq, open, closed, event }: LogState): Row[] {
    const { timeline } = this.#options;
    const rows: Row[] = [];
    for (const connection of [...closed, ...open]) this.#offer(connection, rows);
    for (const connection of this.#connections.values()) {
      if (timeline.connectionAt(connection.id, seq) !== undefined) continue;
      if (event === null || connection.acceptedAt <= event.time) this.#offer(connection, rows);
    }
    return this.#inOrder(
      rows,
      this.#refusals.filter((row) => row.kind === 'refusal' && row.event.seq <= seq),
    );
  }

  #offer(connection: ConnectionView, rows: Row[]): void {
    if (!this.#isInReach(connection.id) || !this.#options.isWanted(connection)) return;
    rows.push({ kind: 'connection', key: connection.id, connection });
  }

  #inOrder(rows: Row[], refusals: readonly Row[]): Row[] {
    rows.push(...refusals.filter(({ key }) => this.#isInReach(key)));
    return rows.sort(({ key: one }, { key: other }) => (one < other ? 1 : -1));
  }

  #isInReach(key: string): boolean {
    return this.#floor === null || key >= this.#floor;
  }

  /** A connection only ever goes on, so whoever tells more of it is later. */
  #know(told: ConnectionView): void {
    if (!this.#options.isKept(told)) return;
    const known = this.#connections.get(told.id);
    if (known === undefined || progress(told) >= progress(known))
      this.#connections.set(told.id, told);
  }

  #forgetOldest(): void {
    const { rowsMax: max } = this.#options;
    if (this.#connections.size <= max * 1.125) return;
    const ids = [...this.#connections.keys()].sort();
    for (const id of ids.slice(0, -max)) this.#connections.delete(id);
    const oldest = ids.at(-max) ?? null;
    if (oldest !== null && this.#isInReach(oldest)) {
      this.#floor = oldest;
      this.#isCut = true;
    }
  }
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
