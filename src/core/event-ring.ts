/**
 * The newest committed events, without a gap between them, so that followers near the head need no store.
 * When another node's events come between two of ours, it starts anew behind them.
 */
import type { Event } from './event.ts';
import { eventBytes } from './sizes.ts';

export interface EventRingLimits {
  /** It holds as many, and twice as many at most. */
  readonly eventsMax: number;
  /** Bytes of them at most: beyond, it lets go of the older half. */
  readonly bytesMax: number;
}

export class EventRing {
  readonly #limits: EventRingLimits;
  #events: Event[] = [];
  #sizes: number[] = [];
  #bytes = 0;
  #firstSeq = 1;

  constructor(limits: EventRingLimits) {
    this.#limits = limits;
  }

  push(firstSeq: number, events: readonly Event[]): void {
    if (firstSeq !== this.#firstSeq + this.#events.length) {
      this.#events = [];
      this.#sizes = [];
      this.#bytes = 0;
      this.#firstSeq = firstSeq;
    }
    for (const event of events) this.#add(event);
    // Cutting at twice what is kept moves each event once, not at every push.
    const { eventsMax } = this.#limits;
    if (this.#events.length > 2 * eventsMax) this.#cut(this.#events.length - eventsMax);
  }

  #add(event: Event): void {
    const bytes = eventBytes(event);
    const { bytesMax } = this.#limits;
    if (this.#bytes + bytes > bytesMax) this.#cut(this.#countBeyond(bytesMax / 2 - bytes));
    this.#events.push(event);
    this.#sizes.push(bytes);
    this.#bytes += bytes;
  }

  /** How many of the oldest must go so that the rest holds so many bytes at most. */
  #countBeyond(bytesMax: number): number {
    let bytes = this.#bytes;
    let count = 0;
    while (count < this.#sizes.length && bytes > bytesMax) {
      bytes -= this.#sizes[count] ?? 0;
      count += 1;
    }
    return count;
  }

  #cut(count: number): void {
    this.#events.splice(0, count);
    for (const bytes of this.#sizes.splice(0, count)) this.#bytes -= bytes;
    this.#firstSeq += count;
  }

  /**
   * At most `limit` events right after the seq, up to the one with which they hold `bytesMax`; null where the ring
   * does not hold the very next one.
   */
  after(seq: number, limit: number, bytesMax: number): readonly Event[] | null {
    const index = seq + 1 - this.#firstSeq;
    if (index < 0 || index >= this.#events.length) return null;
    const end = Math.min(index + limit, this.#events.length);
    let bytes = 0;
    let at = index;
    for (; at < end && bytes < bytesMax; at += 1) bytes += this.#sizes[at] ?? 0;
    return this.#events.slice(index, at);
  }
}
