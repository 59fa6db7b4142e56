/**
 * Lets go of what is older than the log is kept, or beyond its size, oldest first, in small pieces with the
 * log free between them: appends and readers never wait long for it.
 */
import type { EventLog } from './event-log.ts';
import type { Clock, Logger, Store } from './ports.ts';
import { WakeUps } from './wake-ups.ts';

export interface RetentionOptions {
  readonly store: Store;
  readonly eventLog: EventLog;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly ageMs: number;
  /** How long an answer is kept under its idempotency key. */
  readonly idempotencyTtlMs: number;
  readonly eventsMax: number;
  readonly intervalMs: number;
  /** Events of one piece. */
  readonly purgeEventsMax: number;
}

export class Retention implements AsyncDisposable {
  readonly #options: RetentionOptions;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;

  constructor(options: RetentionOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  async #run(): Promise<void> {
    const { logger, intervalMs } = this.#options;
    const wakeUps = new WakeUps();
    while (!this.#stop.signal.aborted) {
      try {
        await this.purge();
      } catch (err) {
        logger.warn({ err }, 'could not purge the log; trying again later');
      }
      await wakeUps.sleep(intervalMs, this.#stop.signal);
    }
  }

  /** Purges all that is due now. @throws unavailable */
  async purge(): Promise<void> {
    await this.#purgeKeys();
    const { store, eventLog, clock, ageMs, eventsMax, purgeEventsMax: limit } = this.#options;
    const before = clock.now() - ageMs * 1000;
    let hasMore = true;
    while (hasMore && !this.#stop.signal.aborted) {
      const result = await store.purge({ before, eventsMax, limit });
      eventLog.expire(result.oldestSeq);
      hasMore = result.hasMore;
    }
  }

  async #purgeKeys(): Promise<void> {
    const { store, clock, idempotencyTtlMs, purgeEventsMax: limit } = this.#options;
    const before = clock.now() - idempotencyTtlMs * 1000;
    let hasMore = true;
    while (hasMore && !this.#stop.signal.aborted) {
      hasMore = await store.purgeIdempotencyKeys(before, limit);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }
}
