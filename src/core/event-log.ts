/**
 * A project's log, as this process sees it: its newest committed events in memory, and its followers' wake-ups. One queue
 * holds what is to be committed of all of them.
 *
 * - Commit, then publish: nothing is seen that a crash could undo.
 * - A follower owns one number, its seq, and is woken by level: it reads, and waits only at the head.
 */
import type { AppendQueueLimits, AppendQueueOptions, Commit } from './append-queue.ts';
import { aboveHead, belowOldest } from './cursor-errors.ts';
import type { Event, EventDraft } from './event.ts';
import { type EventFilter, type EventSelection, everySelection } from './event-filter.ts';
import { EventRing } from './event-ring.ts';
import { KnownLogs } from './known-logs.ts';
import type { LogCommandsLimits } from './log-commands.ts';
import type { AppendExtra } from './log-entry.ts';
import type { LogBounds } from './log-keeping.ts';
import { type Appends, LogWriter, type ProjectAppends } from './log-writer.ts';
import { LogWriters } from './log-writers.ts';
import { defaultProject, type ProjectRef } from './project.ts';
import type { EventPage, Log, Store } from './store.ts';
import { WakeUps } from './wake-ups.ts';
import type { Writer } from './writer.ts';

export interface EventLogLimits extends AppendQueueLimits, LogCommandsLimits {
  /** Newest events kept in memory, of the default project. */
  readonly ringEventsMax: number;
  /** Bytes of them; those of all other projects together hold as much. */
  readonly ringBytesMax: number;
  /** Projects whose logs are known at once, and more only while they are followed. */
  readonly logsMax: number;
  /** Events of one page that a follower reads. */
  readonly pageEventsMax: number;
  /** A page ends with the event with which it holds so many. */
  readonly pageBytesMax: number;
}

export interface EventLogOptions extends Omit<AppendQueueOptions, 'limits' | 'publish'> {
  readonly store: Pick<Store, 'of' | 'foreignAppends'>;
  readonly limits: EventLogLimits;
  /** No other process can append. */
  readonly isAlone?: boolean;
}

/** What the logs of all projects have in common. */
interface Shared {
  readonly options: EventLogOptions;
  readonly writers: LogWriters;
  readonly publish: AppendQueueOptions['publish'];
  readonly logs: KnownLogs<EventLog>;
}

export class EventLog implements Appends, ProjectAppends {
  readonly #project: ProjectRef;
  readonly #shared: Shared;
  readonly #stored: Log;
  readonly #ring: EventRing;
  readonly #wakeUps = new WakeUps();
  #id = '';
  #headSeq = 0;
  #oldestSeq = 1;
  #isKnown = false;
  /** Until its bounds have been read. */
  #reading: Promise<void> | null = null;
  #holders = 0;
  readonly #endForeign: () => void;

  private constructor(shared: Shared, project: ProjectRef) {
    this.#project = project;
    this.#shared = shared;
    const { store, limits } = shared.options;
    this.#stored = store.of(project).log;
    const { ringEventsMax: eventsMax, ringBytesMax, logsMax } = limits;
    const bytesMax = project === defaultProject ? ringBytesMax : ringBytesMax / logsMax;
    this.#ring = new EventRing({ eventsMax, bytesMax });
    this.#endForeign = store.foreignAppends.on(project, (headSeq) => this.#advance(headSeq));
  }

  /** That of the default project, which is always known. */
  static async open(options: EventLogOptions): Promise<EventLog> {
    const logs = new KnownLogs<EventLog>(options.limits.logsMax);
    const publish: AppendQueueOptions['publish'] = (project, firstSeq, events) =>
      logs.find(project)?.publish(firstSeq, events);
    const writers = new LogWriters(new LogWriter({ ...options, publish }));
    const shared: Shared = { options, writers, publish, logs };
    const own = logs.get(defaultProject, () => new EventLog(shared, defaultProject));
    own.hold();
    await own.known();
    return own;
  }

  /** That of another project, written by the same queue. */
  of(project: ProjectRef): EventLog {
    return this.#shared.logs.get(project, () => new EventLog(this.#shared, project));
  }

  /** As long as it is held it hears of each new event. */
  hold(): Disposable {
    this.#holders += 1;
    return {
      [Symbol.dispose]: () => {
        this.#holders -= 1;
      },
    };
  }

  get isHeld(): boolean {
    return this.#holders > 0;
  }

  end(): void {
    this.#endForeign();
  }

  /** Whether its bounds have been read once; from then on it hears how they change. */
  get isKnown(): boolean {
    return this.#isKnown;
  }

  /** Resolves when its bounds are known. @throws not_found where the project has no log, unavailable */
  async known(): Promise<void> {
    this.#reading ??= this.#readBounds().finally(() => {
      this.#reading = null;
    });
    await this.#reading;
  }

  async #readBounds(): Promise<void> {
    if (this.#isKnown) return;
    this.#id = await this.#stored.readId();
    this.#observe(await this.#stored.readBounds());
    this.#isKnown = true;
  }

  /** They are committed. */
  publish(firstSeq: number, events: readonly Event[]): void {
    this.#ring.push(firstSeq, events);
    this.#advance(firstSeq + events.length - 1);
  }

  /** Once it is known. Another one after a restore from a backup: seqs mean something within it only. */
  get id(): string {
    return this.#id;
  }

  get headSeq(): number {
    return this.#headSeq;
  }

  get oldestSeq(): number {
    return this.#oldestSeq;
  }

  /** Of all projects. */
  get writers(): LogWriters {
    return this.#shared.writers;
  }

  /** What appends in another place that this process has, until it leaves: one that is lost is told. */
  writer(writer: Writer, onFatal: (error: unknown) => void): LogWriter {
    const { options, publish, writers } = this.#shared;
    // What comes from another host has gathered on its way.
    const limits = { ...options.limits, gatherMs: 0 };
    return writers.add(new LogWriter({ ...options, limits, writer, onFatal, publish }));
  }

  /** What this process has committed past its queues. */
  committed(commit: Commit): void {
    this.#shared.options.onCommit?.(commit);
  }

  append(events: readonly EventDraft[], extra: AppendExtra = {}): Promise<readonly Event[]> {
    return this.#shared.writers.own.append(this.#project, events, extra);
  }

  async appendCommand(
    events: readonly EventDraft[],
    extra: AppendExtra & { readonly onLate?: () => void } = {},
  ): Promise<readonly Event[]> {
    return await this.#shared.writers.own.appendCommand(this.#project, events, extra);
  }

  async inTime<Result>(commit: (over: AbortSignal) => Promise<Result>): Promise<Result> {
    return await this.#shared.writers.own.inTime(commit);
  }

  /** At a stop: what the store does not take until the signal is given up, so that the rest can end in order. */
  endBy(signal: AbortSignal): void {
    this.#shared.writers.own.queue.endBy(signal);
  }

  /** Commits all that is queued, at most for as long as the signal allows; then no more is taken. */
  async drain(signal: AbortSignal): Promise<void> {
    await this.#shared.writers.own.queue.drain(signal);
    this.#shared.logs.end();
  }

  #advance(headSeq: number): void {
    if (headSeq <= this.#headSeq) return;
    this.#headSeq = headSeq;
    this.#wakeUps.wakeAll();
  }

  /** Purging moved the oldest event of a project's log, which need not be known here. */
  expireOf(project: ProjectRef, oldestSeq: number): void {
    this.#shared.logs.find(project)?.expire(oldestSeq);
  }

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
    bytesMax = this.#shared.options.limits.pageBytesMax,
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
    const page = await this.#stored.read({ afterSeq: seq, limit, bytesMax, filter });
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
    bytesMax = this.#shared.options.limits.pageBytesMax,
  ): Promise<EventPage> {
    const page = await this.#stored.readBack({ beforeSeq, limit, bytesMax, filter });
    this.#observe(page);
    return page;
  }

  /** @throws cursor_expired below the log, invalid_argument above its head, unavailable */
  async checkCursor(afterSeq: number): Promise<void> {
    await this.learn(afterSeq);
    if (afterSeq > this.#headSeq) throw aboveHead(this.#headSeq);
    this.#assertKept(afterSeq);
  }

  /** Up to the seq, or all: others may have appended what this process has not heard of. @throws unavailable */
  async learn(seq = this.#shared.options.isAlone === true ? 0 : Infinity): Promise<void> {
    if (!this.#isKnown) await this.known();
    if (seq > this.#headSeq) this.#observe(await this.#stored.readBounds());
  }

  #assertKept(afterSeq: number): void {
    if (afterSeq === 0 || afterSeq >= this.#oldestSeq - 1) return;
    throw belowOldest(this.#oldestSeq);
  }

  /** The store's own bounds, which may be ahead of what was told of them. */
  #observe({ headSeq, oldestSeq }: LogBounds): void {
    this.expire(oldestSeq);
    this.#advance(headSeq);
  }

  /** Resolves when the head may have moved past the seq, the time is over or the signal aborts. */
  async changed(seq: number, timeoutMs: number, signal: AbortSignal): Promise<void> {
    if (this.#headSeq <= seq) await this.#wakeUps.sleep(timeoutMs, signal);
  }

  /** Somebody follows it live until what is returned is disposed of: nothing gathers meanwhile. */
  followed(): Disposable {
    return this.#shared.writers.own.queue.gathering.ask();
  }
}
