/** The two clocks of a worker. */
import { monotonic, systemClock } from '../core/clock.ts';
import type { Clock } from '../core/ports.ts';
import type { Micros } from '../core/time.ts';

/** `now` is the time of day, for what is recorded and for ends that are named by it. It may be set, either way. */
export interface WorkerClock extends Clock, MonotonicClock {}

export interface MonotonicClock {
  /** For spans: it goes on evenly whatever the time of day is set to, and its zero means nothing. */
  monotonic(): Micros;
}

export interface LedClock extends WorkerClock {
  /** From now on the time of day is the monotonic clock's with this added, whatever the host's is set to; never earlier than it was. */
  goBy(offset: Micros): void;
}

export function workerClock(): LedClock {
  const system = systemClock();
  let offset: Micros | null = null;
  let last: Micros = 0;
  return {
    monotonic,
    now() {
      if (offset === null) return system.now();
      last = Math.max(last, monotonic() + offset);
      return last;
    },
    goBy(next) {
      // What was read of the host's own clock before was for nobody's record.
      offset = next;
    },
  };
}
