import type { Store } from './store.ts';

/** Whether the store answers in time. A probe does not wait as long as a query may. */
export class StoreProbe {
  readonly #store: Pick<Store, 'ping'>;
  readonly #timeoutMs: number;
  #isThere = true;
  #hasConnections = true;
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

  /** Whether it had connections to give, when it last answered. */
  get hasConnections(): boolean {
    return this.#hasConnections;
  }

  /** Looks anew, unless somebody looks just now, or has within so many ms. */
  async ask(ageMs = 0): Promise<boolean> {
    const isRecent = performance.now() - this.#lookedAt < ageMs;
    if (this.#looking === null && isRecent) return this.#isThere;
    this.#looking ??= this.#look();
    return await this.#looking;
  }

  async #look(): Promise<boolean> {
    const answer = await answerOf(this.#store, this.#timeoutMs);
    this.#isThere = answer !== null;
    this.#hasConnections = answer ?? this.#hasConnections;
    this.#lookedAt = performance.now();
    this.#looking = null;
    return this.#isThere;
  }
}

/** Null where it does not answer in time. */
async function answerOf(store: Pick<Store, 'ping'>, timeoutMs: number): Promise<boolean | null> {
  const timeout = Promise.withResolvers<null>();
  const timer = setTimeout(() => timeout.resolve(null), timeoutMs);
  const answer = store.ping().catch(() => null);
  const told = await Promise.race([answer, timeout.promise]);
  clearTimeout(timer);
  return told;
}
