/**
 * What one session's node observes of its listeners: the newest of each, at a pace. Each that is passed on may be an event,
 * so a listener rests after one, and all of a node share a rate.
 *
 *   come ─► due, one of each listener ─ rate ─► passed on ─► rests ─► due again, where something came meanwhile
 *
 * - The newest is passed on in the end; what it has overtaken is not.
 * - The first answer to a wish, and an end that was asked for, wait for nothing: there are as many as were asked for.
 */
import { monotonic } from '../core/clock.ts';
import type { Observed } from '../core/ports.ts';
import type { TokenBucket } from '../core/token-bucket.ts';

export interface ObservedIntakeOptions {
  readonly rate: TokenBucket;
  readonly limits: { readonly observedEveryMs: number };
  readonly pass: (observed: Observed) => void;
}

interface Rest {
  readonly until: number;
  newest: Observed | null;
}

/** How often it is looked whether the rate allows more. */
const lookMs = 10;

export class ObservedIntake implements Disposable {
  readonly #options: ObservedIntakeOptions;
  /** By listener, in the order in which they came. */
  readonly #due = new Map<string, Observed>();
  /** By listener, in the order in which their rests end. */
  readonly #resting = new Map<string, Rest>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ObservedIntakeOptions) {
    this.#options = options;
  }

  /** See SessionDataPlane.isAsked. */
  take(observed: Observed, isAsked: boolean | null): void {
    if (isAsked === null) return;
    const { listenerId } = observed;
    const rest = this.#resting.get(listenerId);
    if (isAsked) {
      this.#due.delete(listenerId);
      if (rest !== undefined) rest.newest = null;
      this.#options.pass(observed);
    } else if (rest !== undefined) {
      rest.newest = observed;
    } else {
      this.#due.set(listenerId, observed);
      this.#work();
    }
  }

  #work(): void {
    const { rate, limits, pass } = this.#options;
    const now = performance.now();
    for (const [listenerId, { until, newest }] of this.#resting) {
      if (until > now) break;
      this.#resting.delete(listenerId);
      if (newest !== null) this.#due.set(listenerId, newest);
    }
    for (const [listenerId, observed] of this.#due) {
      if (!rate.take(monotonic())) break;
      this.#due.delete(listenerId);
      this.#resting.set(listenerId, { until: now + limits.observedEveryMs, newest: null });
      pass(observed);
    }
    this.#lookLater(now);
  }

  #lookLater(now: number): void {
    clearTimeout(this.#timer);
    const [next] = this.#resting.values();
    if (this.#due.size === 0 && next === undefined) return;
    const restMs = this.#due.size > 0 || next === undefined ? 0 : next.until - now;
    this.#timer = setTimeout(() => this.#work(), Math.max(lookMs, restMs)).unref();
  }

  /** What is not passed on is told again in the next session. */
  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#due.clear();
    this.#resting.clear();
  }
}
