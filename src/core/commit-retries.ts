/** What a commit that failed comes to: a pause, longer each time, and smaller batches meanwhile. */
import type { Logger } from './ports.ts';
import { WakeUps } from './wake-ups.ts';

export interface RetryLimits {
  readonly retryMinMs: number;
  readonly retryMaxMs: number;
}

export interface CommitRetriesOptions {
  readonly log: Logger;
  readonly limits: RetryLimits;
  /** The queue is to stop. */
  readonly signal: AbortSignal;
}

/** By then a batch is one entry. */
const halvingsMax = 12;

export class CommitRetries {
  readonly #options: CommitRetriesOptions;
  readonly #wakeUps = new WakeUps();
  #failure: unknown = null;
  /** How often a commit failed, less how often one was done. */
  #halvings = 0;

  constructor(options: CommitRetriesOptions) {
    this.#options = options;
  }

  /** Why the last commit failed, while it is being repeated; null when all is well. */
  get failure(): unknown {
    return this.#failure;
  }

  /** How large a batch is to be, of what it may be. */
  get share(): number {
    return 2 ** -this.#halvings;
  }

  /** @throws the failure once the queue is to stop */
  async pause(failure: unknown): Promise<void> {
    const { log, limits, signal } = this.#options;
    if (this.#failure === null) log.warn({ err: failure }, 'a commit failed; trying again');
    this.#failure = failure;
    if (signal.aborted) throw failure;
    const delayMs = Math.min(limits.retryMinMs * 2 ** this.#halvings, limits.retryMaxMs);
    this.#halvings = Math.min(this.#halvings + 1, halvingsMax);
    await this.#wakeUps.sleep(delayMs, signal);
  }

  isBack(): void {
    if (this.#failure !== null) this.#options.log.info({}, 'commits succeed again');
    this.#failure = null;
    this.#halvings = Math.max(0, this.#halvings - 1);
  }
}
