/**
 * The share of the event loop that the faults of a worker may use: so many milliseconds in each turn, whatever clients
 * send. What is left over goes on in the next turn, so that whoever has no faults is served in between.
 *
 * - Connections with work left take turns, each for a small part of the time.
 * - One step (a piece, a write) is never cut: it must be small.
 */

/** A connection whose faults have work left. */
export interface FaultWork {
  /** Goes on for as long as there is time, and asks for another turn if that does not do. */
  goOn(): void;
}

/** Of a turn's time that one connection has, before it is another's. */
const partsOfTurn = 16;

export class FaultTurns {
  readonly #turnMs: number;
  readonly #now: () => number;
  /** In the order in which they asked. */
  readonly #waiting = new Set<FaultWork>();
  #isTurn = false;
  #turnEndsAt = 0;
  #partEndsAt = 0;

  /** `now` tells milliseconds. An infinite turn has time for all there is. */
  constructor(turnMs: number, now = () => performance.now()) {
    this.#turnMs = turnMs;
    this.#now = now;
  }

  /** Somebody's work begins, outside of `goOn`. */
  begin(): void {
    const now = this.#now();
    if (!this.#isTurn) this.#openTurn(now);
    this.#partEndsAt = Math.min(now + this.#turnMs / partsOfTurn, this.#turnEndsAt);
  }

  /** For one more step of whoever is at work. */
  get hasTime(): boolean {
    return this.#now() < this.#partEndsAt;
  }

  /** It has work left. Idempotent. */
  later(work: FaultWork): void {
    this.#waiting.add(work);
    if (!this.#isTurn) this.#openTurn(this.#now());
  }

  forget(work: FaultWork): void {
    this.#waiting.delete(work);
  }

  isWaiting(work: FaultWork): boolean {
    return this.#waiting.has(work);
  }

  #openTurn(now: number): void {
    this.#turnEndsAt = now + this.#turnMs;
    if (this.#turnMs === Number.POSITIVE_INFINITY) return;
    this.#isTurn = true;
    setImmediate(this.#nextTurn);
  }

  readonly #nextTurn = (): void => {
    this.#isTurn = false;
    if (this.#waiting.size === 0) return;
    this.#openTurn(this.#now());
    // A connection that asks again comes behind all others, in this very loop.
    for (const work of this.#waiting) {
      if (this.#now() >= this.#turnEndsAt) return;
      this.#waiting.delete(work);
      this.begin();
      work.goOn();
    }
  };
}
