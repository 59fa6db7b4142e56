/**
 * What is wished of this host, over sessions: the last good wish of each listener, and what became of it. A session names
 * all that is wished; what it has not named by its end of wishes goes.
 *
 * - What is held for a wish that does not come is let go of, by time alone: the commit may be on its way meanwhile.
 * - A session hears of what it has named itself, and of nothing else.
 */
import { AppError } from '../core/errors.ts';
import type {
  Binding,
  Bound,
  DataPlane,
  ListenerEnd,
  Observed,
  ProjectLimits,
  Wish,
} from '../core/ports.ts';
import type { ProjectRef } from '../core/project.ts';

export interface WishKeeperOptions {
  readonly plane: Pick<DataPlane, 'open' | 'release' | 'wish' | 'endWish' | 'limitProject'>;
  readonly holdMs: number;
  readonly isPrivilegedAllowed: boolean;
  readonly onFatal: (error: unknown) => void;
}

interface Refusal {
  readonly listenerId: string;
  readonly generation: number;
  readonly reason: AppError;
}

interface Kept {
  /** Of its wish; 0 of what is held. */
  generation: number;
  /** Where its open bound it. */
  readonly bound: Promise<Bound> | null;
  observed: Observed | null;
  holdTimer: NodeJS.Timeout | undefined;
  /** Once it is let go of, or ended: resolves when nothing is left of it. */
  going: PromiseWithResolvers<void> | null;
}

const privilegedBelow = 1024;

export class WishKeeper {
  readonly #options: WishKeeperOptions;
  readonly #kept = new Map<string, Kept>();
  readonly #limited = new Set<ProjectRef>();
  /** By the session. */
  readonly #named = new Set<string>();
  readonly #namedProjects = new Set<ProjectRef>();
  #tell: (observed: Observed) => void = () => undefined;

  constructor(options: WishKeeperOptions) {
    this.#options = options;
  }

  /** A session begins, which hears what becomes of what it names. */
  begin(tell: (observed: Observed) => void): void {
    this.#named.clear();
    this.#namedProjects.clear();
    this.#tell = tell;
  }

  /** That session is over; without effect on another one that has begun since. */
  end(tell: (observed: Observed) => void): void {
    if (this.#tell === tell) this.begin(() => undefined);
  }

  /** Of one that is open already, where it is. @throws what DataPlane.open throws, port_privileged */
  async open(binding: Binding): Promise<Bound> {
    const { listenerId, port } = binding;
    await this.#kept.get(listenerId)?.going?.promise;
    const known = this.#kept.get(listenerId);
    if (known !== undefined) return await boundOf(known);
    if (port > 0 && port < privilegedBelow && !this.#options.isPrivilegedAllowed) {
      throw new AppError('port_privileged', `this node may not bind port ${port}`);
    }
    const kept = this.#add(listenerId, this.#options.plane.open(binding));
    try {
      const bound = await boundOf(kept);
      const { holdMs, onFatal } = this.#options;
      const letGo = () => void this.release(listenerId).catch(onFatal);
      if (kept.generation === 0) kept.holdTimer = setTimeout(letGo, holdMs).unref();
      return bound;
    } catch (error) {
      if (this.#kept.get(listenerId) === kept) this.#kept.delete(listenerId);
      throw error;
    }
  }

  #add(listenerId: string, bound: Promise<Bound> | null): Kept {
    const kept: Kept = { generation: 0, bound, observed: null, holdTimer: undefined, going: null };
    this.#kept.set(listenerId, kept);
    return kept;
  }

  /** What is wished meanwhile stays. */
  async release(listenerId: string): Promise<void> {
    const kept = this.#kept.get(listenerId);
    await kept?.bound?.catch(() => undefined);
    if (kept === undefined || this.#kept.get(listenerId) !== kept || kept.generation > 0) return;
    if (kept.going !== null) return await kept.going.promise;
    clearTimeout(kept.holdTimer);
    kept.going = Promise.withResolvers();
    await this.#options.plane.release(listenerId);
    this.#forget(listenerId, kept);
  }

  #forget(listenerId: string, kept: Kept): void {
    if (this.#kept.get(listenerId) === kept) this.#kept.delete(listenerId);
    kept.going?.resolve();
  }

  /** Resolves when the data plane has it, and what is observed of it has been told. */
  async wish({ generation, binding }: Wish): Promise<void> {
    const { listenerId } = binding;
    this.#named.add(listenerId);
    await this.#kept.get(listenerId)?.going?.promise;
    const kept = this.#kept.get(listenerId) ?? this.#add(listenerId, null);
    clearTimeout(kept.holdTimer);
    if (generation > kept.generation) {
      kept.generation = generation;
      await this.#options.plane.wish({ generation, binding });
    } else if (kept.observed !== null && kept.observed.generation <= generation) {
      this.#tell(kept.observed);
    }
  }

  /** A wish that this agent does not understand: it stays with the last good one. */
  refuse({ listenerId, generation, reason }: Refusal): void {
    this.#named.add(listenerId);
    const { code, message } = reason;
    this.#tell({ listenerId, generation, state: 'failed', reason: { code, message } });
  }

  endWish(end: ListenerEnd): void {
    this.#named.add(end.listenerId);
    this.#end(end);
  }

  #end(end: ListenerEnd): void {
    const kept = this.#kept.get(end.listenerId);
    if (kept !== undefined) {
      clearTimeout(kept.holdTimer);
      kept.going ??= Promise.withResolvers();
    }
    this.#options.plane.endWish(end);
  }

  limitProject(project: ProjectRef, limits: ProjectLimits | null): void {
    this.#namedProjects.add(project);
    if (limits === null) this.#limited.delete(project);
    else this.#limited.add(project);
    this.#options.plane.limitProject(project, limits);
  }

  /** All that is wished was named. */
  wishEnd(): void {
    for (const [listenerId, { generation, going }] of this.#kept) {
      const isWished = generation > 0 && going === null;
      if (!isWished || this.#named.has(listenerId)) continue;
      this.#end({ listenerId, generation: generation + 1, drainMs: 0 });
    }
    for (const project of this.#limited) {
      if (this.#namedProjects.has(project)) continue;
      this.#limited.delete(project);
      this.#options.plane.limitProject(project, null);
    }
  }

  /** Of the data plane. */
  observed(observed: Observed): void {
    const { listenerId } = observed;
    const kept = this.#kept.get(listenerId);
    if (kept !== undefined) {
      if (observed.state === 'gone') this.#forget(listenerId, kept);
      else kept.observed = observed;
    }
    if (this.#named.has(listenerId)) this.#tell(observed);
  }
}

async function boundOf({ bound, observed }: Kept): Promise<Bound> {
  if (bound !== null) return await bound;
  if (observed?.state === 'bound') return { laddr: observed.laddr, sockets: observed.sockets };
  throw new AppError('unavailable', 'the listener is not bound', { retryAfterMs: 1000 });
}
