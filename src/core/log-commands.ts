/** Commits for callers who wait, and only so long: bounded in number and in bytes. */
import type { AppendQueue, AppendQueueLimits } from './append-queue.ts';
import { AppError, hasCode, limitReached } from './errors.ts';
import type { Event } from './event.ts';
import type { Entry } from './log-entry.ts';
import type { Logger } from './ports.ts';

export interface LogCommandsLimits {
  /** Commands that may wait for their commit at once. */
  readonly commandsMax: number;
  /** And the bytes of what they would have committed, about. */
  readonly commandsBytesMax: number;
  /** How long a command waits for its commit. */
  readonly commandTimeoutMs: number;
}

export interface LogCommandsOptions {
  readonly queue: AppendQueue;
  readonly log: Logger;
  readonly limits: LogCommandsLimits & AppendQueueLimits;
}

export class LogCommands {
  readonly #options: LogCommandsOptions;
  #count = 0;

  constructor(options: LogCommandsOptions) {
    this.#options = options;
  }

  /** See EventLog.appendCommand. */
  async commit(entry: Entry, onLate: (() => void) | undefined): Promise<readonly Event[]> {
    const { queue, limits } = this.#options;
    const { commandsMax, commandsBytesMax } = limits;
    if (queue.failure !== null || this.#count >= commandsMax) throw this.#unavailable();
    this.#assertCommittable(entry);
    if (queue.queuedBytes + entry.commitBytes > commandsBytesMax) throw this.#unavailable();
    this.#count += 1;
    queue.add(entry);
    const giveUp = () => {
      if (!queue.giveUp(entry)) this.#undoLate(entry, onLate);
    };
    try {
      return await this.#unlessLate(entry.committed.promise, giveUp);
    } finally {
      this.#count -= 1;
    }
  }

  /** See EventLog.inTime. */
  async inTime<Result>(commit: (over: AbortSignal) => Promise<Result>): Promise<Result> {
    const over = new AbortController();
    try {
      return await this.#unlessLate(commit(over.signal));
    } finally {
      over.abort();
    }
  }

  async #unlessLate<Result>(commit: Promise<Result>, giveUp?: () => void): Promise<Result> {
    const timeout = Promise.withResolvers<'late'>();
    const { commandTimeoutMs } = this.#options.limits;
    const timer = setTimeout(() => timeout.resolve('late'), commandTimeoutMs);
    try {
      const outcome = await Promise.race([commit, timeout.promise]);
      if (outcome !== 'late') return outcome;
      giveUp?.();
      throw this.#unavailable();
    } finally {
      clearTimeout(timer);
    }
  }

  /** What is larger could take longer than a commit may, and hold up all that comes after it. */
  #assertCommittable({ commitBytes: bytes }: Entry): void {
    const { commitBytesMax } = this.#options.limits;
    if (bytes <= commitBytesMax) return;
    const message = `it takes ${bytes} bytes on record, and one change at most ${commitBytesMax}`;
    throw limitReached('commitBytesMax', commitBytesMax, message);
  }

  #undoLate({ committed }: Entry, onLate: (() => void) | undefined): void {
    committed.promise.then(
      () => onLate?.(),
      (error: unknown) => {
        if (!hasCode(error, 'unavailable')) {
          this.#options.log.error({ err: error }, 'a late commit failed');
        }
      },
    );
  }

  #unavailable(): AppError {
    return new AppError('unavailable', 'the store is away', {
      retryAfterMs: this.#options.limits.retryMaxMs,
      cause: this.#options.queue.failure,
    });
  }
}
