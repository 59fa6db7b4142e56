/**
 * What goes on behind the calls: projects that are being deleted come to their end, and keys and join tokens that ended
 * long ago go.
 *
 * A project's end: its streams end, each node closes its own listeners there, and those of a node that is gone are closed
 * on its behalf. Once nothing of it is open, what is on record of it is deleted in pieces, its log's head last. Every node
 * does this; what one has done another finds done.
 */
import { hasCode } from '../core/errors.ts';
import type { Clock, Logger } from '../core/ports.ts';
import type { ProjectRef } from '../core/project.ts';
import { WakeUps } from '../core/wake-ups.ts';
import type { DeletedProject, KeyRows, ProjectRemoval, TenancyWakes } from './store.ts';

export interface UpkeepLimits {
  readonly upkeepIntervalMs: number;
  /** While a project is being deleted. */
  readonly removalIntervalMs: number;
  /** Rows of one table that one piece deletes. */
  readonly removalRowsMax: number;
  readonly endedKeyTtlMs: number;
}

export interface UpkeepOptions {
  readonly removal: ProjectRemoval;
  /** What ends, or is removed: keys, join tokens, nodes. */
  readonly ending: readonly Pick<KeyRows, 'purge'>[];
  readonly wakes: Pick<TenancyWakes, 'onChange'>;
  /** Ends a project's streams, and closes what of its listeners can be closed here. */
  readonly close: (project: ProjectRef) => Promise<void>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits: UpkeepLimits;
}

export class TenancyUpkeep implements AsyncDisposable {
  readonly #options: UpkeepOptions;
  readonly #wakeUps = new WakeUps();
  readonly #stop = new AbortController();
  readonly #endChanges: () => void;
  readonly #running: Promise<void>;

  constructor(options: UpkeepOptions) {
    this.#options = options;
    this.#endChanges = options.wakes.onChange(() => this.#wakeUps.wakeAll());
    this.#running = this.#run();
  }

  async #run(): Promise<void> {
    const { logger, limits } = this.#options;
    while (!this.#stop.signal.aborted) {
      let pauseMs = limits.upkeepIntervalMs;
      try {
        if (await this.#pass()) pauseMs = limits.removalIntervalMs;
      } catch (err) {
        logger.warn({ err }, 'could not tidy up projects and keys; trying again later');
      }
      await this.#wakeUps.sleep(pauseMs, this.#stop.signal);
    }
  }

  /** Resolves with whether a project is still being deleted. */
  async #pass(): Promise<boolean> {
    const { removal, ending, clock, logger, limits } = this.#options;
    const before = clock.now() - limits.endedKeyTtlMs * 1000;
    for (const rows of ending) {
      await this.#untilDone(() => rows.purge(before, limits.removalRowsMax));
    }
    let isLeft = false;
    for (const project of await removal.deleting()) {
      try {
        if (!(await this.#remove(project))) isLeft = true;
      } catch (err) {
        // What keeps one from its end keeps no other.
        logger.warn({ err, project: project.name }, 'a project can not be deleted yet');
        isLeft = true;
      }
    }
    return isLeft;
  }

  /** Resolves with whether it is gone. */
  async #remove({ ref, name }: DeletedProject): Promise<boolean> {
    const { removal, close, logger } = this.#options;
    await close(ref).catch((error: unknown) => {
      // What another node has is that node's to close; it is looked at again.
      if (!hasCode(error, 'failed_precondition')) throw error;
    });
    if (!(await removal.isQuiet(ref))) return false;
    await this.#purge(ref);
    await removal.endLog(ref);
    // What came since the first one.
    await this.#purge(ref);
    if (this.#stop.signal.aborted || !(await removal.remove(ref))) return false;
    logger.info({ project: name }, 'a project is deleted');
    return true;
  }

  async #purge(project: ProjectRef): Promise<void> {
    const { removal, limits } = this.#options;
    await this.#untilDone(() => removal.purge(project, limits.removalRowsMax));
  }

  async #untilDone(purge: () => Promise<boolean>): Promise<void> {
    let hasMore = true;
    while (hasMore && !this.#stop.signal.aborted) hasMore = await purge();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#endChanges();
    this.#stop.abort();
    await this.#running;
  }
}
