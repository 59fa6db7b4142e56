/** What core holds becomes what REST shows here, and nowhere else. */
import type { Connection } from '../core/connection.ts';
import type { Event } from '../core/event.ts';
import {
  connectionResource,
  eventResource,
  listenerResource,
  statusResource,
} from './resources.ts';
import { type Held, type Shown, viewOf } from './view.ts';

export const listenerView = viewOf(listenerResource);
export const statusView = viewOf(statusResource);
const namedConnectionView = viewOf(connectionResource);
const namedEventView = viewOf(eventResource);

/** The name is its listener's. */
export function connectionView(
  connection: Connection,
  listenerName: string | null,
): Shown<typeof connectionResource> {
  return namedConnectionView({ ...connection, listenerName });
}

/** The name is its listener's, for what is no listener. */
export function eventView(event: Event, listenerName: string | null): Shown<typeof eventResource> {
  return namedEventView(named(event, listenerName));
}

function named(event: Event, listenerName: string | null): Held<typeof eventResource> {
  if ('listener' in event) return event;
  if ('refusal' in event) return { ...event, refusal: { ...event.refusal, listenerName } };
  const connection = { ...event.connection, listenerName };
  return { ...event, connectionId: connection.id, connection };
}
