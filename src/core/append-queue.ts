/**
 * What is to be committed, in its order, by one writer. The queue always gets on once the store does.
 *
 * - Group commit: an idle queue commits at once; while a commit is under way the next batch gathers, up to a bound,
 *   and what nobody waits for gathers for a moment longer (gathering.ts).
 * - Each attempt has its number. An attempt that failed is settled first: it was done, or it never will be. What
 *   was not done goes back to the head of the queue, without those that nobody waits for, and in smaller batches.
 * - What the store refuses fails alone. Of records that is one record: it is left out, and told.
 */
import { CommitRetries, type RetryLimits } from './commit-retries.ts';
import { AppError, hasCode, PlaceLost } from './errors.ts';
import type { Event, EventDraft } from './event.ts';
import { Gathering, type GatheringLimits } from './gathering.ts';
import { type Entry, halve, numbered, sizeOf } from './log-entry.ts';
import type { Logger } from './ports.ts';
import type { ProjectRef } from './project.ts';
import { Revisions } from './revisions.ts';
import type { FirstSeqs, Writer } from './writer.ts';

export interface AppendQueueLimits extends GatheringLimits, RetryLimits {
  /** Events of one commit. */
  readonly commitEventsMax: number;
  /** Projects of one commit: it locks the log of each. */
  readonly commitProjectsMax: number;
  /** Bytes of one commit, about. */
  readonly commitBytesMax: number;
}

export interface Commit {
  readonly events: readonly EventDraft[];
  readonly durationMs: number;
}

export interface AppendQueueOptions {
  readonly writer: Writer;
  readonly log: Logger;
  readonly limits: AppendQueueLimits;
  /** The writer can never commit again: the process has lost its place and must end. */
  readonly onFatal: (error: unknown) => void;
  readonly onCommit?: (commit: Commit) => void;
  /** Told of what is committed before those who wait for it are. */
  readonly publish: (project: ProjectRef, firstSeq: number, events: readonly Event[]) => void;
}

export class AppendQueue {
  readonly gathering: Gathering;
  readonly #options: AppendQueueOptions;
  readonly #revisions = new Revisions();
  readonly #stop = new AbortController();
  readonly #retries: CommitRetries;
  #entries: Entry[] = [];
  /** What is being committed. */
  #batch: readonly Entry[] = [];
  #running: Promise<void> | null = null;
  #number = 0;
  /** So many entries at the head are committed one by one, since the store refused them together. */
  #alone = 0;
  #refusedRecords = 0;
  #isDrained = false;

  constructor(options: AppendQueueOptions) {
    this.#options = options;
    this.gathering = new Gathering(options.limits);
    this.#retries = new CommitRetries({ ...options, signal: this.#stop.signal });
  }

  /** Why the last commit failed, while it is being repeated; null when all is well. */
  get failure(): unknown {
    return this.#retries.failure;
  }

  get queuedEvents(): number {
    return this.#entries.reduce((sum, entry) => sum + entry.events.length, 0);
  }

  get queuedBytes(): number {
    return this.#entries.reduce((sum, entry) => sum + entry.commitBytes, 0);
  }

  /** How long what waits for its commit, or is being committed, has waited; 0 when nothing does. */
  get waitingMs(): number {
    const oldest = this.#batch[0] ?? this.#entries[0];
    return oldest === undefined ? 0 : performance.now() - oldest.addedAt;
  }

  /** Records that the store refused, and that were left out. */
  get refusedRecords(): number {
    return this.#refusedRecords;
  }

  /** Its `committed` rejects with `unavailable` once the queue is drained. */
  add(entry: Entry): void {
    if (this.#isDrained) {
      entry.committed.reject(stopping());
    } else {
      this.#entries.push(entry);
      this.#running ??= this.#run();
      this.gathering.added(this.#entries);
    }
  }

  /** Takes back what has not begun; false when it has, and then it may still be done. */
  giveUp(entry: Entry): boolean {
    entry.isGivenUp = true;
    const index = this.#entries.indexOf(entry);
    if (index >= 0) this.#entries.splice(index, 1);
    return index >= 0;
  }

  /** What the store does not take until the signal is given up: then nobody waits for it any more. */
  endBy(signal: AbortSignal): void {
    this.gathering.end();
    const stop = () => this.#stop.abort();
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
  }

  /** The place is to be another's, which is told again what is not committed by now: nothing more is. */
  leave(): void {
    this.#isDrained = true;
    this.endBy(AbortSignal.abort());
    for (const { committed } of this.#entries.splice(0)) committed.reject(stopping());
  }

  /** Commits all that is queued, at most for as long as the signal allows; then no more is taken. */
  async drain(signal: AbortSignal): Promise<void> {
    this.endBy(signal);
    while (this.#running !== null) await this.#running;
    this.#isDrained = true;
  }

  async #run(): Promise<void> {
    try {
      // What a worker tells at once is there by then, whosever it is: a kill loses the end of its row, and no middle.
      await null;
      while (this.#entries.length > 0) {
        const restMs = this.gathering.restMs(this.#entries);
        if (restMs > 0) await this.gathering.rest(restMs, this.#stop.signal);
        this.#batch = this.#takeBatch();
        await this.#commit(this.#batch);
        this.#batch = [];
      }
    } catch (error) {
      const told = error instanceof PlaceLost ? error.forCallers() : error;
      for (const { committed } of [...this.#batch, ...this.#entries.splice(0)])
        committed.reject(told);
      this.#batch = [];
      if (this.#isDrained) this.#options.log.debug({ err: error }, 'a place was left');
      else if (this.#stop.signal.aborted) {
        this.#isDrained = true;
        this.#options.log.error({ err: error }, 'the log was not drained');
      } else this.#options.onFatal(error);
    } finally {
      this.#running = null;
    }
  }

  /** At least one entry; after failures few, so that the store can do them in time. */
  #takeBatch(): readonly Entry[] {
    const { commitEventsMax, commitBytesMax, commitProjectsMax } = this.#options.limits;
    const share = this.#retries.share;
    const projects = new Set<ProjectRef>();
    let size = 0;
    let bytes = 0;
    let count = 0;
    for (const entry of this.#entries) {
      size += sizeOf(entry);
      bytes += entry.commitBytes;
      projects.add(entry.project);
      const isOver =
        size > commitEventsMax * share ||
        bytes > commitBytesMax * share ||
        projects.size > commitProjectsMax;
      if (count > 0 && (isOver || this.#alone > 0)) break;
      count += 1;
    }
    if (this.#alone > 0) this.#alone -= 1;
    return this.#entries.splice(0, count);
  }

  async #commit(entries: readonly Entry[]): Promise<void> {
    const begun = performance.now();
    const append = { number: this.#number + 1, entries: this.#revisions.raised(entries) };
    let firstSeqs: FirstSeqs | null;
    try {
      firstSeqs = await this.#options.writer.append(append);
    } catch (error) {
      if (error instanceof PlaceLost) throw error;
      const isRefused = !hasCode(error, 'unavailable');
      if (!isRefused) await this.#retries.pause(error);
      firstSeqs = await this.#settle(append.number);
      if (firstSeqs === null) {
        this.#number = append.number;
        if (isRefused) this.#refuse(entries, error);
        else this.#putBack(entries, error);
        return;
      }
    }
    this.#number = append.number;
    this.gathering.committed();
    this.#retries.isBack();
    this.#revisions.keep(append.entries);
    const { batches, logs } = numbered(append.entries, firstSeqs);
    for (const { project, firstSeq, events } of logs) {
      this.#options.publish(project, firstSeq, events);
    }
    entries.forEach((entry, index) => {
      entry.committed.resolve(batches[index] ?? []);
    });
    const events = append.entries.flatMap((entry) => entry.events);
    this.#options.onCommit?.({ events, durationMs: performance.now() - begun });
  }

  /** Repeats until the store answers. @throws unavailable only once the queue is to stop */
  async #settle(number: number): Promise<FirstSeqs | null> {
    for (;;) {
      try {
        return await this.#options.writer.settle(number);
      } catch (error) {
        if (!hasCode(error, 'unavailable')) throw error;
        await this.#retries.pause(error);
      }
    }
  }

  /** Nothing of it was done, nor will be. */
  #putBack(entries: readonly Entry[], error: unknown): void {
    const wanted = this.#wanted(entries, error);
    const [only] = wanted;
    const isOne = wanted.length === 1 && only !== undefined;
    this.#entries.unshift(...(isOne && isLarge(only) ? halve(only) : wanted));
    // With nothing left to repeat there is nothing that fails.
    if (this.#entries.length === 0) this.#retries.isBack();
  }

  /** What nobody waits for any more is not tried again. */
  #wanted(entries: readonly Entry[], error: unknown): readonly Entry[] {
    for (const entry of entries) if (entry.isGivenUp) entry.committed.reject(error);
    return entries.filter((entry) => !entry.isGivenUp);
  }

  /** A refusal is an answer too: the store is there, and keeps nothing of it. */
  #refuse(entries: readonly Entry[], error: unknown): void {
    this.#retries.isBack();
    const [only] = entries;
    if (entries.length > 1) this.#commitAlone(this.#wanted(entries, error));
    else if (only === undefined) throw new TypeError('a batch has an entry');
    else if (isLarge(only)) this.#commitAlone(halve(only));
    else if (only.isDivisible) this.#leaveOut(only, error);
    else only.committed.reject(error);
  }

  #commitAlone(entries: readonly Entry[]): void {
    this.#entries.unshift(...entries);
    this.#alone += entries.length;
  }

  #leaveOut({ events, counters, committed }: Entry, error: unknown): void {
    const [record] = [...events, ...counters];
    const fields = { err: error, record };
    this.#options.log.error(fields, 'the store refuses a record: it is left out');
    this.#refusedRecords += 1;
    committed.resolve([]);
  }
}

function stopping(): AppError {
  return new AppError('unavailable', 'shutting down', { retryAfterMs: 1000 });
}

/** Whether it can be committed in two parts. */
function isLarge(entry: Entry): boolean {
  return entry.isDivisible && sizeOf(entry) > 1;
}
