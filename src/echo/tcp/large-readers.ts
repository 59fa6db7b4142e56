/**
 * Who of a worker's sockets read in large pieces: few, since each such read may have to be kept. Whoever sends less
 * leaves by itself; whoever falls silent keeps its place only until another wants one.
 */
import { monotonicMs } from '../../faults/alarm.ts';

export interface LargeReader {
  /** On the clock of `monotonicMs`. */
  readonly lastLargeReadMs: number;
  /** Its place was given to another: it reads small from now on. */
  onPlaceLost(): void;
}

/** For so long without a read a place is kept. */
const silentMs = 1000;

export class LargeReaders {
  readonly #readersMax: number;
  readonly #readers = new Set<LargeReader>();
  /** None of them has been silent for long enough before. */
  #nextLookMs = 0;

  constructor(readersMax: number) {
    this.#readersMax = readersMax;
  }

  /** Whether there is a place for it, or one that can be taken from another. */
  enter(reader: LargeReader): boolean {
    if (this.#readers.size >= this.#readersMax && !this.#makeRoom()) return false;
    this.#readers.add(reader);
    return true;
  }

  leave(reader: LargeReader): void {
    this.#readers.delete(reader);
  }

  #makeRoom(): boolean {
    const now = monotonicMs();
    if (now < this.#nextLookMs) return false;
    let oldest: LargeReader | null = null;
    for (const reader of this.#readers) {
      if (oldest === null || reader.lastLargeReadMs < oldest.lastLargeReadMs) oldest = reader;
    }
    if (oldest === null) return false;
    this.#nextLookMs = oldest.lastLargeReadMs + silentMs;
    if (now < this.#nextLookMs) return false;
    this.#readers.delete(oldest);
    oldest.onPlaceLost();
    return true;
  }
}
