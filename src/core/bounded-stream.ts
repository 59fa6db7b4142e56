/** A stream that ends by itself: after so many events, or so much time, whichever is first, and says so. */
import type { StreamItem } from './follow.ts';

export interface StreamBounds {
  readonly maxEvents?: number | undefined;
  readonly timeoutMs?: number | undefined;
}

interface BoundedStream extends StreamBounds {
  readonly signal: AbortSignal;
  /** The whole stream, until the signal aborts; it tells where it stands. */
  readonly open: (
    signal: AbortSignal,
    onSeq: (seq: number) => void,
  ) => AsyncGenerator<StreamItem, void, void>;
}

export async function* bounded(options: BoundedStream): AsyncGenerator<StreamItem, void, void> {
  const { signal, open, maxEvents, timeoutMs } = options;
  const late = new AbortController();
  const timer = timeoutMs === undefined ? undefined : setTimeout(() => late.abort(), timeoutMs);
  let left = maxEvents ?? Number.POSITIVE_INFINITY;
  let seq = 0;
  const onSeq = (now: number) => {
    seq = now;
  };
  try {
    for await (const item of open(AbortSignal.any([signal, late.signal]), onSeq)) {
      if (item.kind !== 'events' || item.events.length < left) {
        if (item.kind === 'events') left -= item.events.length;
        yield item;
        continue;
      }
      const events = item.events.slice(0, left);
      const last = events.at(-1)?.seq ?? item.seq;
      yield { kind: 'events', seq: last, events };
      yield { kind: 'ended', seq: last, why: 'max_events' };
      return;
    }
    if (late.signal.aborted && !signal.aborted) yield { kind: 'ended', seq, why: 'timeout' };
  } finally {
    clearTimeout(timer);
  }
}
