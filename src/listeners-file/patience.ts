/** What is refused for a while is asked for again, until too long nothing of it was answered. */
import { setTimeout as delay } from 'node:timers/promises';

export type Patience = <Answer>(ask: () => Promise<Answer>) => Promise<Answer>;

export interface PatienceOptions {
  readonly isPassing: (error: unknown) => boolean;
  /** Told that it waits, and for what, once for each reason. */
  readonly tell: (text: string) => void;
  /** Ends what waits with what it was refused with, and each wait from then on. */
  readonly signal?: AbortSignal;
}

/** As a refusal for `requestsPerSecond` says it. */
const pauseMs = 1000;
const patienceMs = 30_000;

/** All that is asked through it waits together: what is answered to one gives time to the others. */
export function patience({ isPassing, tell, signal }: PatienceOptions): Patience {
  const told = new Set<string>();
  const isOver = () => signal?.aborted === true;
  let refusedSinceMs: number | null = null;
  return async (ask) => {
    for (;;) {
      try {
        const answer = await ask();
        refusedSinceMs = null;
        return answer;
      } catch (error) {
        if (!isPassing(error) || isOver()) throw error;
        const nowMs = performance.now();
        refusedSinceMs ??= nowMs;
        if (nowMs - refusedSinceMs >= patienceMs) throw error;
        const { message } = error as Error;
        if (!told.has(message)) tell(`waits, for up to ${patienceMs / 1000} s: ${message}`);
        told.add(message);
        // What ends the wait is no failure of its own.
        await delay(pauseMs, undefined, { signal }).catch(() => undefined);
        if (isOver()) throw error;
      }
    }
  };
}
