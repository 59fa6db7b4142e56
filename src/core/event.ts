/**
 * An event is one step in the life of a listener or connection, and holds the thing as it was at that step.
 * Its seq is its place in the one log of the database: dense, rising in commit order.
 */
import type { Address } from './address.ts';
import { type Actor, type Caller, shownActor } from './caller.ts';
import type { Connection } from './connection.ts';
import type { Listener, Protocol } from './listener.ts';
import type { Micros } from './time.ts';

export const listenerEventTypes = [
  'listener_created',
  'listener_listening',
  'listener_failed',
  'listener_updated',
  'listener_closed',
] as const;
export const connectionEventTypes = [
  'connection_opened',
  'connection_half_closed',
  'connection_closed',
] as const;
export const eventTypes = [
  ...listenerEventTypes,
  ...connectionEventTypes,
  'connection_refused',
] as const;

export type ListenerEventType = (typeof listenerEventTypes)[number];
export type ConnectionEventType = (typeof connectionEventTypes)[number];
export type EventType = (typeof eventTypes)[number];

export const refusalRules = [
  'max_connections',
  'max_connections_per_source',
  'accept_rate',
  'allow_cidrs',
  'deny_cidrs',
  'refuse_fault',
  'worker_capacity',
  'udp_source_port',
  'udp_source_address',
  'udp_own_listener',
  'udp_rate',
  'udp_loop',
  'udp_destination_address',
  'project_quota',
] as const;
export type RefusalRule = (typeof refusalRules)[number];

/** An arrival that was turned away before any byte was read. `count` is over 1 when alike ones were sampled. */
export interface Refusal {
  readonly protocol: Protocol;
  readonly laddr: Address;
  /** Null as that of a connection. */
  readonly raddr: Address | null;
  readonly rule: RefusalRule;
  readonly count: number;
}

interface EventCommon {
  readonly time: Micros;
  readonly listenerId: string;
  /** The number of the record that it tells, among those of a node on a host of its own. */
  readonly record?: number;
}

/** An event before it has its place in the log. */
export type EventDraft = EventCommon &
  (
    | {
        readonly type: ListenerEventType;
        readonly listener: Listener;
        /** Who asked for it; absent where kodama did it by itself. */
        readonly actor?: Actor;
      }
    | { readonly type: ConnectionEventType; readonly connection: Connection }
    | { readonly type: 'connection_refused'; readonly refusal: Refusal }
  );

export type Event = EventDraft & { readonly seq: number };

export function listenerEvent(
  type: ListenerEventType,
  listener: Listener,
  by: Caller | null = null,
): EventDraft {
  const time = type === 'listener_created' ? listener.createdAt : listener.updatedAt;
  const actor = by === null ? {} : { actor: shownActor(by) };
  return { type, time, listenerId: listener.id, listener, ...actor };
}
