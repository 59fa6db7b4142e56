/** Pages of the log as a caller asks for them: of so many events, where the bytes and the time allow. */
import { assertSameLog } from './cursor-errors.ts';
import { invalidField } from './errors.ts';
import type { Event } from './event.ts';
import { type EventFilter, selectionOf } from './event-filter.ts';
import type { EventLog } from './event-log.ts';
import { type Page, type PageAsk, pageKey, pageToken } from './page.ts';
import { eventBytes } from './sizes.ts';
import type { EventPage, Log } from './store.ts';
import { startSeq } from './stream-start.ts';

/** By seq. */
export const eventOrders = ['asc', 'desc'] as const;

/** Where the pages begin: without any, at the oldest event, or for `desc` at the newest. */
export interface EventStart {
  readonly order: (typeof eventOrders)[number];
  /** Exclusive. For `asc`, instead of `last`. */
  readonly afterSeq: number | null;
  /** With the newest so many that match. For `asc`. */
  readonly last: number | null;
}

/** A page, and the log that it is of. */
export type LogPage<Item> = Page<Item> & { readonly log: string };

export interface EventPageLimits {
  /** Of one read of the log. */
  readonly pageEventsMax: number;
  /** A page ends with the item with which it holds so many. */
  readonly pageBytesMax: number;
  /** How long a page of events may read on for what its filter wants. */
  readonly pageFillMs: number;
}

interface EventPageAsk extends PageAsk, EventStart {
  readonly filter: EventFilter;
  /** What a token is bound to: all that was asked for, in the words of the caller. */
  readonly query: object;
  readonly log: EventLog;
  readonly store: { readonly log: Log };
  readonly limits: EventPageLimits;
  readonly signal: AbortSignal;
}

/** @throws cursor_expired, invalid_argument, unavailable */
export async function readEventPage(ask: EventPageAsk): Promise<LogPage<Event>> {
  const { order, query, log, filter } = ask;
  const from = (await keySeq(pageKey(ask.pageToken, query), log)) ?? (await firstSeq(ask));
  const selection = selectionOf(filter);
  const page = await fillPage(
    order === 'asc'
      ? {
          from,
          read: (seq, limit, bytesMax) => log.read(seq, limit, selection, bytesMax),
          hasMore: ({ throughSeq, headSeq }) => throughSeq < headSeq,
        }
      : {
          from,
          read: (seq, limit, bytesMax) => log.readBack(seq, limit, filter, bytesMax),
          hasMore: ({ throughSeq, oldestSeq }) => throughSeq > oldestSeq,
        },
    ask,
  );
  const nextPageToken = page.hasMore ? pageToken(`${page.throughSeq}@${log.id}`, query) : null;
  return { items: page.events, nextPageToken, log: log.id };
}

/** An id is a key, too, of other lists. */
async function keySeq(key: string | null, log: EventLog): Promise<number | null> {
  if (key === null) return null;
  const [, seq, logId = null] = /^(\d{1,16})@(.+)$/.exec(key) ?? [];
  if (seq === undefined) throw invalidField('pageToken', 'is not a token of this API');
  await assertSameLog(log, logId);
  return Number(seq);
}

async function firstSeq(ask: EventPageAsk): Promise<number> {
  const { order, afterSeq, last: count } = ask;
  if (order === 'desc') return Number.MAX_SAFE_INTEGER;
  return count === null
    ? (afterSeq ?? 0)
    : await startSeq({ ...ask, start: { kind: 'last', count } });
}

interface Direction {
  readonly from: number;
  readonly read: (from: number, limit: number, bytesMax: number) => Promise<EventPage>;
  readonly hasMore: (page: EventPage) => boolean;
}

/** Where the filter leaves it short it reads on. */
async function fillPage(
  { from, read, hasMore }: Direction,
  { pageSize, limits, signal }: Pick<EventPageAsk, 'pageSize' | 'limits' | 'signal'>,
) {
  const { pageEventsMax, pageBytesMax, pageFillMs } = limits;
  const deadline = performance.now() + pageFillMs;
  let page = await read(from, pageSize, pageBytesMax);
  const found = [...page.events];
  let room = pageBytesMax - bytesOf(page.events);
  const isShort = () => found.length < pageSize && room > 0 && hasMore(page);
  while (isShort() && performance.now() < deadline) {
    signal.throwIfAborted();
    page = await read(page.throughSeq, pageEventsMax, room);
    found.push(...page.events);
    room -= bytesOf(page.events);
  }
  const events = found.slice(0, pageSize);
  const last = found.length > pageSize ? events.at(-1) : undefined;
  const throughSeq = last?.seq ?? page.throughSeq;
  return { events, throughSeq, hasMore: last !== undefined || hasMore(page) };
}

function bytesOf(events: readonly Event[]): number {
  return events.reduce((sum, event) => sum + eventBytes(event), 0);
}
