/**
 * Arrivals that wait to be accepted, first in, first out. However many have come, what else the worker does goes on while
 * they are taken up: so many in a turn of its loop, the rest in the next ones.
 */
import type { Arrival } from './connection-host.ts';

export interface HeldArrivalsOptions {
  readonly mayAccept: () => boolean;
  readonly accept: (arrival: Arrival) => void;
}

const perTurnMax = 500;

export class HeldArrivals {
  readonly #options: HeldArrivalsOptions;
  #arrivals: Arrival[] = [];
  /** Those before it are taken up. */
  #first = 0;
  #turn: NodeJS.Immediate | null = null;

  constructor(options: HeldArrivalsOptions) {
    this.#options = options;
  }

  get isEmpty(): boolean {
    return this.#arrivals.length === 0;
  }

  add(arrival: Arrival): void {
    this.#arrivals.push(arrival);
  }

  /** Goes on for as long as more may be accepted. */
  takeUp(): void {
    if (this.#turn !== null) return;
    const { mayAccept, accept } = this.#options;
    for (let count = 0; count < perTurnMax && mayAccept(); count += 1) {
      const arrival = this.#shift();
      if (arrival === undefined) return;
      accept(arrival);
    }
    if (this.isEmpty || !mayAccept()) return;
    this.#turn = setImmediate(() => {
      this.#turn = null;
      this.takeUp();
    });
  }

  #shift(): Arrival | undefined {
    const arrival = this.#arrivals[this.#first];
    this.#first += 1;
    // Their places go in large lots: one by one, each would move all the others.
    if (this.#first * 2 < this.#arrivals.length) return arrival;
    this.#arrivals = this.#arrivals.slice(this.#first);
    this.#first = 0;
    return arrival;
  }

  drain(): readonly Arrival[] {
    const arrivals = this.#arrivals.slice(this.#first);
    this.#arrivals = [];
    this.#first = 0;
    return arrivals;
  }
}
