/**
 * Tells how far the open connections have come: soon after their first bytes, and then now and then. In pieces: all at
 * once they could fill the record queue, and nobody would be accepted until that is committed.
 */
import type { OpenConnections } from './open-connections.ts';
import type { RecordQueue } from './record-queue.ts';

export interface CounterReportsOptions {
  readonly connections: OpenConnections;
  readonly records: RecordQueue;
  /** The next piece waits until so many are committed. */
  readonly pieceMax: number;
}

export class CounterReports {
  readonly #options: CounterReportsOptions;
  /** The ids of a round that is not through. */
  #round: Iterator<string> | null = null;
  /** A piece of it is on its way. */
  #isTelling = false;
  /** First counters are on their way. */
  #isTellingFirst = false;

  constructor(options: CounterReportsOptions) {
    this.#options = options;
  }

  /** Ends a moment: tells of those that were open before it, have moved, and have told nothing so far, or of a piece of them. */
  tellFirst(): void {
    const { connections, records, pieceMax } = this.#options;
    if (this.#isTellingFirst) return;
    for (const id of connections.takeFirstMoved(pieceMax)) {
      if (this.#tellOne(id)) this.#isTellingFirst = true;
    }
    connections.endMoment();
    if (!this.#isTellingFirst) return;
    records.whenCommitted(() => {
      this.#isTellingFirst = false;
    });
  }

  /** Tells of each that has moved, unless that is still under way. */
  tell(): void {
    if (this.#isTelling) return;
    this.#isTelling = true;
    this.#round ??= this.#options.connections.takeMoved().values();
    this.#tellPiece(this.#round);
  }

  #tellPiece(round: Iterator<string>): void {
    const { records, pieceMax } = this.#options;
    for (let told = 0; told < pieceMax; ) {
      // Counters can wait: the next time goes on with the round.
      if (records.isFull) {
        this.#isTelling = false;
        return;
      }
      const { value: id, done } = round.next();
      if (done === true) {
        this.#round = null;
        this.#isTelling = false;
        return;
      }
      if (this.#tellOne(id)) told += 1;
    }
    records.whenCommitted(() => this.#tellPiece(round));
  }

  /** False when there was nothing to tell. Counters can wait: while the queue is full, they are told of later. */
  #tellOne(id: string): boolean {
    const { connections, records } = this.#options;
    if (records.isFull) {
      if (connections.has(id)) connections.onMoved(id);
      return false;
    }
    const moved = connections.get(id)?.movedCounters() ?? null;
    if (moved === null) return false;
    connections.hasTold(id);
    records.push(moved);
    return true;
  }
}
