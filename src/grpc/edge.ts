/** What the handlers are given: the control plane, and how this edge is set up. */
import type { ControlPlane } from '../core/control-plane.ts';
import type { ListenerBounds } from '../core/listener-bounds.ts';
import type { Clock } from '../core/ports.ts';
import type { Calls } from './calls.ts';
import type { EventFrames } from './event-frames.ts';
import type { GrpcLimits } from './grpc-limits.ts';

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

export interface Edge {
  readonly control: Control;
  readonly calls: Calls;
  readonly frames: EventFrames;
  readonly bounds: ListenerBounds;
  readonly clock: Clock;
  readonly limits: GrpcLimits;
}
