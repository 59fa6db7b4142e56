/**
 * What all preambles of a worker share, since each may hold a read and costs what its client chooses.
 *
 * - So many are under way at once. Others wait unread, in the order in which they came.
 * - The first words of a TLS client cost a signature, milliseconds with a long key. So each has a turn of the loop of
 *   its own, however many came at once: everybody else is served in between.
 */
export interface PreambleTurn {
  /** Resolves when it may begin. */
  readonly ready: Promise<void>;
  /** To be called once, whether it had begun or not. */
  leave(): void;
}

export class PreambleTurns {
  readonly #max: number;
  #underWay = 0;
  readonly #waiting = new Set<() => void>();
  readonly #hellos: (() => void)[] = [];

  constructor(max: number) {
    this.#max = max;
  }

  take(): PreambleTurn {
    const { promise: ready, resolve } = Promise.withResolvers<void>();
    this.#waiting.add(resolve);
    this.#fill();
    const leave = () => {
      if (!this.#waiting.delete(resolve)) this.#underWay -= 1;
      this.#fill();
    };
    return { ready, leave };
  }

  #fill(): void {
    for (const begin of this.#waiting) {
      if (this.#underWay >= this.#max) return;
      this.#waiting.delete(begin);
      this.#underWay += 1;
      begin();
    }
  }

  /** Resolves in a turn in which it does for nobody else. */
  hello(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#hellos.push(resolve);
    if (this.#hellos.length === 1) setImmediate(this.#nextHello);
    return promise;
  }

  readonly #nextHello = (): void => {
    this.#hellos.shift()?.();
    if (this.#hellos.length > 0) setImmediate(this.#nextHello);
  };
}
