/** The streams of events that are open: bounded in number, each seen where it stands, all ended at a stop. */
import type { Caller } from './caller.ts';
import { AppError } from './errors.ts';
import type { EventLog } from './event-log.ts';
import { follow } from './follow.ts';
import { type FollowAsk, streamFilter } from './labelled-listeners.ts';
import type { ListenerNames, NamedStreamItem } from './listener-names.ts';
import type { ProjectRef } from './project.ts';
import type { Projects } from './projects.ts';
import type { Store } from './store.ts';

/** Where a stream stands, and in which log, for the metrics. */
export interface Follower {
  readonly log: { readonly headSeq: number };
  readonly seq: number;
}

interface EventStreamsOptions {
  readonly store: Pick<Store, 'of'>;
  readonly eventLog: EventLog;
  readonly projects: Projects;
  /** Those of the project's listeners. */
  readonly names: (project: ProjectRef) => ListenerNames;
  readonly limits: {
    readonly pageEventsMax: number;
    readonly labelledListenersMax: number;
    readonly followersMax: number;
  };
}

export class EventStreams {
  readonly #options: EventStreamsOptions;
  readonly #followers = new Set<Follower & { seq: number }>();
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
    const { eventLog, projects, names, limits } = this.#options;
    if (this.#followers.size >= limits.followersMax) throw tooMany(limits.followersMax);
    const project = await projects.of(caller);
    const log = eventLog.of(project);
    using _held = log.hold();
    const follower = { log, seq: log.headSeq };
    this.#followers.add(follower);
    try {
      const signal = AbortSignal.any([caller.signal, this.#stop.signal]);
      const onSeq = (seq: number) => {
        follower.seq = seq;
      };
      const { pageEventsMax, labelledListenersMax } = limits;
      const store = this.#options.store.of(project);
      const chosen = await streamFilter(store.listeners, ask.filter, labelledListenersMax);
      const from = { ...ask, ...chosen, signal, log, store };
      yield* names(project).stream(follow({ ...from, pageEventsMax, onSeq }));
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
