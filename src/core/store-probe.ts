import type { Store } from './store.ts';

/** Whether the store answers in time. A probe does not wait as long as a query may. */
export class StoreProbe {
  readonly #store: Pick<Store, 'ping'>;
  readonly #timeoutMs: number;
  #isThere = true;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #looking: Promise<boolean> | null = null;

  constructor(store: Pick<Store, 'ping'>, timeoutMs: number) {
    this.#store = store;
    this.#timeoutMs = timeoutMs;
  }

  /** When it was last looked. */
  get isThere(): boolean {
    return this.#isThere;
  }

  /** Looks anew, unless somebody looks just now, or has within so many ms. */
  async ask(ageMs = 0): Promise<boolean> {
    const isRecent = performance.now() - this.#lookedAt < ageMs;
    if (this.#looking === null && isRecent) return this.#isThere;
    this.#looking ??= this.#look();
    return await this.#looking;
  }

  async #look(): Promise<boolean> {
    this.#isThere = await answers(this.#store, this.#timeoutMs);
    this.#lookedAt = performance.now();
    this.#looking = null;
    return this.#isThere;
  }
}

async function answers(store: Pick<Store, 'ping'>, timeoutMs: number): Promise<boolean> {
  const timeout = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => timeout.resolve(false), timeoutMs);
  const answer = store.ping().then(
    () => true,
    () => false,
  );
  const isThere = await Promise.race([answer, timeout.promise]);
  clearTimeout(timer);
  return isThere;
}
