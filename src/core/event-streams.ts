/** The streams of events that are open: bounded in number, each seen where it stands, all ended at a stop. */
import type { Caller } from './caller.ts';
import { AppError } from './errors.ts';
import type { EventLog } from './event-log.ts';
import { follow } from './follow.ts';
import { type FollowAsk, streamFilter } from './labelled-listeners.ts';
import type { ListenerNames, NamedStreamItem } from './listener-names.ts';
import type { Store } from './store.ts';

/** Where a stream stands, for the metrics. */
export interface Follower {
  readonly seq: number;
}

interface EventStreamsOptions {
  readonly store: Pick<Store, 'log' | 'listeners'>;
  readonly eventLog: EventLog;
  readonly names: ListenerNames;
  readonly limits: {
    readonly pageEventsMax: number;
    readonly labelledListenersMax: number;
    readonly followersMax: number;
  };
}

export class EventStreams {
  readonly #options: EventStreamsOptions;
  readonly #followers = new Set<{ seq: number }>();
  readonly #stop = new AbortController();

  constructor(options: EventStreamsOptions) {
    this.#options = options;
  }

  get followers(): readonly Follower[] {
    return [...this.#followers];
  }

  get isEnded(): boolean {
    return this.#stop.signal.aborted;
  }

  /** Ends every stream. */
  end(): void {
    this.#stop.abort();
  }

  /** See ControlPlane.followEvents. */
  async *follow(caller: Caller, ask: FollowAsk): AsyncGenerator<NamedStreamItem, void, void> {
    const { eventLog, store, names, limits } = this.#options;
    if (this.#followers.size >= limits.followersMax) throw tooMany(limits.followersMax);
    const follower = { seq: eventLog.headSeq };
    this.#followers.add(follower);
    try {
      const signal = AbortSignal.any([caller.signal, this.#stop.signal]);
      const onSeq = (seq: number) => {
        follower.seq = seq;
      };
      const { pageEventsMax, labelledListenersMax } = limits;
      const chosen = await streamFilter(store.listeners, ask.filter, labelledListenersMax);
      const from = { ...ask, ...chosen, signal, log: eventLog, store };
      yield* names.stream(follow({ ...from, pageEventsMax, onSeq }));
    } finally {
      this.#followers.delete(follower);
    }
    if (this.isEnded && !caller.signal.aborted) {
      throw new AppError('unavailable', 'shutting down: resume from the last seq', {
        retryAfterMs: 1000,
      });
    }
  }
}

function tooMany(followersMax: number): AppError {
  return new AppError('resource_exhausted', `at most ${followersMax} streams at once`, {
    limit: 'followersMax',
    limitValue: followersMax,
  });
}
