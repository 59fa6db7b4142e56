/**
 * Who is there of the nodes: every few seconds one replica looks who was not heard of. A node that is overdue is
 * disconnected, and serves on; one that is overdue for long is lost, and its connections are closed on record.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { hasCode } from '../core/errors.ts';
import type { GoneNodes } from '../core/gone-nodes.ts';
import type { Clock, Logger } from '../core/ports.ts';
import type { ProjectRef } from '../core/project.ts';
import type { NodeCounts, OverdueNode, SessionRows } from './store.ts';

export interface SweepLimits {
  readonly sweepEveryMs: number;
  /** Sweeps without a word after which a node is disconnected. */
  readonly missedSweeps: number;
  /** Of one owner's nodes that are overdue at once: beyond these, and more than half, none is declared lost. */
  readonly brakeFrom: number;
  /** Listeners whose time is over that one sweep closes. */
  readonly expiredAtOnceMax: number;
}

export interface SweepsOptions {
  readonly rows: SessionRows;
  readonly goneNodes: Pick<GoneNodes, 'lose'>;
  /** Closes a listener whose time is over. */
  readonly expire: (project: ProjectRef, id: string) => Promise<void>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits: SweepLimits;
}

/**
 * Those that may be declared lost. Where many of one owner's are overdue at once it is more likely that something stands
 * between them and us: then none of them is, until an operator removes one.
 */
export function losable(
  overdue: readonly OverdueNode[],
  counts: NodeCounts,
  brakeFrom: number,
): { readonly lost: readonly OverdueNode[]; readonly suspended: readonly ProjectRef[] } {
  const suspended: ProjectRef[] = [];
  const lost: OverdueNode[] = [];
  for (const [project, nodes] of Map.groupBy(overdue, (node) => node.project)) {
    const late = nodes.filter(({ isLost }) => isLost);
    const isMost = nodes.length * 2 > (counts.get(project) ?? 0);
    if (late.length > 0 && nodes.length >= brakeFrom && isMost) suspended.push(project);
    else lost.push(...late);
  }
  return { lost, suspended };
}

export class Sweeps implements AsyncDisposable {
  readonly #options: SweepsOptions;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  #suspended: readonly ProjectRef[] = [];

  constructor(options: SweepsOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  /** The projects of whose nodes none is declared lost now. */
  get suspended(): readonly ProjectRef[] {
    return this.#suspended;
  }

  async #run(): Promise<void> {
    const { logger, limits } = this.#options;
    const { signal } = this.#stop;
    while (await delay(limits.sweepEveryMs, true, { signal, ref: false }).catch(() => false)) {
      try {
        await this.#sweep();
      } catch (err) {
        // With the database away nothing is swept, and nobody is lost.
        if (!hasCode(err, 'unavailable')) logger.error({ err }, 'a sweep failed');
      }
    }
  }

  async #sweep(): Promise<void> {
    const { rows, limits, logger } = this.#options;
    if (!(await rows.sweep(limits.sweepEveryMs))) return;
    const { nodes, counts } = await rows.overdue(limits.missedSweeps, limits.sweepEveryMs);
    const { lost, suspended } = losable(nodes, counts, limits.brakeFrom);
    if (suspended.length > 0) {
      const names = nodes.map(({ name }) => name);
      logger.error({ nodes: names, fleet_suspended: true }, 'too many nodes are overdue at once');
    }
    this.#suspended = suspended;
    for (const node of lost) await this.#lose(node);
    await this.#expire();
  }

  /** Those of connected nodes are closed by who has the session. */
  async #expire(): Promise<void> {
    const { rows, expire, clock, limits } = this.#options;
    for (const { project, id } of await rows.expired(clock.now(), limits.expiredAtOnceMax)) {
      await expire(project, id);
    }
  }

  async #lose({ id, ref }: OverdueNode): Promise<void> {
    const { rows, goneNodes } = this.#options;
    try {
      await goneNodes.lose(id, { isRemoved: false });
      await rows.markLost(ref);
    } catch (error) {
      // It is back.
      if (!hasCode(error, 'failed_precondition')) throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }
}
