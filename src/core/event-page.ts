/** A page of the log as a caller asks for it: of so many events, where the bytes and the time allow. */
import type { Event } from './event.ts';
import type { EventFilter } from './event-filter.ts';
import type { EventLog } from './event-log.ts';
import type { EventPage } from './ports.ts';
import { eventBytes } from './sizes.ts';

interface PageLimits {
  readonly pageEventsMax: number;
  readonly pageBytesMax: number;
  readonly pageFillMs: number;
}

/** Where the filter leaves it short it reads on. @throws cursor_expired, invalid_argument, unavailable */
export async function fillPage(
  log: EventLog,
  asked: { readonly afterSeq: number; readonly limit: number; readonly filter: EventFilter },
  { pageEventsMax, pageBytesMax, pageFillMs }: PageLimits,
): Promise<EventPage> {
  const { afterSeq, limit, filter } = asked;
  const deadline = performance.now() + pageFillMs;
  let page = await log.read(afterSeq, limit, filter);
  const found = [...page.events];
  let room = pageBytesMax - bytesOf(page.events);
  const isShort = () => found.length < limit && room > 0 && page.throughSeq < page.headSeq;
  while (isShort() && performance.now() < deadline) {
    page = await log.read(page.throughSeq, pageEventsMax, filter, room);
    found.push(...page.events);
    room -= bytesOf(page.events);
  }
  const events = found.slice(0, limit);
  const last = found.length > limit ? events.at(-1) : undefined;
  return { ...page, events, throughSeq: last?.seq ?? page.throughSeq };
}

function bytesOf(events: readonly Event[]): number {
  return events.reduce((sum, event) => sum + eventBytes(event), 0);
}
