/** Core's things as the JSON of REST: each field follows from its resource. */
import type { Connection } from '../core/connection.ts';
import type { Event } from '../core/event.ts';
import type { Named } from '../core/listener-names.ts';
import type { Seen, Waited } from '../core/waits.ts';
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

/** The answer of a wait that is met: its items under their name. */
export function metJson<Item>(
  name: string,
  { count, seq, log, items }: Waited<Item>,
  json: (item: Item) => string,
): string {
  const at = `"seq":${seq},"log":${JSON.stringify(log)}`;
  return `{"met":true,"count":${count},${at},"${name}":[${items.map(json).join()}]}`;
}

/** What a wait saw instead of what it waited for, as members of its problem. */
export function seenView({ kind, ...seen }: Seen) {
  const view = (item: Named<Connection> | Named<Event>): object =>
    JSON.parse('seq' in item ? eventJson(item, item.listenerName) : connectionJson(item));
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
