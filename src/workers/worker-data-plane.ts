/**
 * The data plane over worker processes. Every worker binds every listener that it has a part in; a worker that is lost
 * is started again with back-off, and binds them anew on the same ports.
 *
 * - What was asked of a worker that is lost meanwhile has not failed: its successor does it, or it is no more.
 * - The binds of one listener come one after the other: each sees whether the port is ours already.
 */
import type { CloseReason, Connection } from '../core/connection.ts';
import { AppError } from '../core/errors.ts';
import type { Fault } from '../core/fault.ts';
import { inParallel } from '../core/in-parallel.ts';
import type { ListenerLimits, ListeningSocket } from '../core/listener.ts';
import type {
  Binding,
  Bound,
  Clock,
  DataPlane,
  DataPlaneEvents,
  Logger,
  WorkerStatus,
} from '../core/ports.ts';
import { WakeUps } from '../core/wake-ups.ts';
import type { Request, Share, WorkerSettings } from '../echo/messages.ts';
import { bindError } from './bind-error.ts';
import { endOrphans } from './orphans.ts';
import { Worker, type WorkerLimits, workerFile } from './worker.ts';
import { shareOf } from './worker-share.ts';

export interface DataPlaneLimits
  extends WorkerLimits,
    Omit<WorkerSettings, 'nodeId' | 'workers' | 'heartbeatMs'> {
  readonly restartMinMs: number;
  readonly restartMaxMs: number;
  readonly rebindsAtOnceMax: number;
}

export interface WorkerDataPlaneOptions {
  readonly workers: number;
  readonly nodeId: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly limits: DataPlaneLimits;
  readonly events: DataPlaneEvents;
  readonly onFatal: (error: unknown) => void;
}

interface Opened {
  binding: Binding;
  isServed: boolean;
  isClosing: boolean;
  readonly sockets: Map<Worker, readonly ListeningSocket[]>;
  /** The end of what was last begun with its sockets. */
  turn: Promise<unknown>;
}

export class WorkerDataPlane implements DataPlane, AsyncDisposable {
  readonly #options: WorkerDataPlaneOptions;
  readonly #workers = new Set<Worker>();
  readonly #opened = new Map<string, Opened>();
  readonly #stop = new AbortController();
  readonly #restarting = new Set<Promise<void>>();
  readonly #open = new Map<number, number>();
  readonly #restartsBySlot = new Map<number, number>();

  private constructor(options: WorkerDataPlaneOptions) {
    this.#options = options;
  }

  static async start(options: WorkerDataPlaneOptions): Promise<WorkerDataPlane> {
    const orphans = await endOrphans(workerFile, options.nodeId);
    if (orphans.length > 0) {
      options.log.warn({ pids: orphans }, 'ended workers that an earlier run left behind');
    }
    const plane = new WorkerDataPlane(options);
    const workers = Array.from({ length: options.workers }, (_, slot) => plane.#launch(slot));
    try {
      await Promise.all(workers.map((worker) => plane.#untilUp(worker)));
    } catch (error) {
      await plane[Symbol.asyncDispose]();
      await Promise.all(workers.map((worker) => worker.end()));
      throw error;
    }
    return plane;
  }

  async #untilUp(worker: Worker): Promise<true> {
    await worker.ready;
    this.#workers.add(worker);
    return true;
  }

  #launch(slot: number): Worker {
    const { nodeId, limits, events, onFatal, workers } = this.#options;
    const worker: Worker = new Worker({
      slot,
      settings: { ...limits, nodeId, workers },
      limits,
      onRecords: (records) => {
        for (const { kind } of records) {
          const change = kind === 'opened' ? 1 : kind === 'closed' ? -1 : 0;
          this.#open.set(worker.pid, (this.#open.get(worker.pid) ?? 0) + change);
        }
        return events.onRecords(records);
      },
      onWarning: (message) => this.#options.log.warn({ workerPid: worker.pid }, message),
      onExit: (lost) => this.#onExit(lost),
      onFailure: onFatal,
    });
    return worker;
  }

  #onExit(lost: Worker): void {
    // One that never came up is started again by whoever waits for it.
    const wasUp = this.#workers.delete(lost);
    this.#open.delete(lost.pid);
    for (const { sockets } of this.#opened.values()) sockets.delete(lost);
    if (!wasUp || this.#stop.signal.aborted) return;
    this.#options.log.warn({ workerPid: lost.pid }, 'a worker was lost; starting another');
    this.#options.events.onWorkerLost(lost.pid);
    const restarting = this.#restart(lost.slot).catch(this.#options.onFatal);
    this.#restarting.add(restarting);
    void restarting.finally(() => this.#restarting.delete(restarting));
  }

  async #restart(slot: number): Promise<void> {
    const { restartMinMs, restartMaxMs } = this.#options.limits;
    const wakeUps = new WakeUps();
    for (let delayMs = restartMinMs; ; delayMs = Math.min(delayMs * 2, restartMaxMs)) {
      await wakeUps.sleep(delayMs, this.#stop.signal);
      if (this.#stop.signal.aborted) return;
      this.#restartsBySlot.set(slot, (this.#restartsBySlot.get(slot) ?? 0) + 1);
      const worker = this.#launch(slot);
      if (!(await this.#untilUp(worker).catch(() => false))) {
        this.#options.log.warn({ delayMs }, 'a new worker did not come up; trying again');
        continue;
      }
      const rebind = (opened: Opened) => this.#inTurn(opened, () => this.#rebind(worker, opened));
      await inParallel([...this.#opened.values()], this.#options.limits.rebindsAtOnceMax, rebind);
      return;
    }
  }

  async #inTurn<Result>(opened: Opened, work: () => Promise<Result>): Promise<Result> {
    const result = opened.turn.then(work);
    opened.turn = result.catch(() => undefined);
    return await result;
  }

  async #rebind(worker: Worker, opened: Opened): Promise<void> {
    const { binding, sockets } = opened;
    if (opened.isClosing || sockets.has(worker) || !this.#hasPart(worker, binding)) return;
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
      if (opened.isClosing || !this.#workers.has(worker)) return;
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
        worker,
        [fd, ...moreFds].map((each) => ({ pid: worker.pid, fd: each })),
      );
      return { ip, port };
    } catch (error) {
      throw bindError(error, binding);
    }
  }

  async open(binding: Binding): Promise<Bound> {
    const first = [...this.#workers].find((worker) => this.#hasPart(worker, binding));
    if (first === undefined) {
      throw new AppError('unavailable', 'no worker is up', { retryAfterMs: 1000 });
    }
    const [sockets, turn] = [new Map(), Promise.resolve()];
    const opened: Opened = { binding, isServed: false, isClosing: false, sockets, turn };
    const laddr = await this.#openOn(first, opened, 'first');
    opened.binding = { ...binding, port: laddr.port };
    // A worker that comes up from here on binds it by itself.
    this.#opened.set(binding.listenerId, opened);
    const others = [...this.#workers].filter((worker) => worker !== first);
    try {
      await this.#inTurn(opened, () => Promise.all(others.map((one) => this.#join(one, opened))));
    } catch (error) {
      await this.close(binding.listenerId, { drainMs: 0, reason: 'listener_deleted' });
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
    if (this.#workers.has(worker)) throw error;
  }

  /** Resolves when each worker has done it, or is no more. */
  async #askAll(requestOf: (worker: Worker) => Request): Promise<void> {
    const ask = (worker: Worker) =>
      worker.request(requestOf(worker)).catch((error) => this.#unlessLost(worker, error));
    await Promise.all([...this.#workers].map(ask));
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
      for (const worker of this.#workers) await this.#rebind(worker, opened);
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

  async closeConnection({ id, pid }: Connection, mode: 'fin' | 'rst'): Promise<void> {
    const worker = [...this.#workers].find((one) => one.pid === pid);
    if (worker === undefined) return;
    await worker
      .request({ kind: 'close_connection', connectionId: id, mode })
      .catch((error) => this.#unlessLost(worker, error));
  }

  status(): readonly WorkerStatus[] {
    const opened = [...this.#opened.values()];
    return [...this.#workers].map((worker) => ({
      pid: worker.pid,
      listeners: opened.filter(({ sockets }) => sockets.has(worker)).length,
      openConnections: this.#open.get(worker.pid) ?? 0,
      restarts: this.#restartsBySlot.get(worker.slot) ?? 0,
    }));
  }

  /** Closes every listener as `shutdown`, waits until all is on record, and ends the workers. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#restarting);
    const end = { drainMs: 0, reason: 'shutdown' } as const;
    try {
      await Promise.all([...this.#opened.keys()].map((id) => this.close(id, end)));
    } finally {
      await Promise.all([...this.#workers].map((worker) => worker.end()));
    }
  }
}
