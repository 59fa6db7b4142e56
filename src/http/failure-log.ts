/**
 * What the log says of requests that failed. A bug has its stack. While the store is away every request fails alike, and
 * callers try again: a second has so many lines of that, each one line, and the rest are counted by their routes.
 */
import type { FastifyBaseLogger, FastifyRequest } from 'fastify';
import { hasCode } from '../core/errors.ts';
import { LineBudget } from '../core/line-budget.ts';
import { isInternal } from './problem.ts';

export class FailureLog implements Disposable {
  readonly #outage: LineBudget;

  constructor(logger: FastifyBaseLogger, perSecondMax: number) {
    const message = 'requests not available and not shown';
    this.#outage = new LineBudget({ logger, perSecondMax, message });
  }

  tell(error: unknown, { id: requestId, log, method, routeOptions }: FastifyRequest): void {
    if (isInternal(error)) log.error({ requestId, err: error }, 'a request failed');
    if (!(error instanceof Error) || !hasCode(error, 'unavailable')) return;
    const route = `${method} ${routeOptions.url ?? 'none'}`;
    if (!this.#outage.take(performance.now(), route)) return;
    log.warn({ requestId, route, reason: wordsOf(error) }, 'not available');
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
