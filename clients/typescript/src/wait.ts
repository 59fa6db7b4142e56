/** A wait as long as one likes, in calls that each take at most half a minute: to ask again loses nothing. */
import { NotMetError } from './errors.ts';
import { isPassing, Pauses } from './repeat.ts';
import type { Rest } from './rest.ts';

const callMs = 30_000;
/** For an answer that was to come by then. */
const silenceMs = 30_000;
const defaultTimeoutMs = 10_000;

interface Timed {
  readonly timeoutMs?: number;
  readonly settleMs?: number;
}

/** @throws NotMetError with what nearly matched, KodamaError, UnreachableError, and what the signal was aborted with */
export async function wait<Met>(
  rest: Rest,
  path: string,
  query: Timed,
  signal?: AbortSignal,
): Promise<Met> {
  const { timeoutMs = defaultTimeoutMs, settleMs = 0 } = query;
  const deadline = performance.now() + timeoutMs;
  const pauses = new Pauses();
  for (;;) {
    const leftMs = Math.max(0, Math.ceil(deadline - performance.now()));
    const isLast = leftMs <= Math.max(callMs, settleMs);
    // What must hold for a while must have the while.
    const ownMs = Math.max(Math.min(leftMs, Math.max(callMs, settleMs)), settleMs);
    try {
      return await rest.json<Met>('GET', path, {
        query: { ...query, timeoutMs: ownMs },
        signal,
        timeoutMs: ownMs + silenceMs,
      });
    } catch (error) {
      const isToBeSeen = error instanceof NotMetError && error.why === 'timeout' && !isLast;
      const mayCome = isPassing(error) && performance.now() < deadline;
      if (!isToBeSeen && !mayCome) throw error;
      if (mayCome) await pauses.next(signal, deadline - performance.now());
    }
  }
}
