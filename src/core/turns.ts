/** So many items of a long list are looked at in one turn. */
export const turnLimits = { pieceItemsMax: 50 };

/**
 * Work that waits for nothing could fill turn after turn of the loop, and nobody else would be heard meanwhile. What goes
 * on only when it is its turn is done once in each turn of the loop, and the projects that have some waiting take turns.
 */
export class Turns<Project> {
  readonly #pieceItemsMax: number;
  readonly #waiting = new Map<Project, (() => void)[]>();

  constructor({ pieceItemsMax }: { readonly pieceItemsMax: number } = turnLimits) {
    this.#pieceItemsMax = pieceItemsMax;
  }

  /** Resolves when it is the project's turn. */
  next(project: Project): Promise<void> {
    return new Promise((resolve) => {
      if (this.#waiting.size === 0) setImmediate(this.#turn);
      const own = this.#waiting.get(project);
      if (own === undefined) this.#waiting.set(project, [resolve]);
      else own.push(resolve);
    });
  }

  /** The items in pieces, each when it is the project's turn; what is one piece waits for nobody. */
  async *pieces<Item>(
    project: Project,
    items: readonly Item[],
  ): AsyncGenerator<readonly Item[], void, void> {
    const max = this.#pieceItemsMax;
    if (items.length <= max) yield items;
    else {
      for (let at = 0; at < items.length; at += max) {
        await this.next(project);
        yield items.slice(at, at + max);
      }
    }
  }

  readonly #turn = (): void => {
    const [next] = this.#waiting;
    if (next === undefined) return;
    const [project, own] = next;
    own.shift()?.();
    // Behind those of the others.
    this.#waiting.delete(project);
    if (own.length > 0) this.#waiting.set(project, own);
    if (this.#waiting.size > 0) setImmediate(this.#turn);
  };
}
