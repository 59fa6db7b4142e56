/** The system's clock in microseconds. */
import type { Clock } from './ports.ts';

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
