/** Which events a reader wants: OR inside a field, AND between fields; an empty field wants all. */
import { networkSet } from './address.ts';
import type { EventDraft, EventType } from './event.ts';
import type { Protocol } from './listener.ts';

export interface EventFilter {
  readonly listenerIds: readonly string[];
  readonly connectionIds: readonly string[];
  readonly types: readonly EventType[];
  readonly protocols: readonly Protocol[];
  /** Addresses or CIDRs; matches the socket's remote address or the declared one. */
  readonly remoteCidrs: readonly string[];
}

export const everyEvent: EventFilter = {
  listenerIds: [],
  connectionIds: [],
  types: [],
  protocols: [],
  remoteCidrs: [],
};

/** A filter that is ready for use: its sets are built once for all pages of a reader. */
export interface EventSelection {
  readonly filter: EventFilter;
  readonly matches: (event: EventDraft) => boolean;
}

export function selectionOf(filter: EventFilter): EventSelection {
  return { filter, matches: eventMatcher(filter) };
}

export function isEveryEvent(filter: EventFilter): boolean {
  return Object.values(filter).every((values: readonly unknown[]) => values.length === 0);
}

export function eventMatcher(filter: EventFilter): (event: EventDraft) => boolean {
  if (isEveryEvent(filter)) return () => true;
  const listenerIds = new Set(filter.listenerIds);
  const connectionIds = new Set(filter.connectionIds);
  const types = new Set(filter.types);
  const protocols = new Set(filter.protocols);
  const isRemote = networkSet(filter.remoteCidrs);
  return (event) =>
    (listenerIds.size === 0 || listenerIds.has(event.listenerId)) &&
    (connectionIds.size === 0 ||
      ('connection' in event && connectionIds.has(event.connection.id))) &&
    (types.size === 0 || types.has(event.type)) &&
    (protocols.size === 0 || protocols.has(eventProtocol(event))) &&
    (filter.remoteCidrs.length === 0 || eventRemoteIps(event).some(isRemote));
}

/** What an event has of a field, as people read it. */
const has: Readonly<Record<keyof EventFilter, (event: EventDraft) => unknown>> = {
  listenerIds: ({ listenerId }) => listenerId,
  connectionIds: (event) => ('connection' in event ? event.connection.id : null),
  types: ({ type }) => type,
  protocols: eventProtocol,
  remoteCidrs: (event) => eventRemoteIps(event).join(' and ') || null,
};

/** In which fields an event is not what the filter wants, such as `types: connection_opened, not connection_refused`. */
export function eventDiffers(event: EventDraft, filter: EventFilter): readonly string[] {
  const fields = Object.keys(has) as (keyof EventFilter)[];
  return fields
    .filter((field) => !eventMatcher({ ...everyEvent, [field]: filter[field] })(event))
    .map((field) => `${field}: ${has[field](event)}, not ${filter[field].join(' or ')}`);
}

export const everySelection: EventSelection = selectionOf(everyEvent);

function eventProtocol(event: EventDraft): Protocol {
  if ('listener' in event) return event.listener.protocol;
  return 'connection' in event ? event.connection.protocol : event.refusal.protocol;
}

/** The remote addresses that an event is about: the socket's, and the declared one where there is one. */
function eventRemoteIps(event: EventDraft): readonly string[] {
  if ('listener' in event) return [];
  const { raddr, declaredRaddr } =
    'refusal' in event ? { ...event.refusal, declaredRaddr: null } : event.connection;
  return [raddr, declaredRaddr].flatMap((address) => address?.ip ?? []);
}
