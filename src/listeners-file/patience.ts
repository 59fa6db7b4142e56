/** What is refused for a while is asked for again, until too long nothing of it was answered. */
import { setTimeout as delay } from 'node:timers/promises';

export type Patience = <Answer>(ask: () => Promise<Answer>) => Promise<Answer>;

/** As a refusal for `requestsPerSecond` says it. */
const pauseMs = 1000;
const patienceMs = 30_000;

/** All that is asked through it waits together: what is answered to one gives time to the others. */
export function patience(isPassing: (error: unknown) => boolean): Patience {
  let refusedSinceMs: number | null = null;
  return async (ask) => {
    for (;;) {
      try {
        const answer = await ask();
        refusedSinceMs = null;
        return answer;
      } catch (error) {
        if (!isPassing(error)) throw error;
        const nowMs = performance.now();
        refusedSinceMs ??= nowMs;
        if (nowMs - refusedSinceMs >= patienceMs) throw error;
      }
      await delay(pauseMs);
    }
  };
}
