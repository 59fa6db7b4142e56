/**
 * When a log that is busy commits next. A commit of few events costs about as much as one of many, so what nobody waits
 * for gathers for a moment; an idle log commits at once.
 */
import { type Entry, sizeOf } from './log-entry.ts';
import { WakeUps } from './wake-ups.ts';

export interface GatheringLimits {
  /** How long what nobody waits for may gather since the last commit, */
  readonly gatherMs: number;
  /** and until there is so much of it. */
  readonly gatherEventsMax: number;
}

export class Gathering {
  readonly #limits: GatheringLimits;
  readonly #wakeUps = new WakeUps();
  #committedAt = Number.NEGATIVE_INFINITY;
  /** Who waits for whatever comes next. */
  #askers = 0;
  #isOver = false;

  constructor(limits: GatheringLimits) {
    this.#limits = limits;
  }

  /** Somebody waits for whatever is committed next, until what is returned is disposed of. */
  ask(): Disposable {
    this.#askers += 1;
    this.#wakeUps.wakeAll();
    return {
      [Symbol.dispose]: () => {
        this.#askers -= 1;
      },
    };
  }

  /** From now on nothing gathers. */
  end(): void {
    this.#isOver = true;
    this.#wakeUps.wakeAll();
  }

  committed(): void {
    this.#committedAt = performance.now();
  }

  /** Something came to what waits for its commit. */
  added(entries: readonly Entry[]): void {
    if (!this.#mayGather(entries)) this.#wakeUps.wakeAll();
  }

  /** How long more may still come; 0 where the commit is due. */
  restMs(entries: readonly Entry[]): number {
    const restMs = this.#committedAt + this.#limits.gatherMs - performance.now();
    return restMs > 0 && this.#mayGather(entries) ? restMs : 0;
  }

  /** Resolves when the time is over, or the commit is due before. */
  async rest(restMs: number, signal: AbortSignal): Promise<void> {
    await this.#wakeUps.sleep(restMs, signal);
  }

  #mayGather(entries: readonly Entry[]): boolean {
    if (this.#isOver || this.#askers > 0) return false;
    let size = 0;
    for (const entry of entries) {
      size += sizeOf(entry);
      if (entry.isAwaited || size >= this.#limits.gatherEventsMax) return false;
    }
    return true;
  }
}
