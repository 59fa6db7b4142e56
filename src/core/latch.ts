type Outcome = 'open' | { readonly error: unknown };

/**
 * What many wait for, who may all leave before: a promise would hold on to each of them until it settles, which may be in
 * a day.
 */
export class Latch {
  #outcome: Outcome | null = null;
  readonly #waiting = new Set<() => void>();

  get waiting(): number {
    return this.#waiting.size;
  }

  /** Whoever waits goes on. */
  open(): void {
    this.#settle('open');
  }

  /** Whoever waits is thrown the error. */
  break(error: unknown): void {
    this.#settle({ error });
  }

  #settle(outcome: Outcome): void {
    this.#outcome ??= outcome;
    for (const goOn of this.#waiting) goOn();
  }

  /** @throws what it was broken with, the reason of the signal */
  async passed(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (this.#outcome === null) {
      await new Promise<void>((resolve) => {
        const goOn = () => {
          this.#waiting.delete(goOn);
          signal?.removeEventListener('abort', goOn);
          resolve();
        };
        this.#waiting.add(goOn);
        signal?.addEventListener('abort', goOn);
      });
    }
    if (this.#outcome === null) throw signal?.reason;
    if (this.#outcome !== 'open') throw this.#outcome.error;
  }
}
