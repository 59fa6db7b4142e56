/**
 * What is to be committed, in its order, by one writer.
 *
 * - Group commit: an idle queue commits at once; while a commit is under way the next batch gathers.
 * - A batch whose outcome is not known is repeated under its number until the store says that it is done.
 * - What the store refuses fails alone.
 */
import { type Deferred, deferred } from './deferred.ts';
import { AppError, hasCode } from './errors.ts';
import type { Event, EventDraft } from './event.ts';
import type { ListenerSecrets } from './listener.ts';
import type { Logger, Store } from './ports.ts';
import type { Counters } from './record.ts';
import { WakeUps } from './wake-ups.ts';

export interface AppendQueueLimits {
  /** Events of one commit. */
  readonly commitEventsMax: number;
  readonly retryMinMs: number;
  readonly retryMaxMs: number;
}

export interface Commit {
  readonly events: readonly EventDraft[];
  readonly durationMs: number;
}

export interface AppendQueueOptions {
  readonly store: Store;
  readonly log: Logger;
  readonly limits: AppendQueueLimits;
  /** The writer can never commit again: the process has lost its place and must end. */
  readonly onFatal: (error: unknown) => void;
  readonly onCommit?: (commit: Commit) => void;
  /** Told of what is committed before those who wait for it are. */
  readonly publish: (firstSeq: number, events: readonly Event[]) => void;
}

export interface AppendExtra {
  /** By listener id, of the listeners that the events create. */
  readonly secrets?: ReadonlyMap<string, ListenerSecrets>;
  readonly counters?: readonly Counters[];
}

/** What was appended together, and is committed together. */
export interface Entry extends Required<AppendExtra> {
  readonly events: readonly EventDraft[];
  readonly committed: Deferred<readonly Event[]>;
}

const noSecrets: ReadonlyMap<string, ListenerSecrets> = new Map();

export class AppendQueue {
  readonly #options: AppendQueueOptions;
  readonly #wakeUps = new WakeUps();
  readonly #stop = new AbortController();
  #entries: Entry[] = [];
  #running: Promise<void> | null = null;
  #number = 0;
  #failure: unknown = null;
  #isDrained = false;

  constructor(options: AppendQueueOptions) {
    this.#options = options;
  }

  /** Why the last commit failed, while it is being repeated; null when all is well. */
  get failure(): unknown {
    return this.#failure;
  }

  get queuedEvents(): number {
    return this.#entries.reduce((sum, entry) => sum + entry.events.length, 0);
  }

  /** Its `committed` rejects with `unavailable` once the queue is drained. */
  add(events: readonly EventDraft[], extra: AppendExtra): Entry {
    const { secrets = noSecrets, counters = [] } = extra;
    const entry = { events, secrets, counters, committed: deferred<readonly Event[]>() };
    if (this.#isDrained) {
      entry.committed.reject(new AppError('unavailable', 'shutting down', { retryAfterMs: 1000 }));
    } else {
      this.#entries.push(entry);
      this.#running ??= this.#run();
    }
    return entry;
  }

  /** Takes back what has not begun; false when it has. */
  withdraw(entry: Entry): boolean {
    const index = this.#entries.indexOf(entry);
    if (index >= 0) this.#entries.splice(index, 1);
    return index >= 0;
  }

  /** What the store does not take until the signal is given up: then nobody waits for it any more. */
  endBy(signal: AbortSignal): void {
    const stop = () => this.#stop.abort();
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
  }

  /** Commits all that is queued, at most for as long as the signal allows; then no more is taken. */
  async drain(signal: AbortSignal): Promise<void> {
    this.endBy(signal);
    while (this.#running !== null) await this.#running;
    this.#isDrained = true;
  }

  async #run(): Promise<void> {
    try {
      while (this.#entries.length > 0) await this.#commit(this.#takeBatch());
    } catch (error) {
      for (const entry of this.#entries.splice(0)) entry.committed.reject(error);
      if (this.#stop.signal.aborted) {
        this.#isDrained = true;
        this.#options.log.error({ err: error }, 'the log was not drained');
      } else this.#options.onFatal(error);
    } finally {
      this.#running = null;
    }
  }

  #takeBatch(): readonly Entry[] {
    let events = 0;
    let count = 0;
    for (const entry of this.#entries) {
      events += entry.events.length + entry.counters.length;
      if (count > 0 && events > this.#options.limits.commitEventsMax) break;
      count += 1;
    }
    return this.#entries.splice(0, count);
  }

  async #commit(entries: readonly Entry[]): Promise<void> {
    let stored: { readonly firstSeq: number; readonly commit: Commit };
    try {
      stored = await this.#store(entries);
    } catch (error) {
      await this.#refuse(entries, error);
      return;
    }
    this.#number += 1;
    this.#publish(entries, stored.firstSeq);
    this.#options.onCommit?.(stored.commit);
  }

  async #refuse(entries: readonly Entry[], error: unknown): Promise<void> {
    const isOver = hasCode(error, 'failed_precondition') || hasCode(error, 'unavailable');
    if (isOver || entries.length === 1) {
      for (const entry of entries) entry.committed.reject(error);
      if (isOver) throw error;
      return;
    }
    // The store refused this very content and kept nothing of it: only the entry to blame may fail.
    for (const [index, entry] of entries.entries()) {
      try {
        await this.#commit([entry]);
      } catch (fatal) {
        for (const rest of entries.slice(index + 1)) rest.committed.reject(fatal);
        throw fatal;
      }
    }
  }

  /** Repeats until the store answers. @throws unavailable only once the queue is to stop */
  async #store(entries: readonly Entry[]) {
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
        this.#isBack();
        const durationMs = performance.now() - begun;
        return { firstSeq, commit: { events: append.events, durationMs } };
      } catch (error) {
        // A refusal is an answer too.
        if (!hasCode(error, 'unavailable')) this.#isBack();
        if (!hasCode(error, 'unavailable') || this.#stop.signal.aborted) throw error;
        if (this.#failure === null) log.warn({ err: error }, 'the store is away; trying again');
        this.#failure = error;
        await this.#wakeUps.sleep(delayMs, this.#stop.signal);
      }
    }
  }

  #isBack(): void {
    if (this.#failure !== null) this.#options.log.info({}, 'the store is back');
    this.#failure = null;
  }

  #publish(entries: readonly Entry[], firstSeq: number): void {
    let seq = firstSeq;
    const batches = entries.map((entry) => entry.events.map((draft) => ({ ...draft, seq: seq++ })));
    this.#options.publish(firstSeq, batches.flat());
    entries.forEach((entry, index) => {
      entry.committed.resolve(batches[index] ?? []);
    });
  }
}
