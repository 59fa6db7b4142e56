/** How long to wait before the next attempt: full jitter, so that those that lost one replica come to the next one apart. */
export interface PauseLimits {
  readonly redialMinMs: number;
  readonly redialMaxMs: number;
}

export class Pauses {
  readonly #limits: PauseLimits;
  readonly #random: () => number;
  #mostMs: number;

  constructor(limits: PauseLimits, random: () => number = Math.random) {
    this.#limits = limits;
    this.#random = random;
    this.#mostMs = limits.redialMinMs;
  }

  /** Twice as long at most as the one before. */
  next(): number {
    const ms = Math.ceil(this.#random() * this.#mostMs);
    this.#mostMs = Math.min(this.#mostMs * 2, this.#limits.redialMaxMs);
    return ms;
  }

  /** An attempt has succeeded. */
  reset(): void {
    this.#mostMs = this.#limits.redialMinMs;
  }
}
