interface TurnOptions {
  readonly pieceItemsMax: number;
  readonly turnMs: number;
  /** Nothing has a turn for so long after each, as of then. */
  readonly restMs?: () => number;
}

/**
 * Work that waits for nothing could fill turn after turn of the loop, and nobody else would be heard meanwhile. What goes
 * on only when it is its turn is done for a moment in each turn of the loop, and the projects that have some waiting take
 * turns, a piece each.
 */
export class Turns<Project> {
  readonly #options: TurnOptions;
  readonly #monotonicMs: () => number;
  readonly #waiting = new Map<Project, (() => void)[]>();
  #isDue = false;
  #pieceBeganAtMs = 0;
  /** Of the turn, on pieces, however far these lie apart: work that waits between its pieces rests as well. */
  #spentMs = 0;
  #restsUntilMs = Number.NEGATIVE_INFINITY;

  /** The clock never jumps. */
  constructor(options: TurnOptions, monotonicMs = () => performance.now()) {
    this.#options = options;
    this.#monotonicMs = monotonicMs;
  }

  /** Resolves when it is the project's turn. */
  next(project: Project): Promise<void> {
    return new Promise((resolve) => {
      const own = this.#waiting.get(project);
      if (own === undefined) this.#waiting.set(project, [resolve]);
      else own.push(resolve);
      if (!this.#isDue) this.#beginLater();
    });
  }

  /** The items in pieces, each when it is the project's turn; what is one piece waits for nobody. */
  async *pieces<Item>(
    project: Project,
    items: readonly Item[],
  ): AsyncGenerator<readonly Item[], void, void> {
    if (items.length <= this.#options.pieceItemsMax) yield items;
    else yield* this.waitingPieces(project, items);
  }

  /** Where it is one piece, that waits as well: there was, or there is to be, more of it. */
  async *waitingPieces<Item>(
    project: Project,
    items: readonly Item[],
  ): AsyncGenerator<readonly Item[], void, void> {
    const max = this.#options.pieceItemsMax;
    for (let at = 0; at < items.length; at += max) {
      await this.next(project);
      yield items.slice(at, at + max);
    }
  }

  #beginLater(): void {
    this.#isDue = true;
    const restMs = this.#restsUntilMs - this.#monotonicMs();
    if (restMs > 0) setTimeout(this.#giveOne, restMs);
    else setImmediate(this.#giveOne);
  }

  readonly #giveOne = (): void => {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#isDue = false;
      return;
    }
    const [project, own] = next;
    this.#pieceBeganAtMs = this.#monotonicMs();
    own.shift()?.();
    // Behind those of the others.
    this.#waiting.delete(project);
    if (own.length > 0) this.#waiting.set(project, own);
    // What was given a turn uses it in microtasks, and a tick that one of these asks for comes behind them all; what it has
    // written by then is sent in the tick behind that.
    queueMicrotask(() => process.nextTick(() => process.nextTick(this.#goOn)));
  };

  readonly #goOn = (): void => {
    const now = this.#monotonicMs();
    this.#spentMs += now - this.#pieceBeganAtMs;
    if (this.#spentMs < this.#options.turnMs) {
      this.#giveOne();
      return;
    }
    this.#spentMs = 0;
    this.#restsUntilMs = now + (this.#options.restMs?.() ?? 0);
    this.#beginLater();
  };
}
