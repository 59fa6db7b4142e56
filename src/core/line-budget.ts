/** So many lines a second; what is left out is counted by name, and told in one line at the end of that second. */
import type { Logger } from './ports.ts';

export interface LineBudgetOptions {
  readonly logger: Logger;
  readonly perSecondMax: number;
  /** What is said of those that are left out; their counts are its fields. */
  readonly message: string;
}

const secondMs = 1000;

export class LineBudget implements Disposable {
  readonly #options: LineBudgetOptions;
  #left = 0;
  #endsAt = 0;
  #leftOut: Record<string, number> = {};
  #timer: NodeJS.Timeout | null = null;

  constructor(options: LineBudgetOptions) {
    this.#options = options;
  }

  /**
   * Whether there is a line for this one, on the clock of performance.now(). Where there is not, it counts as `count` of
   * its name.
   */
  take(now: number, name: string, count = 1): boolean {
    if (now >= this.#endsAt) {
      this.#endsAt = now + secondMs;
      this.#left = this.#options.perSecondMax;
    }
    if (this.#left > 0) {
      this.#left -= 1;
      return true;
    }
    this.#leftOut[name] = (this.#leftOut[name] ?? 0) + count;
    this.#timer ??= setTimeout(() => this.#tell(), this.#endsAt - now).unref();
    return false;
  }

  #tell(): void {
    const { logger, message } = this.#options;
    if (this.#timer === null) return;
    clearTimeout(this.#timer);
    this.#timer = null;
    this.#endsAt = 0;
    logger.info(this.#leftOut, message);
    this.#leftOut = {};
  }

  /** Tells what is not told yet. */
  [Symbol.dispose](): void {
    this.#tell();
  }
}
