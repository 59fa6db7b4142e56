/** What a worker reports of its sockets, in the order in which it happened: what is newly known of a connection. */
import type {
  AcceptedConnection,
  ClosedConnection,
  Connection,
  counterFields,
  HalfClosedConnection,
} from './connection.ts';
import type { Refusal } from './event.ts';
import type { Micros } from './time.ts';

/** How far a connection has come. */
export type Counters = Pick<Connection, 'id' | (typeof counterFields)[number]>;

/** A step in a life: becomes an event. */
export type StepRecord =
  | { readonly kind: 'opened'; readonly connection: AcceptedConnection }
  | { readonly kind: 'half_closed'; readonly connection: HalfClosedConnection }
  | { readonly kind: 'closed'; readonly connection: ClosedConnection }
  | {
      readonly kind: 'refused';
      readonly at: Micros;
      readonly listenerId: string;
      readonly refusal: Refusal;
    };

/** How far an open connection has come: changes its row, and is no event. */
export interface CountersRecord {
  readonly kind: 'counters';
  readonly connection: Counters;
}

export type WorkerRecord = StepRecord | CountersRecord;
