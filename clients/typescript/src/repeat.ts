/** What may be asked again is: after a cut, and where kodama says that it is away for a while. */
import { KodamaError, UnreachableError } from './errors.ts';

const pauseMinMs = 100;
const pauseMaxMs = 5000;

/** Whether the same call may be answered later. */
export function isPassing(error: unknown): boolean {
  if (error instanceof KodamaError) return error.code === 'unavailable';
  return error instanceof UnreachableError;
}

/** Such as a reader that took nothing for a minute, or too many calls in a second; a start that is refused so is another matter. */
export function isCrowded(error: unknown): boolean {
  return error instanceof KodamaError && error.code === 'resource_exhausted';
}

/** Longer from time to time, until something came. */
export class Pauses {
  #nextMs = pauseMinMs;

  reset(): void {
    this.#nextMs = pauseMinMs;
  }

  async next(signal: AbortSignal | undefined, atMostMs = Number.POSITIVE_INFINITY): Promise<void> {
    const ms = Math.min(this.#nextMs, Math.max(0, atMostMs));
    this.#nextMs = Math.min(this.#nextMs * 2, pauseMaxMs);
    await new Promise<void>((resolve, reject) => {
      const abort = () => {
        clearTimeout(timer);
        reject(signal?.reason);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', abort);
        resolve();
      }, ms);
      if (signal?.aborted) abort();
      else signal?.addEventListener('abort', abort, { once: true });
    });
  }
}
