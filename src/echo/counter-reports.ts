/**
 * Tells how far the open connections have come, now and then, in pieces: all at once they could fill the record queue,
 * and nobody would be accepted until that is committed.
 */
import type { OpenConnection } from './echo-listener.ts';
import type { RecordQueue } from './record-queue.ts';

export interface CounterReportsOptions {
  readonly connections: ReadonlyMap<string, OpenConnection>;
  readonly records: RecordQueue;
  /** The next piece waits until so many are committed. */
  readonly pieceMax: number;
}

export class CounterReports {
  readonly #options: CounterReportsOptions;
  /** Where it stands among the connections; null when it is through. */
  #walk: Iterator<OpenConnection> | null = null;

  constructor(options: CounterReportsOptions) {
    this.#options = options;
  }

  /** Tells of each that has moved, unless that is still under way. */
  tell(): void {
    if (this.#walk !== null) return;
    const walk = this.#options.connections.values();
    this.#walk = walk;
    this.#tellPiece(walk);
  }

  #tellPiece(walk: Iterator<OpenConnection>): void {
    const { records, pieceMax } = this.#options;
    let told = 0;
    // Counters can wait: the next round tells them.
    while (!records.isFull) {
      if (told === pieceMax) {
        records.whenCommitted(() => this.#tellPiece(walk));
        return;
      }
      const { value: connection, done } = walk.next();
      if (done === true) break;
      const moved = connection.movedCounters();
      if (moved === null) continue;
      records.push(moved);
      told += 1;
    }
    this.#walk = null;
  }
}
