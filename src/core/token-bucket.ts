/** A rate with room for bursts: `perSecond` tokens come in a second, and at most `burst` are kept. */
import type { Micros } from './time.ts';

export interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

export class TokenBucket {
  readonly #rate: Rate;
  #tokens: number;
  #at: Micros;

  constructor(rate: Rate, now: Micros) {
    this.#rate = rate;
    this.#tokens = rate.burst;
    this.#at = now;
  }

  /** False when too few are left; then none is taken. */
  take(now: Micros, count = 1): boolean {
    const { perSecond, burst } = this.#rate;
    // What waited is asked for with the time that it came at: that must not count again.
    const at = Math.max(now, this.#at);
    this.#tokens = Math.min(burst, this.#tokens + ((at - this.#at) * perSecond) / 1e6);
    this.#at = at;
    if (this.#tokens < count) return false;
    this.#tokens -= count;
    return true;
  }

  /** What was taken was not meant to be counted. */
  giveBack(count = 1): void {
    this.#tokens = Math.min(this.#rate.burst, this.#tokens + count);
  }

  /** Nothing was taken for so long that it is as new. */
  isFull(now: Micros): boolean {
    const { perSecond, burst } = this.#rate;
    return this.#tokens + ((now - this.#at) * perSecond) / 1e6 >= burst;
  }
}
