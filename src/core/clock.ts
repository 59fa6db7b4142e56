/** The system's clocks in microseconds. */
import type { Clock } from './ports.ts';
import type { Micros } from './time.ts';

/** Beyond this the system's clock was set, and we follow it. */
const driftMaxMs = 100;

/** Rises with the monotonic clock between two readings of the system's, so that short spans are exact. */
export function systemClock(): Clock {
  let origin = performance.timeOrigin;
  return {
    now() {
      const system = Date.now();
      let time = origin + performance.now();
      if (Math.abs(time - system) > driftMaxMs) {
        origin += system - time;
        time = system;
      }
      return Math.round(time * 1000);
    },
  };
}

/** Between the monotonic clock of this process and the one that all processes of the host have (clock_gettime(2)). */
const monotonicZero = Number(process.hrtime.bigint()) / 1000 - performance.now() * 1000;

/** For spans, evenly, whatever the time of day is set to. Two processes of one host read the same. */
export function monotonic(): Micros {
  return Math.round(monotonicZero + performance.now() * 1000);
}

/**
 * For how long a timer for a time of day does without a look at the clock, which may be set; and no timer counts what a
 * machine sleeps.
 */
export const lookMsMax = 30_000;
