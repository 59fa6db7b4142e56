/** A stream of the log: what was, from a start; then what comes, as long as its reader wants. */
import type { Event } from './event.ts';
import { type EventFilter, everySelection, selectionOf } from './event-filter.ts';
import type { EventLog } from './event-log.ts';
import type { EventPage, Log } from './store.ts';
import { beginsNow, type StreamStart, startSeq } from './stream-start.ts';

export interface FollowRequest {
  readonly start: StreamStart;
  readonly filter: EventFilter;
  /** End when all that was committed at the start has been sent. */
  readonly endAtHead: boolean;
  readonly heartbeatMs: number;
  readonly signal: AbortSignal;
}

/** `seq` is where the stream now stands: resume from there. */
export type StreamItem =
  | { readonly kind: 'events'; readonly seq: number; readonly events: readonly Event[] }
  /** Once: after the backlog, before the first live event. */
  | { readonly kind: 'synced'; readonly seq: number }
  /** Nothing else was sent for a while; its seq moves past events that the filter left out. */
  | { readonly kind: 'heartbeat'; readonly seq: number }
  /** The last, of a stream that its caller has bounded. */
  | { readonly kind: 'ended'; readonly seq: number; readonly why: StreamEnd };

export const streamEnds = ['max_events', 'timeout'] as const;
export type StreamEnd = (typeof streamEnds)[number];

/** What comes of listeners by their labels: `filter` is of those that are there, who then comes is `listeners`'. */
export interface Watch {
  readonly filter: EventFilter;
  readonly listeners: { matches(event: Event): boolean };
}

/** Of so many events at most, by that which reads them. */
type Read = (
  eventsMax: number,
  read: (eventsMax: number) => Promise<EventPage>,
) => Promise<EventPage>;

interface Follow extends FollowRequest {
  readonly log: EventLog;
  readonly store: { readonly log: Log };
  readonly pageEventsMax: number;
  /** How events of before the stream are read; absent: as those that come. */
  readonly readOld?: Read;
  /** For labels: who carries them when it is asked. */
  readonly watch?: (() => Promise<Watch>) | undefined;
  /** Told of every step, so that a follower's lag can be seen. */
  readonly onSeq?: (seq: number) => void;
}

/**
 * Ends without an error when the signal aborts.
 * @throws cursor_expired, invalid_argument (a start above the head), resource_exhausted (`last` lies too far back),
 *   unavailable (the store is away while the stream reads from it)
 */
export async function* follow(options: Follow): AsyncGenerator<StreamItem, void, void> {
  const { log, signal, start, heartbeatMs, endAtHead } = options;
  const { readOld = (eventsMax, read) => read(eventsMax) } = options;
  let seq = await startSeq(options);
  options.onSeq?.(seq);
  // After the start was found: what comes meanwhile is behind it.
  if (endAtHead && !beginsNow(start)) await log.learn();
  const backlogEnd = beginsNow(start) ? seq : log.headSeq;
  // A listener that comes after that is seen to come.
  const watch = await options.watch?.();
  const selection = selectionOf(watch?.filter ?? options.filter);
  using following = new DisposableStack();
  let isSynced = false;
  let silentSince = performance.now();
  while (!signal.aborted) {
    if (!isSynced && seq >= backlogEnd) {
      isSynced = true;
      yield { kind: 'synced', seq };
      if (endAtHead) return;
      following.use(log.followed());
      silentSince = performance.now();
    }
    const room = isSynced ? options.pageEventsMax : backlogEnd - seq;
    const wanted = isSynced && watch !== undefined ? everySelection : selection;
    const read = (eventsMax: number) => log.read(seq, eventsMax, wanted);
    const eventsMax = Math.min(options.pageEventsMax, room);
    const reading = isSynced ? read(eventsMax) : readOld(eventsMax, read);
    const page = await reading.catch((error: unknown) => {
      if (!signal.aborted) throw error;
      return null;
    });
    if (page === null) return;
    // A filtered page reads past the backlog's end; what is live comes after `synced`, in its own page.
    const throughSeq = isSynced ? page.throughSeq : Math.min(page.throughSeq, backlogEnd);
    const isOurs = (event: Event) =>
      isSynced ? (watch?.listeners.matches(event) ?? true) : event.seq <= backlogEnd;
    const events = page.events.filter(isOurs);
    const hasMoved = throughSeq > seq;
    seq = throughSeq;
    options.onSeq?.(seq);
    if (events.length > 0) {
      yield { kind: 'events', seq, events };
      silentSince = performance.now();
      continue;
    }
    const silentMs = performance.now() - silentSince;
    if (silentMs >= heartbeatMs) {
      yield { kind: 'heartbeat', seq };
      silentSince = performance.now();
    } else if (!hasMoved && isSynced) {
      await log.changed(seq, heartbeatMs - silentMs, signal);
    }
  }
}
