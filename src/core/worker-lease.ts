/** What a worker is told again and again where nobody goes by its host's clock, and where it may lose its control plane. */
import type { Micros } from './time.ts';

export interface WorkerLease {
  /** The time of day less that of the monotonic clock, which is one for all processes of a host. */
  readonly clockOffset: Micros;
  /** On the monotonic clock: without another word, all its connections end then as `node_lost`. */
  readonly until: Micros;
}
