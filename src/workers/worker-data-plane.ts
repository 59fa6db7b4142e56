/**
 * The data plane over workers. Every worker binds every listener that it has a part in; the successor of one that is lost
 * binds them anew on the same ports.
 *
 * - What was asked of a worker that is lost meanwhile has not failed: its successor does it, or it is no more.
 * - The binds of one listener come one after the other: each sees whether the port is ours already.
 */
import type { CloseReason } from '../core/connection.ts';
import { AppError } from '../core/errors.ts';
import type { Fault } from '../core/fault.ts';
import { inParallel } from '../core/in-parallel.ts';
import type { ListenerLimits, ListeningSocket } from '../core/listener.ts';
import type {
  Binding,
  Bound,
  DataPlane,
  DataPlaneEvents,
  Logger,
  WorkerStatus,
} from '../core/ports.ts';
import type { Request, Share } from '../echo/messages.ts';
import { bindError } from './bind-error.ts';
import type { Worker } from './worker.ts';
import { shareOf } from './worker-share.ts';
import { type SupervisorLimits, WorkerSupervisor } from './worker-supervisor.ts';

export interface DataPlaneLimits extends SupervisorLimits {
  readonly rebindsAtOnceMax: number;
}

export interface WorkerDataPlaneOptions {
  readonly workers: number;
  readonly nodeId: string;
  readonly log: Logger;
  readonly limits: DataPlaneLimits;
  readonly events: DataPlaneEvents;
  readonly onFatal: (error: unknown) => void;
}

interface Opened {
  binding: Binding;
  isServed: boolean;
  isClosing: boolean;
  /** By the id of their worker. */
  readonly sockets: Map<string, readonly ListeningSocket[]>;
  /** The end of what was last begun with its sockets. */
  turn: Promise<unknown>;
}

export class WorkerDataPlane implements DataPlane, AsyncDisposable {
  readonly #options: WorkerDataPlaneOptions;
  readonly #supervisor: WorkerSupervisor;
  /** Those that are up, by id. */
  readonly #workers = new Map<string, Worker>();
  readonly #opened = new Map<string, Opened>();
  #isStopping = false;

  private constructor(options: WorkerDataPlaneOptions) {
    this.#options = options;
    this.#supervisor = new WorkerSupervisor({
      ...options,
      onUp: (worker) => this.#onUp(worker),
      onRecords: ({ id }, records) => options.events.onRecords(id, records),
      onGone: (worker) => this.#onGone(worker),
    });
  }

  static async start(options: WorkerDataPlaneOptions): Promise<WorkerDataPlane> {
    const plane = new WorkerDataPlane(options);
    try {
      await plane.#supervisor.start();
    } catch (error) {
      await plane[Symbol.asyncDispose]();
      throw error;
    }
    return plane;
  }

  async #onUp(worker: Worker): Promise<void> {
    this.#workers.set(worker.id, worker);
    const rebind = (opened: Opened) => this.#inTurn(opened, () => this.#rebind(worker, opened));
    await inParallel([...this.#opened.values()], this.#options.limits.rebindsAtOnceMax, rebind);
  }

  #onGone({ id }: Worker): void {
    this.#workers.delete(id);
    for (const { sockets } of this.#opened.values()) sockets.delete(id);
    // The connections of one that is lost in a stop are closed by the next start.
    if (!this.#isStopping) this.#options.events.onWorkerLost(id);
  }

  async #inTurn<Result>(opened: Opened, work: () => Promise<Result>): Promise<Result> {
    const result = opened.turn.then(work);
    opened.turn = result.catch(() => undefined);
    return await result;
  }

  async #rebind(worker: Worker, opened: Opened): Promise<void> {
    const { binding, sockets } = opened;
    if (opened.isClosing || sockets.has(worker.id) || !this.#hasPart(worker, binding)) return;
    const { events, log } = this.#options;
    const { listenerId } = binding;
    try {
      // Where none of ours has the port, another process may have taken it meanwhile.
      const laddr = await this.#openOn(worker, opened, sockets.size === 0 ? 'first' : 'next');
      if (opened.isServed) await worker.request({ kind: 'serve', listenerId });
      if (opened.isClosing) return;
      events.onRebound(listenerId, { laddr, sockets: [...sockets.values()].flat() });
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      // Lost again: its successor binds it.
      if (opened.isClosing || !this.#workers.has(worker.id)) return;
      if (sockets.size > 0) {
        const where = { listenerId, workerPid: worker.pid };
        log.warn({ err: error, ...where }, 'a worker serves no part of it');
        return;
      }
      // Whoever is told opens it anew, as it is by then.
      this.#opened.delete(listenerId);
      opened.isClosing = true;
      events.onRebound(listenerId, { code: error.code, message: error.message });
    }
  }

  #limitsOf({ slot }: Worker, { limits }: Binding): ListenerLimits {
    return shareOf(limits, slot, this.#options.workers);
  }

  #hasPart(worker: Worker, binding: Binding): boolean {
    return this.#limitsOf(worker, binding).maxConnections > 0;
  }

  async #openOn(worker: Worker, opened: Opened, among: Share): Promise<Bound['laddr']> {
    const { sockets } = opened;
    const binding = { ...opened.binding, limits: this.#limitsOf(worker, opened.binding) };
    const share = this.#options.workers === 1 ? 'alone' : among;
    try {
      const bound = await worker.request({ kind: 'open', binding, share });
      if (bound === null) throw new TypeError('a bind has an address');
      const { ip, port, fd, moreFds = [] } = bound;
      sockets.set(
        worker.id,
        [fd, ...moreFds].map((each) => ({ pid: worker.pid, fd: each })),
      );
      return { ip, port };
    } catch (error) {
      throw bindError(error, binding);
    }
  }

  async open(binding: Binding): Promise<Bound> {
    const { listenerId } = binding;
    if (this.#opened.has(listenerId)) throw new TypeError(`listener ${listenerId} is open already`);
    const first = [...this.#workers.values()].find((worker) => this.#hasPart(worker, binding));
    if (first === undefined) {
      throw new AppError('unavailable', 'no worker is up', { retryAfterMs: 1000 });
    }
    const [sockets, turn] = [new Map(), Promise.resolve()];
    const opened: Opened = { binding, isServed: false, isClosing: false, sockets, turn };
    const laddr = await this.#openOn(first, opened, 'first');
    opened.binding = { ...binding, port: laddr.port };
    // A worker that comes up from here on binds it by itself.
    this.#opened.set(listenerId, opened);
    const others = [...this.#workers.values()].filter((worker) => worker !== first);
    try {
      await this.#inTurn(opened, () => Promise.all(others.map((one) => this.#join(one, opened))));
    } catch (error) {
      await this.close(listenerId, { drainMs: 0, reason: 'listener_deleted' });
      throw error;
    }
    return { laddr, sockets: [...sockets.values()].flat() };
  }

  /** Binds its part, if it has any, of what another has bound. */
  async #join(worker: Worker, opened: Opened): Promise<void> {
    if (!this.#hasPart(worker, opened.binding)) return;
    await this.#openOn(worker, opened, 'next').catch((error) => this.#unlessLost(worker, error));
  }

  #unlessLost(worker: Worker, error: unknown): void {
    if (this.#workers.has(worker.id)) throw error;
  }

  /** Resolves when each worker has done it, or is no more. */
  async #askAll(requestOf: (worker: Worker) => Request): Promise<void> {
    const ask = (worker: Worker) =>
      worker.request(requestOf(worker)).catch((error) => this.#unlessLost(worker, error));
    await Promise.all([...this.#workers.values()].map(ask));
  }

  async serve(listenerId: string): Promise<void> {
    const opened = this.#opened.get(listenerId);
    if (opened !== undefined) opened.isServed = true;
    await this.#askAll(() => ({ kind: 'serve', listenerId }));
  }

  async update(
    listenerId: string,
    { limits, faults }: { limits: ListenerLimits; faults: readonly Fault[] },
  ): Promise<void> {
    const opened = this.#opened.get(listenerId);
    if (opened === undefined) return;
    opened.binding = { ...opened.binding, limits, faults };
    await this.#inTurn(opened, async () => {
      const limitsOf = (worker: Worker) => this.#limitsOf(worker, opened.binding);
      await this.#askAll((one) => ({ kind: 'update', listenerId, limits: limitsOf(one), faults }));
      // Larger limits may give more workers a part.
      for (const worker of this.#workers.values()) await this.#rebind(worker, opened);
    });
  }

  async close(
    listenerId: string,
    { drainMs, reason }: { drainMs: number; reason: CloseReason },
  ): Promise<void> {
    const opened = this.#opened.get(listenerId);
    if (opened !== undefined) opened.isClosing = true;
    await this.#askAll(() => ({ kind: 'close', listenerId, drainMs, reason }));
    this.#opened.delete(listenerId);
  }

  async closeConnection(
    { workerId, connectionId }: { workerId: string; connectionId: string },
    mode: 'fin' | 'rst',
  ): Promise<void> {
    const worker = this.#workers.get(workerId);
    await worker
      ?.request({ kind: 'close_connection', connectionId, mode })
      .catch((error) => this.#unlessLost(worker, error));
  }

  status(): readonly WorkerStatus[] {
    const opened = [...this.#opened.values()];
    return [...this.#workers.values()].map(({ id, pid, openConnections, restarts }) => ({
      pid,
      listeners: opened.filter(({ sockets }) => sockets.has(id)).length,
      openConnections,
      restarts,
    }));
  }

  /** Closes every listener as `shutdown`, waits until all is on record, and ends the workers. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopping = true;
    await this.#supervisor.stop();
    const end = { drainMs: 0, reason: 'shutdown' } as const;
    try {
      await Promise.all([...this.#opened.keys()].map((id) => this.close(id, end)));
    } finally {
      await this.#supervisor[Symbol.asyncDispose]();
    }
  }
}
