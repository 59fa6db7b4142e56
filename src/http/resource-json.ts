/** Core's things as the JSON of REST: each field follows from its resource. */
import type { Connection } from '../core/connection.ts';
import type { Event } from '../core/event.ts';
import type { Named } from '../core/listener-names.ts';
import { type Held, jsonOf } from './json-of.ts';
import {
  connectionResource,
  eventResource,
  listenerResource,
  statusResource,
} from './resources.ts';

export const listenerJson = jsonOf(listenerResource);
export const statusJson = jsonOf(statusResource);
export const connectionJson: (connection: Named<Connection>) => string = jsonOf(connectionResource);
const heldEventJson = jsonOf(eventResource);

/** The name is its listener's, for what is no listener. */
export function eventJson(event: Event, listenerName: string | null): string {
  return heldEventJson(named(event, listenerName));
}

function named(event: Event, listenerName: string | null): Held<typeof eventResource> {
  if ('listener' in event) return event;
  if ('refusal' in event) return { ...event, refusal: { ...event.refusal, listenerName } };
  const connection = { ...event.connection, listenerName };
  return { ...event, connectionId: connection.id, connection };
}
