/** What a stage holds, first in, first out, and counted. */
import type { Item, StageContext } from './stage.ts';

/** What a held buffer costs beside its bytes, so that a million single bytes are not held for a megabyte. */
const itemCostBytes = 128;

export function itemCost(item: Item): number {
  return typeof item === 'string' ? 0 : item.length + itemCostBytes;
}

export class HeldItems {
  readonly #held: StageContext['held'];
  #items: Item[] = [];
  #first = 0;

  constructor({ held }: StageContext) {
    this.#held = held;
  }

  get head(): Item | undefined {
    return this.#items[this.#first];
  }

  add(item: Item, isOwned: boolean): void {
    this.#items.push(typeof item === 'string' || isOwned ? item : Buffer.from(item));
    this.#held.bytes += itemCost(item);
  }

  /** The next item, or so many bytes of it. */
  shift(bytesMax = Number.POSITIVE_INFINITY): Item | undefined {
    const head = this.head;
    if (head === undefined) return undefined;
    if (typeof head !== 'string' && head.length > bytesMax) {
      this.#items[this.#first] = head.subarray(bytesMax);
      this.#held.bytes -= bytesMax;
      return head.subarray(0, bytesMax);
    }
    this.#held.bytes -= itemCost(head);
    this.#first += 1;
    // What was handed on goes in large lots: one by one, each would move all the others.
    if (this.#first * 2 >= this.#items.length) {
      this.#items = this.#items.slice(this.#first);
      this.#first = 0;
    }
    return head;
  }

  drain(): readonly Item[] {
    const items = this.#items.slice(this.#first);
    this.#items = [];
    this.#first = 0;
    for (const item of items) this.#held.bytes -= itemCost(item);
    return items;
  }
}
