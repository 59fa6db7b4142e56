/** What the handlers are given: the operations, and how this edge is set up. */
import type { Api } from '../api/call.ts';
import type { ListenerBounds } from '../core/listener-bounds.ts';
import type { Calls } from './calls.ts';
import type { EventFrames } from './event-frames.ts';

export interface Edge {
  readonly api: Api;
  readonly calls: Calls;
  readonly frames: EventFrames;
  readonly bounds: ListenerBounds;
}
