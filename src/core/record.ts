/** What a worker reports of its sockets, in the order in which it happened. */
import type { AcceptedConnection, CloseInitiator, CloseReason } from './connection.ts';
import type { Refusal } from './event.ts';
import type { Micros } from './time.ts';

export interface Counters {
  readonly id: string;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly firstByteAt: Micros | null;
}

/** A step in a life: becomes an event. */
export type StepRecord =
  | { readonly kind: 'opened'; readonly connection: AcceptedConnection }
  | ({ readonly kind: 'half_closed'; readonly at: Micros } & Counters)
  | ({
      readonly kind: 'closed';
      readonly at: Micros;
      readonly halfClosedAt: Micros | null;
      readonly initiator: CloseInitiator;
      readonly reason: CloseReason;
      readonly error: string | null;
    } & Counters)
  | {
      readonly kind: 'refused';
      readonly at: Micros;
      readonly listenerId: string;
      readonly refusal: Refusal;
    };

/** How far an open connection has come: changes its row, and is no event. */
export type CountersRecord = { readonly kind: 'counters' } & Counters;

export type WorkerRecord = StepRecord | CountersRecord;
