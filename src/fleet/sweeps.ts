/**
 * Who is there of the nodes: every few seconds each replica looks who was not heard of, and one of them moves the tick
 * on. A node that is overdue is disconnected, and serves on; one that is overdue for long is lost, and its connections
 * are closed on record. Where there is no node but built-in ones it is hardly looked, until a session begins.
 */
import { hasCode, NodeUp } from '../core/errors.ts';
import type { GoneNodes } from '../core/gone-nodes.ts';
import type { Clock, Logger } from '../core/ports.ts';
import type { ProjectRef } from '../core/project.ts';
import { WakeUps } from '../core/wake-ups.ts';
import type { Census, NodeCounts, OverdueNode, SessionRows } from './store.ts';

export interface SweepLimits {
  readonly sweepEveryMs: number;
  /** How often it is looked whether there are nodes by now. */
  readonly nodelessSweepMs: number;
  /** Sweeps without a word after which a node is disconnected. */
  readonly missedSweeps: number;
  /** Of one owner's nodes that are overdue at once: beyond these, and more than half, none is declared lost. */
  readonly brakeFrom: number;
  /** Listeners whose time is over that one sweep closes. */
  readonly expiredAtOnceMax: number;
}

/** How often it is told anew that too many nodes are overdue. */
const retellMs = 60_000;
/** How often it is looked for what a removal has left, and of how many nodes at once. */
const unendedEveryMs = 60_000;
/** A removal that goes on still is its own end; with it, or another sweep, the place would be taken from each other. */
const removalMs = 60_000;
const unendedAtOnceMax = 10;
/** Nodes that are named then. */
const namesToldMax = 20;

export interface SweepsOptions {
  readonly rows: SessionRows;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits: SweepLimits;
}

/** What is done with what a sweep finds. */
export interface SweepActs {
  readonly goneNodes: Pick<GoneNodes, 'lose'>;
  /** Closes a listener whose time is over. */
  readonly expire: (project: ProjectRef, id: string) => Promise<void>;
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
  readonly #wakeUps = new WakeUps();
  #endTaken: () => void = () => undefined;
  #running: Promise<void> = Promise.resolve();
  #suspended: readonly ProjectRef[] = [];
  /** On the clock of performance.now(); null where it is not told that any project is suspended. */
  #suspendedToldAt: number | null = null;
  #unendedAskedAt = Number.NEGATIVE_INFINITY;
  #census: Census = new Map();
  #won = 0;

  constructor(options: SweepsOptions) {
    this.#options = options;
  }

  /** From now on it looks. */
  start(acts: SweepActs): void {
    this.#endTaken = this.#options.rows.onTaken(() => {
      if (!this.#hasNodes) this.#wakeUps.wakeAll();
    });
    this.#running = this.#run(acts);
  }

  /** The projects of whose nodes none is declared lost now. */
  get suspended(): readonly ProjectRef[] {
    return this.#suspended;
  }

  /** As of the last look. */
  get census(): Census {
    return this.#census;
  }

  /** How often it was this process that moved the tick on. */
  get won(): number {
    return this.#won;
  }

  get #hasNodes(): boolean {
    return [...this.#census].some(([state, count]) => state !== 'removed' && count > 0);
  }

  async #run(acts: SweepActs): Promise<void> {
    const { logger, limits } = this.#options;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        await this.#look(acts);
      } catch (err) {
        // With the database away nothing is swept, and nobody is lost.
        if (!hasCode(err, 'unavailable')) logger.error({ err }, 'a sweep failed');
      }
      const { sweepEveryMs, nodelessSweepMs } = limits;
      await this.#wakeUps.sleep(this.#hasNodes ? sweepEveryMs : nodelessSweepMs, signal);
    }
  }

  async #look(acts: SweepActs): Promise<void> {
    this.#census = await this.#options.rows.census();
    if (this.#hasNodes) await this.#sweep(acts);
    else await this.#endRemoved(acts);
  }

  async #sweep(acts: SweepActs): Promise<void> {
    const { rows, clock, limits } = this.#options;
    const isMine = await rows.sweep(limits.sweepEveryMs);
    const { nodes, counts } = await rows.overdue(limits.missedSweeps, limits.sweepEveryMs);
    const { lost, suspended } = losable(nodes, counts, limits.brakeFrom);
    this.#suspended = suspended;
    if (suspended.length === 0) this.#tellResumed();
    if (!isMine) return;
    this.#won += 1;
    if (suspended.length > 0) {
      this.#tellSuspended(nodes.filter(({ project }) => suspended.includes(project)));
    }
    await this.#eachOf(lost, (node) => this.#lose(acts, node));
    const expired = await rows.expired(clock.now(), limits.expiredAtOnceMax);
    // Those of connected nodes are closed by who has the session.
    await this.#eachOf(expired, ({ project, id }) => acts.expire(project, id));
    await this.#endRemoved(acts);
  }

  /** Whoever removed one was told of a failure, or died, before all of it was closed. */
  async #endRemoved({ goneNodes }: SweepActs): Promise<void> {
    const now = performance.now();
    if (now - this.#unendedAskedAt < unendedEveryMs) return;
    this.#unendedAskedAt = now;
    const { rows, clock } = this.#options;
    const unended = await rows.unended(clock.now() - removalMs * 1000, unendedAtOnceMax);
    await this.#eachOf(unended, (id) => goneNodes.lose(id, { isRemoved: true }));
  }

  /** What keeps one from its end keeps no other: the next sweep tries again. */
  async #eachOf<Item>(items: readonly Item[], end: (item: Item) => Promise<void>): Promise<void> {
    const failures: unknown[] = [];
    for (const item of items) {
      if (this.#stop.signal.aborted) break;
      await end(item).catch((err: unknown) => failures.push(err));
    }
    if (failures.length === 0) return;
    const fields = { err: failures[0], failed: failures.length, of: items.length };
    this.#options.logger.warn(fields, 'what a sweep found over is not on record yet');
  }

  /** At once, and then every now and then. */
  #tellSuspended(overdue: readonly OverdueNode[]): void {
    const now = performance.now();
    if (this.#suspendedToldAt !== null && now - this.#suspendedToldAt < retellMs) return;
    this.#suspendedToldAt = now;
    const nodes = overdue.slice(0, namesToldMax).map(({ name }) => name);
    const fields = { fleet_suspended: true, overdue: overdue.length, nodes };
    this.#options.logger.error(fields, 'too many nodes are overdue at once');
  }

  #tellResumed(): void {
    if (this.#suspendedToldAt === null) return;
    this.#suspendedToldAt = null;
    this.#options.logger.info({ fleet_suspended: false }, 'no longer too many nodes are overdue');
  }

  async #lose({ goneNodes }: SweepActs, { id, ref }: OverdueNode): Promise<void> {
    const { rows } = this.#options;
    try {
      await goneNodes.lose(id, { isRemoved: false });
      await rows.markLost(ref);
    } catch (error) {
      // It is back.
      if (!(error instanceof NodeUp)) throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#endTaken();
    this.#stop.abort();
    await this.#running;
  }
}
