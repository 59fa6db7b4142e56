/** What one place in the log appends, for callers who wait and for those who do not: a queue of its own. */
import { AppendQueue, type AppendQueueLimits, type AppendQueueOptions } from './append-queue.ts';
import type { Event, EventDraft } from './event.ts';
import { LogCommands, type LogCommandsLimits } from './log-commands.ts';
import { type AppendExtra, makeEntry } from './log-entry.ts';
import type { ProjectRef } from './project.ts';

export interface LogWriterOptions extends Omit<AppendQueueOptions, 'limits'> {
  readonly limits: AppendQueueLimits & LogCommandsLimits;
}

/** A project's log, for who writes to it. */
export interface ProjectAppends {
  /**
   * Resolves when all of it is committed and published; waits as long as the store is away.
   * @throws unavailable once the log is drained
   */
  append(events: readonly EventDraft[], extra?: AppendExtra): Promise<readonly Event[]>;
  /**
   * As append, for a caller who waits. When the answer is unavailable and the commit lands all the same,
   * `onLate` undoes it.
   * @throws unavailable when the store is away or too slow
   * @throws resource_exhausted when it is larger than a commit may be
   */
  appendCommand(
    events: readonly EventDraft[],
    extra?: AppendExtra & { readonly onLate?: () => void },
  ): Promise<readonly Event[]>;
}

/** The logs of all projects, for who writes to them. */
export interface Appends {
  of(project: ProjectRef): ProjectAppends;
  /**
   * What waits for a commit, for a caller who waits only as long as for a command: until the signal aborts.
   * @throws unavailable when it takes longer; it may still come
   */
  inTime<Result>(commit: (over: AbortSignal) => Promise<Result>): Promise<Result>;
}

export class LogWriter implements Appends {
  readonly queue: AppendQueue;
  readonly #commands: LogCommands;

  constructor(options: LogWriterOptions) {
    this.queue = new AppendQueue(options);
    this.#commands = new LogCommands({ ...options, queue: this.queue });
  }

  of(project: ProjectRef): ProjectAppends {
    return {
      append: (events, extra = {}) => this.append(project, events, extra),
      appendCommand: (events, extra = {}) => this.appendCommand(project, events, extra),
    };
  }

  append(
    project: ProjectRef,
    events: readonly EventDraft[],
    extra: AppendExtra,
  ): Promise<readonly Event[]> {
    const entry = makeEntry(project, events, extra);
    this.queue.add(entry);
    return entry.committed.promise;
  }

  appendCommand(
    project: ProjectRef,
    events: readonly EventDraft[],
    { onLate, ...extra }: AppendExtra & { readonly onLate?: () => void },
  ): Promise<readonly Event[]> {
    return this.#commands.commit(makeEntry(project, events, extra), onLate);
  }

  async inTime<Result>(commit: (over: AbortSignal) => Promise<Result>): Promise<Result> {
    return await this.#commands.inTime(commit);
  }
}
