/** Pages of the log as a caller asks for them: of so many events, where the bytes and the time allow. */
import { assertSameLog } from './cursor-errors.ts';
import { hasCode, invalidField } from './errors.ts';
import type { Event } from './event.ts';
import { type EventFilter, isEveryEvent, selectionOf } from './event-filter.ts';
import type { EventLog } from './event-log.ts';
import type { LoopShares } from './loop-shares.ts';
import { type PageAsk, type PageInPieces, pageKey, pageToken } from './page.ts';
import type { ProjectRef } from './project.ts';
import { eventBytes } from './sizes.ts';
import type { EventPage, Log } from './store.ts';
import { startSeq } from './stream-start.ts';
import { whileThere } from './while-there.ts';

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

/** A page, and in the end the log that it is of. */
export type LogPage<Item> = PageInPieces<
  Item,
  { readonly nextPageToken: string | null; readonly log: string }
>;

export interface EventPageLimits {
  /** Of one read of the log. */
  readonly pageEventsMax: number;
  /** A page ends with the item with which it holds so many. */
  readonly pageBytesMax: number;
  /** How long a page of events may take to read what its filter wants. */
  readonly pageFillMs: number;
}

interface EventPageAsk extends PageAsk, EventStart {
  readonly filter: EventFilter;
  /** What a token is bound to: all that was asked for, in the words of the caller. */
  readonly query: object;
  readonly log: EventLog;
  readonly store: { readonly log: Log };
  readonly loop: Pick<LoopShares<ProjectRef>, 'readItemsMax'>;
  readonly limits: EventPageLimits;
  readonly signal: AbortSignal;
}

/** @throws cursor_expired, invalid_argument, resource_exhausted, unavailable; the reason of the signal */
export async function* readEventPage(ask: EventPageAsk): LogPage<Event> {
  const { order, query, log, filter } = ask;
  const from = (await keySeq(pageKey(ask.pageToken, query), log)) ?? (await firstSeq(ask));
  // The other way round the store is read in any case. One that is away keeps nobody from what is in memory.
  if (order === 'asc') await log.learn().catch(unlessAway);
  const selection = selectionOf(filter);
  const throughSeq = yield* filledPage(
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
  const nextPageToken = throughSeq === null ? null : pageToken(`${throughSeq}@${log.id}`, query);
  return { nextPageToken, log: log.id };
}

function unlessAway(error: unknown): void {
  if (!hasCode(error, 'unavailable')) throw error;
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

/** Where the filter leaves it short it reads on. Returns through which seq it is, null where nothing is behind that. */
async function* filledPage(
  { from, read, hasMore }: Direction,
  { pageSize, filter, loop, limits, signal }: EventPageAsk,
): AsyncGenerator<readonly Event[], number | null, void> {
  let limit = pageSize;
  let left = pageSize;
  let room = limits.pageBytesMax;
  let readMs = 0;
  for (let seq = from; ; ) {
    const startedAt = performance.now();
    const reading = read(seq, Math.min(limit, loop.readItemsMax), room);
    const page = await whileThere({ signal }, reading).catch((error: unknown) => {
      // What is behind a piece may be gone by the time that it is read: who goes on from there is told.
      if (seq !== from && hasCode(error, 'cursor_expired')) return null;
      throw error;
    });
    if (page === null) return seq;
    readMs += performance.now() - startedAt;
    const events = page.events.slice(0, left);
    yield events;
    seq = events.length < page.events.length ? (events.at(-1)?.seq ?? seq) : page.throughSeq;
    left -= events.length;
    room -= bytesOf(events);
    if (events.length === page.events.length && !hasMore(page)) return null;
    if (left === 0 || room <= 0 || readMs >= limits.pageFillMs) return seq;
    limit = isEveryEvent(filter) ? left : limits.pageEventsMax;
  }
}

function bytesOf(events: readonly Event[]): number {
  return events.reduce((sum, event) => sum + eventBytes(event), 0);
}
