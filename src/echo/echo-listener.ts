/** What every kind of listener in a worker does, and what it is given. */
import type { CloseInitiator, CloseReason } from '../core/connection.ts';
import type { Fault } from '../core/fault.ts';
import type { ListenerLimits } from '../core/listener.ts';
import type { ProjectRef } from '../core/project.ts';
import type { CountersRecord } from '../core/record.ts';
import type { Turns } from '../core/turns.ts';
import type { ConnectionIds } from './connection-ids.ts';
import type { ProgressObserver } from './connection-progress.ts';
import type { FaultResources } from './faults/fault-pipeline.ts';
import type { BoundSocket, Share, WorkerSettings } from './messages.ts';
import type { PreambleTurns } from './preamble/preamble-turns.ts';
import type { ProjectRooms } from './project-rooms.ts';
import type { RecordQueue } from './record-queue.ts';
import type { RefusalRates } from './refusal-rates.ts';
import type { SocketBudget } from './socket-budget.ts';
import type { PeerNames } from './tcp/peer-names.ts';
import type { ResetLooks } from './tcp/reset-looks.ts';
import type { DatagramBatches } from './udp/datagram-batches.ts';
import type { WildcardReader } from './udp/wildcard-reader.ts';
import type { WorkerClock } from './worker-clock.ts';

export interface EchoContext {
  readonly settings: WorkerSettings;
  readonly clock: WorkerClock;
  readonly records: RecordQueue;
  readonly ids: ConnectionIds;
  /** Every open connection of the worker, by id. */
  readonly connections: Map<string, OpenConnection> &
    ProgressObserver & { readonly resets: ResetLooks };
  /** What the connections of each project may be together. */
  readonly projects: ProjectRooms;
  readonly refusalRates: RefusalRates;
  /** Each listening and each accepted socket takes one. */
  readonly sockets: SocketBudget;
  readonly peerNames: PeerNames;
  readonly preambleTurns: PreambleTurns;
  readonly wildcards: WildcardReader;
  readonly batches: DatagramBatches;
  /** Time and memory that the faults of all connections share. */
  readonly faultResources: FaultResources;
  /** Of the listeners that go round their connections. */
  readonly rounds: Turns<ProjectRef>;
}

export interface OpenConnection {
  /** Its counters, when they have moved since they were last told. */
  movedCounters(): CountersRecord | null;
  /** FIN after what was written, or RST at once. Idempotent: the first reason stays. */
  close(mode: 'fin' | 'rst', initiator: CloseInitiator, reason: CloseReason): void;
}

export interface ListenerChange {
  readonly limits: ListenerLimits;
  readonly faults: readonly Fault[];
}

export interface EchoListener {
  /** @throws the system's error */
  bind(share: Share): Promise<BoundSocket>;
  /** Goes on with what arrived since the bind, and takes what comes. */
  serve(): void;
  /** Resolves when all connections have it. Those to come wait until then: they are counted behind the living ones. */
  update(change: ListenerChange): Promise<void>;
  /** The records have room again: goes on with what had to wait. */
  resume(): void;
  /**
   * Stops listening at once; connections have `drainMs` to end by themselves. Resolves when the port is free and
   * every connection has ended. Called again, it waits no longer than the shorter time.
   */
  close(drainMs: number, reason: CloseReason): Promise<void>;
}
