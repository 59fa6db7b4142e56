/**
 * Tells how far the open connections have come: soon after their first bytes, and then now and then. In pieces: all at
 * once they could fill the record queue, and nobody would be accepted until that is committed.
 */
import type { OpenConnection } from './echo-listener.ts';
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
  /** Where it stands among the connections; null when it is through. */
  #walk: Iterator<OpenConnection> | null = null;
  /** Where it stands among those that have told nothing yet; null when it is through. */
  #firstWalk: Iterator<string> | null = null;
  /** First counters are on their way. */
  #isTellingFirst = false;

  constructor(options: CounterReportsOptions) {
    this.#options = options;
  }

  /**
   * Ends a moment: tells of those that were open before it, have moved, and have told nothing so far. A piece of them is
   * looked at; where there are more, the next moments go on with them.
   */
  tellFirst(): void {
    const { connections, pieceMax } = this.#options;
    if (this.#isTellingFirst) return;
    this.#firstWalk ??= connections.silent.values();
    let hasTold = false;
    for (let looks = 0; looks < pieceMax; looks += 1) {
      const { value: id, done } = this.#firstWalk.next();
      if (done === true) {
        this.#firstWalk = null;
        break;
      }
      if (this.#tellOne(connections.get(id))) hasTold = true;
    }
    connections.endMoment();
    if (!hasTold) return;
    this.#isTellingFirst = true;
    this.#options.records.whenCommitted(() => {
      this.#isTellingFirst = false;
    });
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
      if (this.#tellOne(connection)) told += 1;
    }
    this.#walk = null;
  }

  /** False when there was nothing to tell. Counters can wait: while the queue is full, nothing is. */
  #tellOne(connection: OpenConnection | undefined): boolean {
    const { connections, records } = this.#options;
    const moved = records.isFull ? null : (connection?.movedCounters() ?? null);
    if (moved === null) return false;
    connections.hasTold(moved.connection.id);
    records.push(moved);
    return true;
  }
}
