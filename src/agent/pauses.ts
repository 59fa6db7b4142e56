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

  /**
   * Twice as long at most as the one before. Where connections end unless there is a session within `leaseMs`, a quarter
   * of that at most: several attempts fit into it.
   */
  next(leaseMs = 0): number {
    const ms = Math.ceil(this.#random() * this.#mostMs);
    this.#mostMs = Math.min(this.#mostMs * 2, this.#limits.redialMaxMs);
    if (leaseMs <= 0) return ms;
    return Math.min(ms, Math.max(Math.ceil(leaseMs / 4), this.#limits.redialMinMs));
  }

  /** An attempt has succeeded. */
  reset(): void {
    this.#mostMs = this.#limits.redialMinMs;
  }
}
