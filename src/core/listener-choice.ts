/** Which listeners a reader of connections or events wants, as it names them; resolved to ids once, as it starts. */
import type { ConnectionQuery, ListenerDirectory } from './directories.ts';
import { AppError, limitReached } from './errors.ts';
import type { EventFilter } from './event-filter.ts';

export interface ListenerChoice {
  /** Ids or names, any of them; a name is who has it now, else the newest closed one. None: all listeners. */
  readonly listeners: readonly string[];
  /** Of these, those that carry all of the labels, now or at their end. */
  readonly labels: Readonly<Record<string, string>>;
}

export type ConnectionAsk = Omit<ConnectionQuery, 'listenerIds'> & ListenerChoice;
export type EventAsk = EventFilter & ListenerChoice;

export type ListenerLookup = Pick<ListenerDirectory, 'findIds' | 'findLabelledIds'>;

/**
 * The ids; null: of all listeners.
 * @throws not_found for an id or a name of none, resource_exhausted when too many carry the labels, unavailable
 */
export async function chooseListeners(
  directory: ListenerLookup,
  { listeners, labels }: ListenerChoice,
  labelledMax: number,
): Promise<readonly string[] | null> {
  const named = await idsOf(directory, listeners);
  return hasLabels({ labels }) ? await labelledIds(directory, labels, named, labelledMax) : named;
}

/** As chooseListeners; with the labels left out as `named`, for who watches for them. */
export async function chooseEvents(
  directory: ListenerLookup,
  { listeners, labels, ...filter }: EventAsk,
  labelledMax: number,
): Promise<{ readonly filter: EventFilter; readonly named: EventFilter }> {
  const named = ofListeners(filter, await idsOf(directory, listeners));
  if (!hasLabels({ labels })) return { filter: named, named };
  const among = named.listenerIds.length === 0 ? null : named.listenerIds;
  return {
    filter: ofListeners(named, await labelledIds(directory, labels, among, labelledMax)),
    named,
  };
}

export function hasLabels({ labels }: Pick<ListenerChoice, 'labels'>): boolean {
  return Object.keys(labels).length > 0;
}

export function carries(
  listener: Pick<ListenerChoice, 'labels'>,
  labels: ListenerChoice['labels'],
): boolean {
  return Object.entries(labels).every(([key, value]) => listener.labels[key] === value);
}

async function idsOf(
  directory: ListenerLookup,
  idsOrNames: readonly string[],
): Promise<readonly string[] | null> {
  if (idsOrNames.length === 0) return null;
  const ids = await directory.findIds(idsOrNames);
  return idsOrNames.map((one, index) => {
    const id = ids[index] ?? null;
    if (id === null) throw new AppError('not_found', `no listener ${one}`);
    return id;
  });
}

async function labelledIds(
  directory: ListenerLookup,
  labels: ListenerChoice['labels'],
  among: readonly string[] | null,
  labelledMax: number,
): Promise<readonly string[]> {
  const ids = await directory.findLabelledIds({ labels, among, limit: labelledMax + 1 });
  if (ids.length <= labelledMax) return ids;
  const message = `more than ${labelledMax} listeners carry these labels: narrow it by one more`;
  throw limitReached('labelledListenersMax', labelledMax, message);
}

/** No listener has it: an empty list would want all of them. */
export const nobodysId = '00000000-0000-0000-0000-000000000000';

function ofListeners(filter: EventFilter, ids: readonly string[] | null): EventFilter {
  if (ids === null) return filter;
  const wanted = new Set(filter.listenerIds);
  const both = wanted.size === 0 ? ids : ids.filter((id) => wanted.has(id));
  return { ...filter, listenerIds: both.length === 0 ? [nobodysId] : both };
}
