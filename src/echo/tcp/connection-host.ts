/** What a stream connection and its listener know of each other. */
import type { Address } from '../../core/address.ts';
import type { AcceptedConnection } from '../../core/connection.ts';
import type { ListenerLimits, ListenerMode } from '../../core/listener.ts';
import type { WorkerRecord } from '../../core/record.ts';
import type { Micros } from '../../core/time.ts';
import type { ProgressObserver } from '../connection-progress.ts';
import type { FaultResources } from '../faults/fault-pipeline.ts';
import type { ConnectionFaults } from '../faults/listener-faults.ts';
import type { WorkerSettings } from '../messages.ts';
import type { WorkerClock } from '../worker-clock.ts';
import type { TcpHandle } from './tcp-handle.ts';

/** The listener, as its connections see it. */
export interface ConnectionHost extends ProgressObserver {
  readonly mode: ListenerMode;
  readonly limits: ListenerLimits;
  readonly settings: Pick<WorkerSettings, 'lingerMs'>;
  readonly faultResources: FaultResources;
  readonly clock: WorkerClock;
  record(record: WorkerRecord): void;
  onClosed(accepted: Accepted): void;
}

/** A connection that can be served: its peer's address is known. */
export interface LocatedConnection extends AcceptedConnection {
  readonly raddr: Address;
}

/** What waits to be accepted, in the order of arrival. */
export interface Arrival {
  readonly handle: TcpHandle;
  readonly acceptedAt: Micros;
  /** The same on the monotonic clock. */
  readonly since: Micros;
}

/** What has passed everything that stands before its echo. */
export interface Admitted {
  readonly opened: LocatedConnection;
  readonly since: Micros;
  readonly faults: ConnectionFaults;
  readonly delayMs: number;
}

export interface Accepted {
  readonly id: string;
  /** When it was accepted, on the monotonic clock. */
  readonly since: Micros;
  /** Of the remote end. */
  readonly ip: string;
}
