/**
 * One listener on the workers: what is wished of it, what each worker has of it, and the pass that brings the second to
 * the first. A pass comes after each change of either, one at a time, and again with back-off while a bind fails.
 *
 * - Before the first wish it is only held: bound, and neither served nor observed.
 * - What was asked of a worker that is lost meanwhile has not failed: its successor is brought there by a pass of its own.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Address } from '../core/address.ts';
import type { CloseReason } from '../core/connection.ts';
import { AppError } from '../core/errors.ts';
import type { Fault } from '../core/fault.ts';
import type { ListenerLimits, ListeningSocket } from '../core/listener.ts';
import type { Binding, Bound, Logger, Observed, Wish } from '../core/ports.ts';
import type { ProjectRef } from '../core/project.ts';
import { bindError } from './bind-error.ts';
import type { Worker } from './worker.ts';
import { shareOf } from './worker-share.ts';

export type ServingWorker = Pick<Worker, 'id' | 'pid' | 'slot' | 'request'>;

export interface WishedListenerOptions {
  readonly workers: number;
  /** Those that are up, by id. */
  readonly up: ReadonlyMap<string, ServingWorker>;
  /** Of the pauses before a bind that failed is tried again. */
  readonly limits: { readonly rebindMinMs: number; readonly rebindMaxMs: number };
  /** Whether its project lets the worker in this slot let anybody in. */
  readonly hasRoom: (slot: number) => boolean;
  readonly log: Logger;
  readonly onObserved: (observed: Observed) => void;
  readonly onFatal: (error: unknown) => void;
}

/** What one worker has of the listener, as it was told last. */
interface Part {
  readonly sockets: readonly ListeningSocket[];
  limits: ListenerLimits;
  faults: readonly Fault[];
  isServed: boolean;
}

export class WishedListener {
  readonly #options: WishedListenerOptions;
  /** Of generation 0 it is held. */
  #wish: Wish;
  /** Where it was bound first, and is bound again. */
  #laddr: Address | null = null;
  /** By the id of their worker, in the order in which they were bound. */
  readonly #parts = new Map<string, Part>();
  #observed: Observed | null = null;
  #closed: Promise<void> | null = null;
  /** The end of what was last begun on the workers. */
  #turn: Promise<unknown> = Promise.resolve();
  #retry: NodeJS.Timeout | null = null;
  #delayMs: number;

  constructor(binding: Binding, options: WishedListenerOptions) {
    this.#options = options;
    this.#wish = { generation: 0, binding };
    this.#delayMs = options.limits.rebindMinMs;
  }

  get project(): ProjectRef {
    return this.#wish.binding.project;
  }

  isOn(worker: ServingWorker): boolean {
    return this.#parts.has(worker.id);
  }

  /** On each worker that has a part in it, or on none. @throws what DataPlane.open throws */
  async open(): Promise<Bound> {
    const opening = this.#bringAll(this.#wish);
    this.#turn = opening.catch(() => undefined);
    const failure = await opening;
    const listening = this.#listening;
    if (failure === null && listening !== null) return listening;
    await this.close(0, 'listener_deleted');
    throw failure ?? new AppError('unavailable', 'no worker is up', { retryAfterMs: 1000 });
  }

  /** Resolves when the pass that it needs is over. */
  async wish(wish: Wish): Promise<void> {
    if (wish.generation > this.#wish.generation) this.#wish = wish;
    await this.reconcile();
  }

  /** Resolves after a pass that began after the call. */
  async reconcile(): Promise<void> {
    this.#turn = this.#turn.then(() => this.#pass()).catch(this.#options.onFatal);
    await this.#turn;
  }

  /** Stops listening. Resolves when no worker has it any more; a later call ends the drain of an earlier one sooner. */
  close(drainMs: number, reason: CloseReason): Promise<void> {
    if (this.#retry !== null) clearTimeout(this.#retry);
    const { up } = this.#options;
    const { listenerId } = this.#wish.binding;
    const request = { kind: 'close', listenerId, drainMs, reason } as const;
    const ask = (worker: ServingWorker) =>
      worker.request(request).catch((error: unknown) => this.#failureOf(worker, error));
    // Also those that have no part yet: one may be binding it. Of a later call a worker only says that it has heard it.
    const asked = Promise.all([...up.values()].map(ask));
    this.#closed ??= asked.then(() => undefined);
    return this.#closed;
  }

  async #pass(): Promise<void> {
    if (this.#closed !== null) return;
    const wish = this.#wish;
    for (const id of this.#parts.keys()) if (!this.#options.up.has(id)) this.#parts.delete(id);
    const failure = await this.#bringAll(wish);
    if (this.#closed !== null || wish.generation === 0) return;
    if (failure === null) this.#delayMs = this.#options.limits.rebindMinMs;
    else this.#retryLater();
    const who = { listenerId: wish.binding.listenerId, generation: wish.generation };
    const listening = this.#listening;
    if (listening !== null) this.#tell({ ...who, state: 'bound', ...listening });
    if (failure === null) return;
    const { code, message } = failure;
    if (listening === null) this.#tell({ ...who, state: 'failed', reason: { code, message } });
    else this.#options.log.warn({ err: failure, ...who }, 'a worker serves no part of it');
  }

  #tell(observed: Observed): void {
    if (isDeepStrictEqual(observed, this.#observed)) return;
    this.#observed = observed;
    this.#options.onObserved(observed);
  }

  #retryLater(): void {
    if (this.#retry !== null) clearTimeout(this.#retry);
    this.#retry = setTimeout(() => void this.reconcile(), this.#delayMs);
    this.#delayMs = Math.min(this.#delayMs * 2, this.#options.limits.rebindMaxMs);
  }

  /** Null where no worker that is up has it. */
  get #listening(): Bound | null {
    const { up } = this.#options;
    const living = [...this.#parts].filter(([workerId]) => up.has(workerId));
    if (this.#laddr === null || living.length === 0) return null;
    return { laddr: this.#laddr, sockets: living.flatMap(([, { sockets }]) => sockets) };
  }

  /** Why a worker is not as wished; null where all that are up are. */
  async #bringAll(wish: Wish): Promise<AppError | null> {
    const { up } = this.#options;
    const bring = (worker: ServingWorker) =>
      this.#bring(worker, wish).then(
        () => null,
        (error: unknown) => this.#failureOf(worker, error),
      );
    let failures: (AppError | null)[] = [];
    // One after the other until one has the port: the others are bound beside it.
    for (const worker of up.values()) {
      if (this.#listening !== null) break;
      failures.push(await bring(worker));
    }
    if (this.#listening !== null) failures = await Promise.all([...up.values()].map(bring));
    return failures.find((failure) => failure !== null) ?? null;
  }

  #failureOf(worker: ServingWorker, error: unknown): AppError | null {
    if (!this.#options.up.has(worker.id)) return null;
    if (error instanceof AppError) return error;
    const { listenerId } = this.#wish.binding;
    this.#options.log.error({ err: error, listenerId, pid: worker.pid }, 'a worker failed');
    return new AppError('internal', 'a worker failed', { cause: error });
  }

  /** Binds it on the worker, tells it of another spec, and serves it: each where that is still to be done. */
  async #bring(worker: ServingWorker, { generation, binding }: Wish): Promise<void> {
    const { listenerId, faults } = binding;
    const limits = shareOf(binding.limits, worker.slot, this.#options.workers);
    // With no part in it a worker is left out, unless it had one.
    const hasPart = limits.maxConnections > 0 && this.#options.hasRoom(worker.slot);
    if (!this.#parts.has(worker.id) && hasPart) {
      await this.#bind(worker, { ...binding, limits });
    }
    const part = this.#parts.get(worker.id);
    if (part === undefined) return;
    if (!isDeepStrictEqual([part.limits, part.faults], [limits, faults])) {
      await worker.request({ kind: 'update', listenerId, limits, faults });
      Object.assign(part, { limits, faults });
    }
    if (this.#closed !== null || part.isServed || generation === 0) return;
    await worker.request({ kind: 'serve', listenerId });
    part.isServed = true;
  }

  async #bind(worker: ServingWorker, wished: Binding): Promise<void> {
    if (this.#closed !== null) return;
    const binding = { ...wished, port: this.#laddr?.port ?? wished.port };
    // Only where none of ours has the port does the kernel tell that another process has it.
    const among = this.#listening === null ? 'first' : 'next';
    const share = this.#options.workers === 1 ? 'alone' : among;
    try {
      const bound = await worker.request({ kind: 'open', binding, share });
      if (bound === null) throw new TypeError('a bind has an address');
      const { ip, port, fd, moreFds = [] } = bound;
      const sockets = [fd, ...moreFds].map((each) => ({ pid: worker.pid, fd: each }));
      const { limits, faults } = binding;
      this.#laddr = { ip, port };
      this.#parts.set(worker.id, { sockets, limits, faults, isServed: false });
    } catch (error) {
      throw bindError(error, binding);
    }
  }
}
