/**
 * The memory that the faults of a worker may hold, shared by all its connections: each may hold as much as is free
 * (Choudhury and Hahne, IEEE/ACM Transactions on Networking 6(2), 1998). So those who hold much leave to each other,
 * and to who comes next, an equal part, however long they hold it; none waits for another.
 */
import { HeldTally } from '../../faults/held-tally.ts';

/** What one may hold even when nothing is free: a small datagram, or the read after which the next one waits. */
const allowanceMin = 2048;

export class FaultRoom {
  readonly held = new HeldTally();
  readonly #ofOneMax: number;
  readonly #ofAllMax: number;

  constructor(ofOneMax: number, ofAllMax: number) {
    this.#ofOneMax = ofOneMax;
    this.#ofAllMax = ofAllMax;
  }

  /** Bytes that one connection may hold now. */
  get allowance(): number {
    const free = this.#ofAllMax - this.held.bytes;
    return Math.min(this.#ofOneMax, Math.max(allowanceMin, free));
  }
}
