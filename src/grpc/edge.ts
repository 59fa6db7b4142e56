/** What the handlers are given: the control plane, and how this edge is set up. */
import type { ControlPlane } from '../core/control-plane.ts';
import type { ListenerBounds } from '../core/listener-bounds.ts';
import type { Clock } from '../core/ports.ts';
import type { Calls } from './calls.ts';
import type { EventFrames } from './event-frames.ts';

export type Control = Pick<
  ControlPlane,
  | 'createListener'
  | 'createListeners'
  | 'getListener'
  | 'listListeners'
  | 'updateListener'
  | 'deleteListener'
  | 'getConnection'
  | 'listConnections'
  | 'closeConnection'
  | 'listEvents'
  | 'followEvents'
>;

export interface GrpcLimits {
  /** Bytes of one request. */
  readonly messageBytesMax: number;
  /** Client connections at once. */
  readonly connectionsMax: number;
  /** Calls at once on one client connection. */
  readonly callsPerConnectionMax: number;
  /** Calls of one method at once, over all connections. */
  readonly callsPerMethodMax: number;
  /** Calls at once, over all connections, whose request is not there yet. */
  readonly requestsArrivingMax: number;
  /** A call whose request says nothing for so long before it ends is ended. */
  readonly requestTimeoutMs: number;
  /** A silent client connection is pinged after so long, and dropped when it does not answer. */
  readonly keepaliveIntervalMs: number;
  readonly keepaliveTimeoutMs: number;
  /** A client connection without a call is closed after so long. */
  readonly idleConnectionMs: number;
  /** A reader that takes nothing of a stream, or not the end of a call, for so long is ended. */
  readonly streamWriteTimeoutMs: number;
  /** Bytes of a stream that are written at once. */
  readonly streamWriteBytesMax: number;
  /** Newest events that are kept framed, for streams that read at the head. */
  readonly framesKept: number;
  /** Bytes of them. */
  readonly framesKeptBytesMax: number;
  readonly drainMsMax: number;
  /** At a stop, calls that are under way may take so long to end. */
  readonly stopTimeoutMs: number;
}

export interface Edge {
  readonly control: Control;
  readonly calls: Calls;
  readonly frames: EventFrames;
  readonly bounds: ListenerBounds;
  readonly clock: Clock;
  readonly limits: GrpcLimits;
}
