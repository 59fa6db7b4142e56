/** Where a reader of the log begins. */
import type { EventFilter } from './event-filter.ts';
import type { EventLog } from './event-log.ts';
import type { Log } from './store.ts';
import type { Micros } from './time.ts';

export type StreamStart =
  | { readonly kind: 'after_seq'; readonly seq: number }
  | { readonly kind: 'since'; readonly time: Micros }
  | { readonly kind: 'last'; readonly count: number }
  | { readonly kind: 'from_now' };

export function beginsNow(start: StreamStart): boolean {
  return start.kind === 'from_now' || (start.kind === 'last' && start.count === 0);
}

interface From {
  readonly start: StreamStart;
  readonly filter: EventFilter;
  readonly log: EventLog;
  readonly store: { readonly log: Log };
  readonly signal: AbortSignal;
}

/** @throws cursor_expired, invalid_argument (a start above the head), resource_exhausted (`last`), unavailable */
export async function startSeq({ start, log, store, filter, signal }: From): Promise<number> {
  // The log's oldest event may be gone by the time it is read: before the oldest is 0, whichever that is.
  const kept = async (seq: number) => {
    await log.learn(seq);
    return seq < log.oldestSeq ? 0 : Math.min(seq, log.headSeq);
  };
  if (start.kind === 'after_seq') {
    await log.checkCursor(start.seq);
    return start.seq;
  }
  if (start.kind === 'since') return await kept(await store.log.seqBefore(start.time));
  if (!log.isKnown) await log.known();
  if (start.kind === 'from_now' || start.count === 0) return log.headSeq;
  return await kept(await store.log.seqBeforeNewest(start.count, filter, signal));
}
