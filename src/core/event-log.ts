/**
 * The one log, as this process sees it. It owns the queue of what is to be committed, the newest committed
 * events in memory, and the followers' wake-ups.
 *
 * - Commit, then publish: nothing is seen that a crash could undo.
 * - A follower owns one number, its seq, and is woken by level: it reads, and waits only at the head.
 */
import { AppendQueue, type AppendQueueLimits, type AppendQueueOptions } from './append-queue.ts';
import { AppError, hasCode } from './errors.ts';
import type { Event, EventDraft } from './event.ts';
import { type EventFilter, type EventSelection, everySelection } from './event-filter.ts';
import { EventRing } from './event-ring.ts';
import { type AppendExtra, type Entry, makeEntry } from './log-entry.ts';
import type { EventPage, LogBounds, Store } from './store.ts';
import { WakeUps } from './wake-ups.ts';

export interface EventLogLimits extends AppendQueueLimits {
  /** Newest events kept in memory. */
  readonly ringEventsMax: number;
  /** Bytes of them. */
  readonly ringBytesMax: number;
  /** Events of one page that a follower reads. */
  readonly pageEventsMax: number;
  /** A page ends with the event with which it holds so many. */
  readonly pageBytesMax: number;
  /** Commands that may wait for their commit at once. */
  readonly commandsMax: number;
  /** And the bytes of what they would have committed, about. */
  readonly commandsBytesMax: number;
  /** How long a command waits for its commit. */
  readonly commandTimeoutMs: number;
}

export interface EventLogOptions extends Omit<AppendQueueOptions, 'limits' | 'publish'> {
  readonly store: Pick<Store, 'log' | 'foreignAppends'>;
  readonly limits: EventLogLimits;
}

export class EventLog {
  readonly #options: EventLogOptions;
  readonly #queue: AppendQueue;
  readonly #ring: EventRing;
  readonly #wakeUps = new WakeUps();
  #commands = 0;
  #headSeq: number;
  #oldestSeq: number;
  #endForeign: () => void;

  private constructor(options: EventLogOptions, bounds: LogBounds) {
    this.#options = options;
    const { ringEventsMax: eventsMax, ringBytesMax: bytesMax } = options.limits;
    this.#ring = new EventRing({ eventsMax, bytesMax });
    this.#headSeq = bounds.headSeq;
    this.#oldestSeq = bounds.oldestSeq;
    const publish = (firstSeq: number, events: readonly Event[]) => {
      this.#ring.push(firstSeq, events);
      this.#advance(firstSeq + events.length - 1);
    };
    this.#queue = new AppendQueue({ ...options, publish });
    this.#endForeign = options.store.foreignAppends.on((headSeq) => this.#advance(headSeq));
  }

  static async open(options: EventLogOptions): Promise<EventLog> {
    return new EventLog(options, await options.store.log.readBounds());
  }

  get headSeq(): number {
    return this.#headSeq;
  }

  get oldestSeq(): number {
    return this.#oldestSeq;
  }

  /** Why the last commit failed, while it is being repeated; null when all is well. */
  get failure(): unknown {
    return this.#queue.failure;
  }

  get queuedEvents(): number {
    return this.#queue.queuedEvents;
  }

  /** How long the oldest of what is to be committed has waited; 0 when nothing does. */
  get waitingMs(): number {
    return this.#queue.waitingMs;
  }

  /** Records that the store refused, and that were left out. */
  get refusedRecords(): number {
    return this.#queue.refusedRecords;
  }

  /**
   * Resolves when all of it is committed and published; waits as long as the store is away.
   * @throws unavailable once the log is drained
   */
  append(events: readonly EventDraft[], extra: AppendExtra = {}): Promise<readonly Event[]> {
    const entry = makeEntry(events, extra);
    this.#queue.add(entry);
    return entry.committed.promise;
  }

  /**
   * As append, for a caller who waits. When the answer is unavailable and the commit lands all the same,
   * `onLate` undoes it.
   * @throws unavailable when the store is away or too slow
   * @throws resource_exhausted when it is larger than a commit may be
   */
  async appendCommand(
    events: readonly EventDraft[],
    { onLate, ...extra }: Pick<AppendExtra, 'secrets'> & { readonly onLate?: () => void } = {},
  ): Promise<readonly Event[]> {
    const { commandsMax, commandsBytesMax } = this.#options.limits;
    if (this.failure !== null || this.#commands >= commandsMax) throw this.#unavailable();
    const entry = makeEntry(events, extra);
    this.#assertCommittable(entry);
    if (this.#queue.queuedBytes + entry.bytes > commandsBytesMax) throw this.#unavailable();
    this.#commands += 1;
    this.#queue.add(entry);
    const giveUp = () => {
      if (!this.#queue.giveUp(entry)) this.#undoLate(entry, onLate);
    };
    try {
      return await this.inTime(entry.committed.promise, giveUp);
    } finally {
      this.#commands -= 1;
    }
  }

  /**
   * What waits for a commit, for a caller who waits only as long as for a command.
   * @throws unavailable when it takes longer; it may still come
   */
  async inTime<Result>(commit: Promise<Result>, giveUp?: () => void): Promise<Result> {
    const timeout = Promise.withResolvers<'late'>();
    const { commandTimeoutMs } = this.#options.limits;
    const timer = setTimeout(() => timeout.resolve('late'), commandTimeoutMs);
    try {
      const outcome = await Promise.race([commit, timeout.promise]);
      if (outcome !== 'late') return outcome;
      giveUp?.();
      throw this.#unavailable();
    } finally {
      clearTimeout(timer);
    }
  }

  /** What is larger could take longer than a commit may, and hold up all that comes after it. */
  #assertCommittable({ bytes }: Entry): void {
    const { commitBytesMax } = this.#options.limits;
    if (bytes <= commitBytesMax) return;
    const message = `it takes ${bytes} bytes on record, and one change at most ${commitBytesMax}`;
    const limit = { limit: 'commitBytesMax', limitValue: commitBytesMax };
    throw new AppError('resource_exhausted', message, limit);
  }

  #undoLate({ committed }: Entry, onLate: (() => void) | undefined): void {
    committed.promise.then(
      () => onLate?.(),
      (error: unknown) => {
        if (!hasCode(error, 'unavailable')) {
          this.#options.log.error({ err: error }, 'a late commit failed');
        }
      },
    );
  }

  /** At a stop: what the store does not take until the signal is given up, so that the rest can end in order. */
  endBy(signal: AbortSignal): void {
    this.#queue.endBy(signal);
  }

  /** Commits all that is queued, at most for as long as the signal allows; then no more is taken. */
  async drain(signal: AbortSignal): Promise<void> {
    await this.#queue.drain(signal);
    this.#endForeign();
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
   * Matching events after the seq, from memory where they are there; after 0 is from the oldest on.
   * @throws cursor_expired, invalid_argument, unavailable
   */
  async read(
    afterSeq: number,
    limit: number,
    { filter, matches }: EventSelection = everySelection,
    bytesMax = this.#options.limits.pageBytesMax,
  ): Promise<EventPage> {
    await this.checkCursor(afterSeq);
    const bounds = { headSeq: this.#headSeq, oldestSeq: this.#oldestSeq };
    // Memory may still hold what the purge took.
    const seq = Math.max(afterSeq, bounds.oldestSeq - 1);
    if (seq >= bounds.headSeq) return { ...bounds, events: [], throughSeq: seq };
    const recent = this.#ring.after(seq, limit, bytesMax);
    if (recent !== null) {
      const throughSeq = recent.at(-1)?.seq ?? seq;
      return { ...bounds, events: recent.filter(matches), throughSeq };
    }
    const { store } = this.#options;
    const page = await store.log.read({ afterSeq: seq, limit, bytesMax, filter });
    this.#observe(page);
    // The purge may have passed the reader while it read.
    this.#assertKept(afterSeq);
    return page;
  }

  /** Matching events before the seq, newest first; nothing where the log is gone from there down. @throws unavailable */
  async readBack(
    beforeSeq: number,
    limit: number,
    filter: EventFilter,
    bytesMax = this.#options.limits.pageBytesMax,
  ): Promise<EventPage> {
    const { store } = this.#options;
    const page = await store.log.readBack({ beforeSeq, limit, bytesMax, filter });
    this.#observe(page);
    return page;
  }

  /** @throws cursor_expired below the log, invalid_argument above its head, unavailable */
  async checkCursor(afterSeq: number): Promise<void> {
    await this.learn(afterSeq);
    if (afterSeq > this.#headSeq) {
      throw new AppError('invalid_argument', `afterSeq: the newest event is ${this.#headSeq}`, {
        errors: [{ path: 'afterSeq', message: `is above the newest event, ${this.#headSeq}` }],
        headSeq: this.#headSeq,
      });
    }
    this.#assertKept(afterSeq);
  }

  /** Another node may have appended what this one has not heard of yet. @throws unavailable */
  async learn(seq: number): Promise<void> {
    if (seq > this.#headSeq) this.#observe(await this.#options.store.log.readBounds());
  }

  #assertKept(afterSeq: number): void {
    if (afterSeq === 0 || afterSeq >= this.#oldestSeq - 1) return;
    throw new AppError('cursor_expired', `the oldest event kept is ${this.#oldestSeq}`, {
      oldestSeq: this.#oldestSeq,
    });
  }

  /** The store's own bounds, which may be ahead of what was told of them. */
  #observe({ headSeq, oldestSeq }: LogBounds): void {
    this.expire(oldestSeq);
    this.#advance(headSeq);
  }

  /** Resolves when the head may have moved past the seq, the time is over or the signal aborts. */
  async changed(seq: number, timeoutMs: number, signal: AbortSignal): Promise<void> {
    if (this.#headSeq > seq) return;
    await this.#wakeUps.sleep(timeoutMs, signal);
  }

  #unavailable(): AppError {
    return new AppError('unavailable', 'the store is away', {
      retryAfterMs: this.#options.limits.retryMaxMs,
      cause: this.failure,
    });
  }
}
