/**
 * Which element of the document shows which row of a long table. A row has its element for as long as it is in sight, so that
 * focus and pointer stay with it; the elements of those that leave are given to those that come, in the order in which
 * they stood. So a flood writes other texts into the same elements, and lays out no new ones.
 */
export class RowSlots {
  #slots: ReadonlyMap<string, number> = new Map();

  /** The slot of each of the rows that are in sight now, in their order. Keys are unique. */
  assign(keys: readonly string[]): readonly number[] {
    const before = this.#slots;
    const coming = new Set(keys);
    const free = [...before].flatMap(([key, slot]) => (coming.has(key) ? [] : [slot]));
    let unused = Math.max(-1, ...before.values()) + 1;
    const slots = keys.map((key) => before.get(key) ?? free.shift() ?? unused++);
    this.#slots = new Map(keys.map((key, at) => [key, slots[at] ?? 0]));
    return slots;
  }
}
