/** Rows ↔ events. A connection's row tells two of them; the others have rows of their own. See rows.ts. */
import type { Connection } from '../core/connection.ts';
import type { Event, EventDraft, ListenerEventType, Refusal } from '../core/event.ts';
import type { Listener } from '../core/listener.ts';
import type { SpecBody } from '../core/sizes.ts';
import { type ListenerHead, listenerHead } from './listener-rows.ts';
import { type Field, jsonText } from './record-literal.ts';
import { closedColumns, type NodeIds, nodeOfConnection, parseConnection } from './rows.ts';

/** Null for those that their connection's row tells. `seq` counts from the first of the append. */
export function eventRecord(event: EventDraft, seq: number): readonly Field[] | null {
  const { type, time, listenerId } = event;
  if (type === 'connection_opened' || type === 'connection_closed') return null;
  if ('listener' in event) {
    const { listener } = event;
    const data = jsonText(listenerHead(listener));
    return [seq, time, listenerId, null, type, data, listener.generation];
  }
  if ('refusal' in event) return [seq, time, listenerId, null, type, jsonText(event.refusal), null];
  const { connection } = event;
  return [seq, time, listenerId, connection.id, type, jsonText(connection), null];
}

/** An event from before specs had rows of their own holds its listener whole. */
type OldListener = Omit<Listener, 'generation'>;

/** What the row of an event begins with; a ConnectionRow follows. */
type EventHead =
  | readonly [seq: number, type: 'connection_opened' | 'connection_closed']
  | readonly [seq: number, type: 'connection_half_closed', time: number, data: Connection]
  | readonly [seq: number, type: 'connection_refused', time: number, data: Refusal]
  | readonly [seq: number, type: ListenerEventType, time: number, data: ListenerHead | OldListener];

const eventHeadLength = 5;

/** The head of an event with a row of its own; its listener's id stands where a connection's row has it. */
export const eventRowColumns = `seq, type, time, data, generation, NULL::uuid, listener_id, NULL::smallint, NULL::protocol,
  NULL::inet, NULL::integer, NULL::inet, NULL::integer, NULL::inet, NULL::integer, NULL::integer, NULL::integer,
  NULL::bigint, NULL::bigint, NULL::bigint, NULL::bigint, NULL::bigint, NULL::jsonb, NULL::bigint,
  NULL::close_initiator, NULL::close_reason, NULL::text`;

/** The connection as it was when it was opened. */
export const openedEventColumns = `opened_seq AS seq, 'connection_opened'::event_type AS type, NULL::bigint AS time,
  NULL::json AS data, NULL::integer AS generation, id, listener_id, node, protocol, laddr, lport, raddr, rport, declared_raddr, declared_rport,
  pid, fd, accepted_at, NULL::bigint AS first_byte_at, NULL::bigint AS half_closed_at, 0::bigint AS bytes_in,
  0::bigint AS bytes_out, tls, NULL::bigint AS closed_at, NULL::close_initiator AS close_initiator,
  NULL::close_reason AS close_reason, NULL::text AS error`;

export const closedEventColumns = `closed_seq AS seq, 'connection_closed'::event_type AS type, NULL::bigint AS time,
  NULL::json AS data, NULL::integer AS generation, ${closedColumns}`;

/** The event of a row whose head begins at `offset`, and the spec of its listener. */
export function parseEvent(
  columns: readonly unknown[],
  nodeIds: NodeIds,
  { offset, spec }: { readonly offset: number; readonly spec: SpecBody | null },
): Event {
  const head: unknown = columns.slice(offset, offset + eventHeadLength);
  const [seq, type, time, data] = head as EventHead;
  const listenerId = columns[offset + eventHeadLength + 1] as string;
  switch (type) {
    case 'connection_opened': {
      const connection = parseConnection(columns, nodeIds, offset + eventHeadLength);
      return { seq, time: connection.acceptedAt, type, listenerId, connection };
    }
    case 'connection_closed': {
      const connection = parseConnection(columns, nodeIds, offset + eventHeadLength);
      return { seq, time: connection.closedAt ?? 0, type, listenerId, connection };
    }
    case 'connection_half_closed':
      return { seq, time, type, listenerId, connection: data };
    case 'connection_refused':
      return { seq, time, type, listenerId, refusal: data };
    default:
      return { seq, time, type, listenerId, listener: listenerOf(data, spec) };
  }
}

function listenerOf(data: ListenerHead | OldListener, spec: SpecBody | null): Listener {
  if ('labels' in data) return { ...data, generation: 0 };
  if (spec === null) throw new TypeError(`no spec ${data.generation} of listener ${data.id}`);
  return { ...data, ...spec };
}

export function nodeOfEvent(columns: readonly unknown[], offset: number): number | null {
  return nodeOfConnection(columns, offset + eventHeadLength);
}
