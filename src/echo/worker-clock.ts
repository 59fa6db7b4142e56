/** The two clocks of a worker. */
import { systemClock } from '../core/clock.ts';
import type { Clock } from '../core/ports.ts';
import type { Micros } from '../core/time.ts';

/** `now` is the time of day, for what is recorded and for ends that are named by it. It may be set, either way. */
export interface WorkerClock extends Clock, MonotonicClock {}

export interface MonotonicClock {
  /** For spans: it goes on evenly whatever the time of day is set to, and its zero means nothing. */
  monotonic(): Micros;
}

export function workerClock(): WorkerClock {
  const { now } = systemClock();
  return { now, monotonic: () => Math.round(performance.now() * 1000) };
}
