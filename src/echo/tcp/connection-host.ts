/** What a stream connection and its listener know of each other. */
import type { Address } from '../../core/address.ts';
import type { AcceptedConnection } from '../../core/connection.ts';
import type { ListenerLimits, ListenerMode } from '../../core/listener.ts';
import type { Clock } from '../../core/ports.ts';
import type { WorkerRecord } from '../../core/record.ts';
import type { Micros } from '../../core/time.ts';
import type { FaultResources } from '../faults/fault-pipeline.ts';
import type { WorkerSettings } from '../messages.ts';
import type { StreamConnection } from './stream-connection.ts';

/** The listener, as its connections see it. */
export interface ConnectionHost {
  readonly mode: ListenerMode;
  readonly limits: ListenerLimits;
  readonly settings: Pick<WorkerSettings, 'lingerMs'>;
  readonly faultResources: FaultResources;
  readonly clock: Clock;
  record(record: WorkerRecord): void;
  onClosed(connection: StreamConnection): void;
}

/** One that can be served: its peer's address is known. */
export interface LocatedConnection extends AcceptedConnection {
  readonly raddr: Address;
}

export interface Accepted {
  readonly id: string;
  readonly acceptedAt: Micros;
  /** Of the remote end. */
  readonly ip: string;
}
