/** A fault that was chosen for a connection. It is known by identity: the same object is the same fault, with its state. */
import type { Fault } from '../../core/fault.ts';
import type { PacedRate } from './paced-rate.ts';

export interface ActiveFault {
  readonly fault: Fault;
  /** Next number of the fault's own run for this connection: 0 to 1, without 1. */
  readonly random: () => number;
  /** The rate that it has in common with the listener's other connections; null where it has its own. */
  readonly sharedRate: PacedRate | null;
}
