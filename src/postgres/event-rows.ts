/** Rows ↔ events. A connection's row tells two of them; the others have rows of their own. See rows.ts. */
import type { Actor } from '../core/caller.ts';
import type { Connection } from '../core/connection.ts';
import type { Event, EventDraft, ListenerEventType, Refusal } from '../core/event.ts';
import type { Listener } from '../core/listener.ts';
import type { ProjectRef } from '../core/project.ts';
import type { SpecBody } from '../core/sizes.ts';
import { type ListenerHead, listenerHead } from './listener-rows.ts';
import { jsonText, type Row } from './row-literal.ts';
import {
  closedColumns,
  listenerColumnsOnly,
  type NodeIds,
  nodeOfConnection,
  openedColumns,
  type Place,
  parseConnection,
} from './rows.ts';

/** Where its row belongs: as a connection's, and its seq counts as one there. */
type EventPlace = Pick<Place, 'project'> & { readonly seq: number };

/** In the order of the table's columns; null for an event that its connection's row tells. */
export function eventRow(event: EventDraft, place: EventPlace): Row | null {
  const { type, time, listenerId } = event;
  if (type === 'connection_opened' || type === 'connection_closed') return null;
  const connectionId = 'connection' in event ? event.connection.id : null;
  const generation = 'listener' in event ? event.listener.generation : null;
  const row = [place.seq, time, listenerId, connectionId, place.project, type, generation];
  return [...row, dataOf(event)];
}

function dataOf(event: EventDraft): string {
  if ('listener' in event) return jsonText({ ...listenerHead(event.listener), actor: event.actor });
  return jsonText('refusal' in event ? event.refusal : event.connection);
}

/** With who asked for it, where somebody did, since that is told. */
interface Asked {
  readonly actor?: Actor;
}

/** An event from before specs had rows of their own holds its listener whole; and revisions, places and what
 * nodes observe are younger still: all nodes were built in then, whose names are their ids. */
type OldListener = Omit<Listener, 'generation' | 'revision' | 'project' | Younger>;
type Younger = 'nodeName' | 'placement' | 'observedGeneration';

type ListenerData = (ListenerHead | OldListener) & Asked;

/** What the row of an event begins with; a ConnectionRow follows. */
type EventHead =
  | readonly [seq: number, type: 'connection_opened' | 'connection_closed']
  | readonly [seq: number, type: 'connection_half_closed', time: number, data: Connection]
  | readonly [seq: number, type: 'connection_refused', time: number, data: Refusal]
  | readonly [seq: number, type: ListenerEventType, time: number, data: ListenerData];

const eventHeadLength = 5;

/** The head of an event with a row of its own; its listener's id stands where a connection's row has it. */
export const eventRowColumns = `seq, type, time, data, generation, ${listenerColumnsOnly}`;

const noHead = 'NULL::bigint AS time, NULL::json AS data, NULL::integer AS generation';
export const openedEventColumns = `opened_seq AS seq, 'connection_opened'::event_type AS type, ${noHead}, ${openedColumns}`;
export const closedEventColumns = `closed_seq AS seq, 'connection_closed'::event_type AS type, ${noHead}, ${closedColumns}`;

/** Where it stands in a row, the spec of its listener, and whose log it is. */
export interface EventPart {
  readonly offset: number;
  readonly spec: SpecBody | null;
  readonly project: ProjectRef;
}

/** The event of a row whose head begins at `offset`. */
export function parseEvent(
  columns: readonly unknown[],
  nodeIds: NodeIds,
  { offset, spec, project }: EventPart,
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
      // One of before this was told lacks it.
      return {
        seq,
        time,
        type,
        listenerId,
        connection: { ...data, lastByteAt: data.lastByteAt ?? null },
      };
    case 'connection_refused':
      return { seq, time, type, listenerId, refusal: data };
    default: {
      const { actor, ...head } = data;
      const listener = listenerOf(head, spec, project);
      return { seq, time, type, listenerId, listener, ...(actor && { actor }) };
    }
  }
}

function listenerOf(
  data: ListenerHead | OldListener,
  spec: SpecBody | null,
  project: ProjectRef,
): Listener {
  const { nodeId: nodeName } = data;
  const unplaced = { nodeName, placement: null, observedGeneration: null };
  const before = { project, revision: 0, generation: 0, ...unplaced };
  if ('labels' in data) return { ...before, ...data };
  if (spec === null) throw new TypeError(`no spec ${data.generation} of listener ${data.id}`);
  return { ...before, ...data, ...spec };
}

export function nodeOfEvent(columns: readonly unknown[], offset: number): number | null {
  return nodeOfConnection(columns, offset + eventHeadLength);
}
