/** What core holds becomes what REST shows here, and nowhere else. */
import type { Connection } from '../core/connection.ts';
import type { Event } from '../core/event.ts';
import type { Named } from '../core/listener-names.ts';
import type { Seen } from '../core/waits.ts';
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

/** What a wait saw instead of what it waited for. */
export function seenView({ kind, ...seen }: Seen) {
  const view = (item: Named<Connection> | Named<Event>) =>
    'seq' in item ? eventView(item, item.listenerName) : connectionView(item, item.listenerName);
  return {
    [kind]: seen.items.map(view),
    near: seen.near.map(({ item, differs }) => ({ ...view(item), differs })),
  };
}

function named(event: Event, listenerName: string | null): Held<typeof eventResource> {
  if ('listener' in event) return event;
  if ('refusal' in event) return { ...event, refusal: { ...event.refusal, listenerName } };
  const connection = { ...event.connection, listenerName };
  return { ...event, connectionId: connection.id, connection };
}
