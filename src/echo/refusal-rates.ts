/**
 * How many refusals the listeners of a project tell of in a worker, all together: so many a second one by one, and as
 * many sums. A project is known here as long as it has a listener that has refused somebody.
 */
import type { ProjectRef } from '../core/project.ts';
import { TokenBucket } from '../core/token-bucket.ts';
import type { MonotonicClock } from './worker-clock.ts';

const sumIntervalMs = 1000;

export class RefusalRates {
  readonly #perSecondMax: number;
  readonly #clock: MonotonicClock;
  readonly #rates = new Map<ProjectRef, RefusalRate>();

  constructor(perSecondMax: number, clock: MonotonicClock) {
    this.#perSecondMax = perSecondMax;
    this.#clock = clock;
  }

  /** How many projects are known. */
  get size(): number {
    return this.#rates.size;
  }

  /** For one listener, until it leaves. */
  join(project: ProjectRef): RefusalRate {
    const rate = this.#rates.get(project) ?? new RefusalRate(this.#perSecondMax, this.#clock);
    this.#rates.set(project, rate);
    rate.listeners += 1;
    return rate;
  }

  leave(project: ProjectRef): void {
    const rate = this.#rates.get(project);
    if (rate === undefined) return;
    rate.listeners -= 1;
    if (rate.listeners === 0) this.#rates.delete(project);
  }
}

export class RefusalRate {
  listeners = 0;
  /** Of all its listeners, the rules with a sum that is to be told. */
  sums = 0;
  readonly #perSecondMax: number;
  readonly #clock: MonotonicClock;
  readonly #bucket: TokenBucket;

  constructor(perSecondMax: number, clock: MonotonicClock) {
    this.#perSecondMax = perSecondMax;
    this.#clock = clock;
    const rate = { perSecond: perSecondMax, burst: perSecondMax };
    this.#bucket = new TokenBucket(rate, clock.monotonic());
  }

  /** For one refusal by itself. */
  takes(): boolean {
    return this.#bucket.take(this.#clock.monotonic());
  }

  /** After so long a sum is told: a second, and the longer the more there are. */
  get sumMs(): number {
    return sumIntervalMs * Math.ceil(Math.max(1, this.sums) / Math.max(1, this.#perSecondMax));
  }
}
