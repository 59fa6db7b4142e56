/**
 * The one log, as this process sees it. It owns the queue of what is to be committed, the newest committed
 * events in memory, and the followers' wake-ups.
 *
 * - Commit, then publish: nothing is seen that a crash could undo.
 * - Group commit: an idle log commits at once; while a commit is under way the next batch gathers.
 * - A follower owns one number, its seq, and is woken by level: it reads, and waits only at the head.
 * - A batch whose outcome is not known is repeated under its number until the store says that it is done.
 */
import { type Deferred, deferred } from './deferred.ts';
import { AppError, hasCode } from './errors.ts';
import type { Event, EventDraft } from './event.ts';
import { type EventFilter, eventMatcher, everyEvent } from './event-filter.ts';
import { EventRing } from './event-ring.ts';
import type { ListenerSecrets } from './listener.ts';
import type { EventPage, LogBounds, Logger, Store } from './ports.ts';
import type { Counters } from './record.ts';
import { WakeUps } from './wake-ups.ts';

export interface EventLogLimits {
  /** Events of one commit. */
  readonly commitEventsMax: number;
  /** Newest events kept in memory. */
  readonly ringEventsMax: number;
  /** Events of one page that a follower reads. */
  readonly pageEventsMax: number;
  /** Commands that may wait for their commit at once. */
  readonly commandsMax: number;
  /** How long a command waits for its commit. */
  readonly commandTimeoutMs: number;
  readonly retryMinMs: number;
  readonly retryMaxMs: number;
}

interface Entry {
  readonly events: readonly EventDraft[];
  readonly secrets: ReadonlyMap<string, ListenerSecrets>;
  readonly counters: readonly Counters[];
  readonly committed: Deferred<readonly Event[]>;
}

export interface Commit {
  readonly events: readonly EventDraft[];
  readonly durationMs: number;
}

export interface EventLogOptions {
  readonly store: Store;
  readonly log: Logger;
  readonly limits: EventLogLimits;
  /** The writer can never commit again: the process has lost its place and must end. */
  readonly onFatal: (error: unknown) => void;
  readonly onCommit?: (commit: Commit) => void;
}

const noSecrets: ReadonlyMap<string, ListenerSecrets> = new Map();

export class EventLog {
  readonly #options: EventLogOptions;
  readonly #ring: EventRing;
  readonly #wakeUps = new WakeUps();
  readonly #stop = new AbortController();
  #queue: Entry[] = [];
  #commands = 0;
  #running: Promise<void> | null = null;
  #number = 0;
  #headSeq: number;
  #oldestSeq: number;
  #failure: unknown = null;
  #endForeign: () => void;

  private constructor(options: EventLogOptions, bounds: LogBounds) {
    this.#options = options;
    this.#ring = new EventRing(options.limits.ringEventsMax);
    this.#headSeq = bounds.headSeq;
    this.#oldestSeq = bounds.oldestSeq;
    this.#endForeign = options.store.onForeignAppend((headSeq) => this.#advance(headSeq));
  }

  /** Takes this node's place in the log. */
  static async open(options: EventLogOptions): Promise<EventLog> {
    await options.store.takeNode();
    return new EventLog(options, await options.store.readBounds());
  }

  get headSeq(): number {
    return this.#headSeq;
  }

  get oldestSeq(): number {
    return this.#oldestSeq;
  }

  /** Why the last commit failed, while it is being repeated; null when all is well. */
  get failure(): unknown {
    return this.#failure;
  }

  get queuedEvents(): number {
    return this.#queue.reduce((sum, entry) => sum + entry.events.length, 0);
  }

  /** Resolves when all of it is committed and published; waits as long as the store is away. */
  append(
    events: readonly EventDraft[],
    extra: { secrets?: Entry['secrets']; counters?: readonly Counters[] } = {},
  ): Promise<readonly Event[]> {
    const committed = deferred<readonly Event[]>();
    const { secrets = noSecrets, counters = [] } = extra;
    this.#queue.push({ events, secrets, counters, committed });
    this.#running ??= this.#run();
    return committed.promise;
  }

  /**
   * As append, for a caller who waits. When the answer is unavailable and the commit lands all the same,
   * `onLate` undoes it.
   * @throws unavailable when the store is away or too slow
   */
  async appendCommand(
    events: readonly EventDraft[],
    options: { secrets?: Entry['secrets']; onLate?: () => void } = {},
  ): Promise<readonly Event[]> {
    const { commandsMax, commandTimeoutMs } = this.#options.limits;
    if (this.#failure !== null || this.#commands >= commandsMax) throw this.#unavailable();
    this.#commands += 1;
    const commit = this.append(events, options);
    const timeout = deferred<'late'>();
    const timer = setTimeout(() => timeout.resolve('late'), commandTimeoutMs);
    try {
      const outcome = await Promise.race([commit, timeout.promise]);
      if (outcome !== 'late') return outcome;
      this.#giveUp(commit, options.onLate);
      throw this.#unavailable();
    } finally {
      clearTimeout(timer);
      this.#commands -= 1;
    }
  }

  /** Withdraws what has not begun; what has may still land, and is then undone. */
  #giveUp(commit: Promise<readonly Event[]>, onLate: (() => void) | undefined): void {
    const index = this.#queue.findIndex((entry) => entry.committed.promise === commit);
    if (index >= 0) {
      this.#queue.splice(index, 1);
      return;
    }
    commit.then(
      () => onLate?.(),
      (error: unknown) => this.#options.log.error({ err: error }, 'a late commit failed'),
    );
  }

  /** Commits all that is queued, at most for as long as the signal allows; then no more is taken. */
  async drain(signal: AbortSignal): Promise<void> {
    signal.addEventListener('abort', () => this.#stop.abort(), { once: true });
    if (signal.aborted) this.#stop.abort();
    await this.#running;
    this.#stop.abort();
    this.#endForeign();
  }

  async #run(): Promise<void> {
    try {
      while (this.#queue.length > 0) await this.#commit(this.#takeBatch());
    } catch (error) {
      const rest = this.#queue;
      this.#queue = [];
      for (const entry of rest) entry.committed.reject(error);
      if (this.#stop.signal.aborted)
        this.#options.log.error({ err: error }, 'the log was not drained');
      else this.#options.onFatal(error);
    } finally {
      this.#running = null;
    }
  }

  #takeBatch(): readonly Entry[] {
    let events = 0;
    let count = 0;
    for (const entry of this.#queue) {
      events += entry.events.length + entry.counters.length;
      if (count > 0 && events > this.#options.limits.commitEventsMax) break;
      count += 1;
    }
    return this.#queue.splice(0, count);
  }

  async #commit(entries: readonly Entry[]): Promise<void> {
    try {
      const firstSeq = await this.#store(entries);
      this.#number += 1;
      this.#publish(entries, firstSeq);
    } catch (error) {
      if (hasCode(error, 'failed_precondition') || hasCode(error, 'unavailable')) {
        for (const entry of entries) entry.committed.reject(error);
        throw error;
      }
      // The store refused this very content and kept nothing of it: only the entry to blame may fail.
      const [only] = entries;
      if (entries.length === 1) only?.committed.reject(error);
      else for (const entry of entries) await this.#commit([entry]);
    }
  }

  /** Repeats until the store answers. @throws unavailable only once the log is stopped */
  async #store(entries: readonly Entry[]): Promise<number> {
    const { store, log, limits } = this.#options;
    const append = {
      number: this.#number + 1,
      events: entries.flatMap((entry) => entry.events),
      secrets: new Map(entries.flatMap((entry) => [...entry.secrets])),
      counters: entries.flatMap((entry) => entry.counters),
    };
    for (let delayMs = limits.retryMinMs; ; delayMs = Math.min(delayMs * 2, limits.retryMaxMs)) {
      const begun = performance.now();
      try {
        const { firstSeq } = await store.append(append);
        if (this.#failure !== null) log.info({}, 'the store is back');
        this.#failure = null;
        const durationMs = performance.now() - begun;
        this.#options.onCommit?.({ events: append.events, durationMs });
        return firstSeq;
      } catch (error) {
        if (!hasCode(error, 'unavailable') || this.#stop.signal.aborted) throw error;
        if (this.#failure === null) log.warn({ err: error }, 'the store is away; trying again');
        this.#failure = error;
        await this.#wakeUps.sleep(delayMs, this.#stop.signal);
      }
    }
  }

  #publish(entries: readonly Entry[], firstSeq: number): void {
    let seq = firstSeq;
    const batches = entries.map((entry) => entry.events.map((draft) => ({ ...draft, seq: seq++ })));
    this.#ring.push(firstSeq, batches.flat());
    this.#advance(seq - 1);
    entries.forEach((entry, index) => {
      entry.committed.resolve(batches[index] ?? []);
    });
  }

  #advance(headSeq: number): void {
    if (headSeq <= this.#headSeq) return;
    this.#headSeq = headSeq;
    this.#wakeUps.wakeAll();
  }

  /** Purging moved the oldest event. */
  expire(oldestSeq: number): void {
    this.#oldestSeq = Math.max(this.#oldestSeq, oldestSeq);
  }

  /**
   * Matching events after the seq, from memory where they are there.
   * @throws cursor_expired, unavailable
   */
  async read(
    afterSeq: number,
    limit: number,
    filter: EventFilter = everyEvent,
  ): Promise<EventPage> {
    this.checkCursor(afterSeq);
    const bounds = { headSeq: this.#headSeq, oldestSeq: this.#oldestSeq };
    if (afterSeq >= bounds.headSeq) return { ...bounds, events: [], throughSeq: afterSeq };
    const recent = this.#ring.after(afterSeq, limit);
    if (recent !== null) {
      const throughSeq = recent.at(-1)?.seq ?? afterSeq;
      return { ...bounds, events: recent.filter(eventMatcher(filter)), throughSeq };
    }
    const page = await this.#options.store.readEvents({ afterSeq, limit, filter });
    this.expire(page.oldestSeq);
    // The purge may have passed the reader while it read.
    if (afterSeq !== 0) this.checkCursor(afterSeq);
    return page;
  }

  /** @throws cursor_expired below the log, invalid_argument above its head */
  checkCursor(afterSeq: number): void {
    if (afterSeq > this.#headSeq) {
      throw new AppError('invalid_argument', `afterSeq: the newest event is ${this.#headSeq}`, {
        errors: [{ path: 'afterSeq', message: `is above the newest event, ${this.#headSeq}` }],
        headSeq: this.#headSeq,
      });
    }
    if (afterSeq !== 0 && afterSeq < this.#oldestSeq - 1) {
      throw new AppError('cursor_expired', `the oldest event kept is ${this.#oldestSeq}`, {
        oldestSeq: this.#oldestSeq,
      });
    }
  }

  /** Resolves when the head may have moved past the seq, the time is over or the signal aborts. */
  async changed(seq: number, timeoutMs: number, signal: AbortSignal): Promise<void> {
    if (this.#headSeq > seq) return;
    await this.#wakeUps.sleep(timeoutMs, signal);
  }

  #unavailable(): AppError {
    return new AppError('unavailable', 'the store is away', {
      retryAfterMs: this.#options.limits.retryMaxMs,
      cause: this.#failure,
    });
  }
}
