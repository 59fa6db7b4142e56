/**
 * The newest committed events, without a gap between them, so that followers near the head need no store.
 * When another node's events come between two of ours, it starts anew behind them.
 */
import type { Event } from './event.ts';

export class EventRing {
  readonly #capacity: number;
  #events: Event[] = [];
  #firstSeq = 1;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  push(firstSeq: number, events: readonly Event[]): void {
    if (firstSeq !== this.#firstSeq + this.#events.length) {
      this.#events = [];
      this.#firstSeq = firstSeq;
    }
    for (const event of events) this.#events.push(event);
    // Cutting at twice the capacity moves each event once, not at every push.
    if (this.#events.length > 2 * this.#capacity) {
      const excess = this.#events.length - this.#capacity;
      this.#events.splice(0, excess);
      this.#firstSeq += excess;
    }
  }

  /** At most `limit` events right after the seq; null where the ring does not hold the very next one. */
  after(seq: number, limit: number): readonly Event[] | null {
    const index = seq + 1 - this.#firstSeq;
    if (index < 0 || index >= this.#events.length) return null;
    return this.#events.slice(index, index + limit);
  }
}
