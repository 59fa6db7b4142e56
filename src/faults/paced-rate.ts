/**
 * A rate without bursts, as a slow link has it: each piece takes its time, one after the other, whoever sends it.
 * Everybody who waits has one piece reserved, so those who share a rate take turns.
 */

/** What a timer was late is made good up to here; beyond it the rate is rather missed than exceeded. */
const catchUpMaxMs = 20;
/** A piece is what goes in this time: small beside what anybody measures, large beside a timer's step. */
const quantumMs = 5;

export class PacedRate {
  /** The largest piece. */
  readonly quantumBytes: number;
  readonly #bytesPerMs: number;
  #freeAt = Number.NEGATIVE_INFINITY;

  constructor(bytesPerSecond: number) {
    this.#bytesPerMs = bytesPerSecond / 1000;
    this.quantumBytes = Math.max(1, Math.floor(this.#bytesPerMs * quantumMs));
  }

  /** When a piece that could have begun at `since` has gone through, on the clock of `now`. */
  reserve(bytes: number, since: number, now: number): number {
    const begin = Math.max(this.#freeAt, since, now - catchUpMaxMs);
    this.#freeAt = begin + bytes / this.#bytesPerMs;
    return this.#freeAt;
  }

  /** Gives back what was reserved and is not sent. */
  release(bytes: number): void {
    this.#freeAt -= bytes / this.#bytesPerMs;
  }
}
