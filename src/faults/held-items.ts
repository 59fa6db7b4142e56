/** What is held, first in, first out, and counted. */
import type { HeldTally } from './held-tally.ts';

/** How the server ends a connection. */
export type CloseMode = 'fin' | 'rst' | 'half_close';

/** How it ends: the client's own FIN, to be answered, or a fault's doing. */
export type Finish = 'end' | CloseMode;

/** What a stage may hold. */
export type Item = Buffer | Finish;

/** What a held buffer costs beside its bytes, as measured, so that a million single bytes are not held for a megabyte. */
const itemCostBytes = 384;

export function itemCost(item: Item): number {
  return typeof item === 'string' ? 0 : item.length + itemCostBytes;
}

/** A copy with memory of its own: one out of Node's pool would keep all of a pool that others have used. */
export function copyOf(bytes: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  bytes.copy(copy);
  return copy;
}

export class HeldItems {
  readonly #held: HeldTally;
  #items: (Item | undefined)[] = [];
  #first = 0;

  constructor(held: HeldTally) {
    this.#held = held;
  }

  get head(): Item | undefined {
    return this.#items[this.#first];
  }

  add(item: Item, isOwned: boolean): void {
    this.#items.push(typeof item === 'string' || isOwned ? item : copyOf(item));
    this.#held.add(itemCost(item));
  }

  /** The next item, or so many bytes of it. */
  shift(bytesMax = Number.POSITIVE_INFINITY): Item | undefined {
    const head = this.head;
    if (head === undefined) return undefined;
    if (typeof head !== 'string' && head.length > bytesMax) {
      this.#items[this.#first] = head.subarray(bytesMax);
      this.#held.add(-bytesMax);
      return head.subarray(0, bytesMax);
    }
    this.#held.add(-itemCost(head));
    this.#items[this.#first] = undefined;
    this.#first += 1;
    // Their places go in large lots: one by one, each would move all the others.
    if (this.#first * 2 >= this.#items.length) {
      this.#items = this.#items.slice(this.#first);
      this.#first = 0;
    }
    return head;
  }

  drain(): readonly Item[] {
    const items = this.#items.slice(this.#first).filter((item) => item !== undefined);
    this.#items = [];
    this.#first = 0;
    for (const item of items) this.#held.add(-itemCost(item));
    return items;
  }
}
