import { Neighbours } from './neighbours.ts';

/**
 * Of a long list so many items are looked at in one piece, and so long in one turn of the loop; where several projects
 * are at it, which they are for so long after each call and each piece, the next turn comes so much later.
 */
export const turnLimits = { pieceItemsMax: 50, turnMs: 1, restMs: 9, besideMs: 1000 };

export type TurnLimits = Readonly<Record<keyof typeof turnLimits, number>>;

/**
 * Work that waits for nothing could fill turn after turn of the loop, and nobody else would be heard meanwhile. What goes
 * on only when it is its turn is done for a moment in each turn of the loop, and the projects that have some waiting take
 * turns, a piece each. Where several projects are at it, most of the time is left to what is short.
 */
export class Turns<Project> {
  readonly #limits: TurnLimits;
  readonly #monotonicMs: () => number;
  readonly #neighbours: Neighbours<Project>;
  readonly #waiting = new Map<Project, (() => void)[]>();
  #isDue = false;
  #endsAtMs = 0;

  /** The clock never jumps. */
  constructor(given: Partial<TurnLimits> = {}, monotonicMs = () => performance.now()) {
    const limits = { ...turnLimits, ...given };
    this.#limits = limits;
    this.#monotonicMs = monotonicMs;
    this.#neighbours = new Neighbours(limits.besideMs, monotonicMs);
  }

  /** A project that asks for anything is at it. */
  saw(project: Project): void {
    this.#neighbours.saw(project);
  }

  get areSeveral(): boolean {
    return this.#neighbours.areSeveral;
  }

  /** Resolves when it is the project's turn. */
  next(project: Project): Promise<void> {
    return new Promise((resolve) => {
      const own = this.#waiting.get(project);
      if (own === undefined) this.#waiting.set(project, [resolve]);
      else own.push(resolve);
      if (this.#isDue) return;
      this.#isDue = true;
      setImmediate(this.#begin);
    });
  }

  /** The items in pieces, each when it is the project's turn; what is one piece waits for nobody. */
  async *pieces<Item>(
    project: Project,
    items: readonly Item[],
  ): AsyncGenerator<readonly Item[], void, void> {
    this.saw(project);
    const max = this.#limits.pieceItemsMax;
    if (items.length <= max) yield items;
    else {
      for (let at = 0; at < items.length; at += max) {
        await this.next(project);
        yield items.slice(at, at + max);
      }
    }
  }

  readonly #begin = (): void => {
    this.#endsAtMs = this.#monotonicMs() + this.#limits.turnMs;
    this.#giveOne();
  };

  #giveOne(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#isDue = false;
      return;
    }
    const [project, own] = next;
    own.shift()?.();
    // Behind those of the others.
    this.#waiting.delete(project);
    if (own.length > 0) this.#waiting.set(project, own);
    // What was given a turn uses it in microtasks, and ticks that one of these asks for come behind them all.
    queueMicrotask(() => process.nextTick(this.#goOn));
  }

  readonly #goOn = (): void => {
    if (this.#monotonicMs() < this.#endsAtMs) this.#giveOne();
    else if (this.areSeveral) setTimeout(this.#begin, this.#limits.restMs);
    else setImmediate(this.#begin);
  };
}
