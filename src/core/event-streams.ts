/** The streams of events that are open: bounded in number, each seen where it stands, all ended at a stop. */
import { bounded } from './bounded-stream.ts';
import type { Caller } from './caller.ts';
import { assertSameLog } from './cursor-errors.ts';
import { AppError, limitReached, ShuttingDown } from './errors.ts';
import type { EventLog } from './event-log.ts';
import { follow } from './follow.ts';
import { type FollowAsk, streamFilter } from './labelled-listeners.ts';
import type { ListenerNames, NamedStreamItem } from './listener-names.ts';
import type { LoopShares } from './loop-shares.ts';
import type { ProjectRef } from './project.ts';
import type { Projects } from './projects.ts';
import { quotaReached } from './quotas.ts';
import type { ProjectStore, Store } from './store.ts';
import { inTurns } from './stream-turns.ts';

/** Where a stream stands, and in which log, for the metrics. */
export interface Follower {
  readonly log: { readonly headSeq: number };
  readonly seq: number;
}

interface OpenFollower extends Follower {
  readonly project: ProjectRef;
  seq: number;
  readonly ending: AbortController;
}

export interface OpenStream extends Disposable {
  readonly project: ProjectRef;
  readonly log: EventLog;
  readonly store: ProjectStore;
  /** Aborts when its caller goes away, and at a stop. */
  readonly signal: AbortSignal;
  /** Told of where it stands. */
  readonly onSeq: (seq: number) => void;
}

export interface StreamLimits {
  /** Events of one page that a follower reads. */
  readonly pageEventsMax: number;
  /** Listeners that a reader may choose by their labels. */
  readonly labelledListenersMax: number;
  /** Streams and waits at once. */
  readonly followersMax: number;
}

interface EventStreamsOptions {
  readonly store: Pick<Store, 'of'>;
  readonly eventLog: EventLog;
  readonly projects: Projects;
  /** Those of the project's listeners. */
  readonly names: (project: ProjectRef) => ListenerNames;
  readonly loop: LoopShares<ProjectRef>;
  readonly limits: StreamLimits;
}

export class EventStreams {
  readonly #options: EventStreamsOptions;
  readonly #followers = new Set<OpenFollower>();
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
    this.#stop.abort(new ShuttingDown());
  }

  /** Ends those of a project that is being deleted. */
  endOf(project: ProjectRef): void {
    const error = new AppError('not_found', 'the project is being deleted');
    for (const one of this.#followers) if (one.project === project) one.ending.abort(error);
  }

  /** A place among them, until it is disposed. @throws resource_exhausted, not_found, unavailable */
  async open(caller: Caller): Promise<OpenStream> {
    const { eventLog, projects, limits } = this.#options;
    const project = await projects.of(caller);
    // Nothing waits from here until it is counted.
    const { followersMax } = limits;
    if (this.#followers.size >= followersMax) {
      throw limitReached('followersMax', followersMax, `at most ${followersMax} streams at once`);
    }
    this.#assertQuota(caller, project);
    const log = eventLog.of(project);
    const held = log.hold();
    const follower = { project, log, seq: log.headSeq, ending: new AbortController() };
    this.#followers.add(follower);
    return {
      ...{ project, log, store: this.#options.store.of(project) },
      signal: AbortSignal.any([caller.signal, this.#stop.signal, follower.ending.signal]),
      onSeq: (seq) => {
        follower.seq = seq;
      },
      [Symbol.dispose]: () => {
        this.#followers.delete(follower);
        held[Symbol.dispose]();
      },
    };
  }

  countOf(project: ProjectRef): number {
    return [...this.#followers].filter((one) => one.project === project).length;
  }

  /** Operators look on whatever a project has. */
  #assertQuota({ actor }: Caller, project: ProjectRef): void {
    const { streams: max } = this.#options.projects.termsOf(project).quotas;
    if (max === null || actor.kind !== 'key') return;
    if (this.countOf(project) >= max) throw quotaReached('streams', max, 'streams at once');
  }

  /** See ControlPlane.followEvents. */
  async *follow(caller: Caller, ask: FollowAsk): AsyncGenerator<NamedStreamItem, void, void> {
    const { names, limits, loop } = this.#options;
    using stream = await this.open(caller);
    const { pageEventsMax, labelledListenersMax } = limits;
    const { project, log, store, signal, onSeq } = stream;
    await assertSameLog(log, ask.log);
    const chosen = await streamFilter(store.listeners, ask.filter, labelledListenersMax);
    using old = loop.oldReads.reader(project);
    const from = { ...ask, ...chosen, log, store, pageEventsMax };
    const items = bounded({
      ...{ signal, maxEvents: ask.maxEvents, timeoutMs: ask.timeoutMs },
      open: (ending, tell) =>
        follow({
          ...from,
          signal: ending,
          readOld: (eventsMax, read) => old.read(eventsMax, read, ending),
          onSeq: (seq) => {
            onSeq(seq);
            tell(seq);
          },
        }),
    });
    yield* inTurns(loop, project, names(project).stream(items, log), old);
    if (!caller.signal.aborted) signal.throwIfAborted();
  }
}
