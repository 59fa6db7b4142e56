/** How many connections a filter is about in all, where anybody knows: the API pages, and counts only what a listener accepts. */
import type { ListenerView } from '../http/resources.ts';
import type { ConnectionFilter } from './connection-filter.ts';

/** Of all times, whatever of it is on record still; null where nobody has counted. */
export function everAccepted(
  { listener: key, ...rest }: ConnectionFilter,
  listeners: readonly ListenerView[],
): number | null {
  if (key === undefined || Object.keys(rest).length > 0) return null;
  const found = listeners.findLast(({ id, name }) => [id, name].includes(key));
  return found?.totalConnections ?? null;
}
