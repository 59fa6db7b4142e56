/**
 * What the log says of requests that failed, over both edges alike. A bug has its stack. While the store is away every
 * request fails alike, and callers try again: a second has so many lines of that, each one line, and the rest are counted
 * by their routes. What ends at a stop, or has nobody who waits for it, is no outage; a bug is told whoever waits.
 */
import { hasCode, ShuttingDown } from '../core/errors.ts';
import { LineBudget } from '../core/line-budget.ts';
import type { Logger } from '../core/ports.ts';

export interface FailureLogOptions {
  readonly logger: Logger;
  readonly limits: { readonly outageLinesPerSecondMax: number };
  /** True for what is a bug, or a failure that nobody foresaw. */
  readonly isInternal: (error: unknown) => boolean;
}

export interface FailedRequest {
  readonly requestId: string;
  /** What was asked for, without anything that its caller wrote. */
  readonly route: string;
  /** Its caller went away. */
  readonly isLeft: boolean;
}

export class FailureLog implements Disposable {
  readonly #options: FailureLogOptions;
  readonly #outage: LineBudget;

  constructor(options: FailureLogOptions) {
    this.#options = options;
    const { logger, limits } = options;
    const message = 'requests not available and not shown';
    this.#outage = new LineBudget({
      ...{ logger, message },
      perSecondMax: limits.outageLinesPerSecondMax,
    });
  }

  tell(error: unknown, { requestId, route, isLeft }: FailedRequest): void {
    const { logger, isInternal } = this.#options;
    // Of who left, Node's own waits end like that.
    const isEnd = isLeft && error instanceof Error && error.name === 'AbortError';
    if (!isEnd && isInternal(error))
      logger.error({ requestId, route, err: error }, 'a request failed');
    if (!(error instanceof Error) || !hasCode(error, 'unavailable')) return;
    if (isLeft || error instanceof ShuttingDown) return;
    if (!this.#outage.take(performance.now(), route)) return;
    logger.warn({ requestId, route, reason: wordsOf(error) }, 'not available');
  }

  /** Tells how many were not shown in this last second. */
  [Symbol.dispose](): void {
    this.#outage[Symbol.dispose]();
  }
}

/** The caller is told the first of them only. */
function wordsOf({ message, cause }: Error): string {
  return cause instanceof Error ? `${message}: ${cause.message}` : message;
}
