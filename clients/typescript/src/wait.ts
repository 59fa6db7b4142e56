/** A wait as long as one likes, in calls that each take at most a minute: to ask again loses nothing. */
import { NotMetError } from './errors.ts';
import { isCrowded, isPassing, Pauses } from './repeat.ts';
import type { Rest } from './rest.ts';

/** Of the API. */
const callMsMax = 60_000;
const sliceMs = 30_000;
/** From the end of one call to the next. */
const betweenMs = 1000;
/** For an answer that was to come by then. */
const silenceMs = 30_000;
const defaultTimeoutMs = 10_000;

interface Timed {
  readonly timeoutMs?: number;
  readonly settleMs?: number;
}

/** What holds at the end of one call has to settle anew in the next: all that is left where one call can be so long. */
function nextCallMs(leftMs: number, settleMs: number): number {
  if (leftMs <= callMsMax) return leftMs;
  const leastMs = settleMs + betweenMs;
  if (leastMs <= sliceMs) return sliceMs;
  if (leftMs === Number.POSITIVE_INFINITY) return Math.min(callMsMax, leastMs);
  // Parts of one length: with the least, what is left for the last of them could be too short to settle in.
  const count = Math.max(1, Math.floor(leftMs / leastMs));
  return Math.min(callMsMax, Math.ceil(leftMs / count));
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
  let isBegun = false;
  for (;;) {
    // What must hold for a while must have the while.
    const leftMs = Math.max(0, settleMs, Math.ceil(deadline - performance.now()));
    const ownMs = nextCallMs(leftMs, settleMs);
    try {
      return await rest.json<Met>('GET', path, {
        query: { ...query, timeoutMs: ownMs },
        signal,
        timeoutMs: ownMs + silenceMs,
      });
    } catch (error) {
      const restMs = deadline - performance.now();
      if (error instanceof NotMetError) {
        // In what is left it could not settle any more.
        if (error.why !== 'timeout' || ownMs === leftMs || restMs <= settleMs) throw error;
        isBegun = true;
        pauses.reset();
      } else {
        const mayCome = isPassing(error) || (isBegun && isCrowded(error));
        if (!mayCome || restMs <= 0) throw error;
        await pauses.next(signal, restMs);
      }
    }
  }
}
