/** How busy the listeners are: what each has accepted in the last minute of the log. */
import type { EventView } from '../http/resources.ts';

const minuteMs = 60_000;

/** By the time of the newest event, since the clock of a browser is its own. Events are in seq order. */
export function acceptedLastMinute(events: readonly EventView[]): Map<string, number> {
  const rates = new Map<string, number>();
  const newest = events.at(-1);
  if (newest === undefined) return rates;
  // Times in one form are in the order of their letters, which is cheaper to see than what they say.
  const since = new Date(Date.parse(newest.time) - minuteMs).toISOString().slice(0, -1);
  for (let at = events.length - 1; at >= 0; at--) {
    const event = events[at];
    if (event === undefined || event.time < since) break;
    if (event.type !== 'connection_opened' || event.listenerId === undefined) continue;
    rates.set(event.listenerId, (rates.get(event.listenerId) ?? 0) + 1);
  }
  return rates;
}
