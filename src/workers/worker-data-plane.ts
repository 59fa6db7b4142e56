/**
 * The data plane over worker processes. Every worker binds every listener; a worker that is lost is started
 * again with back-off, and binds them anew on the same ports.
 */

import type { CloseReason, Connection } from '../core/connection.ts';
import { AppError, invalidField } from '../core/errors.ts';
import type { Fault } from '../core/fault.ts';
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
import type { Share, WorkerSettings } from '../echo/messages.ts';
import { endOrphans } from './orphans.ts';
import { Worker, WorkerFailure, workerFile } from './worker.ts';

export interface DataPlaneLimits extends Omit<WorkerSettings, 'nodeId' | 'workers'> {
  readonly requestTimeoutMs: number;
  readonly restartMinMs: number;
  readonly restartMaxMs: number;
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
}

export class WorkerDataPlane implements DataPlane, AsyncDisposable {
  readonly #options: WorkerDataPlaneOptions;
  readonly #workers = new Set<Worker>();
  readonly #opened = new Map<string, Opened>();
  readonly #stop = new AbortController();
  readonly #restarting = new Set<Promise<void>>();
  readonly #open = new Map<number, number>();
  #restarts = 0;

  private constructor(options: WorkerDataPlaneOptions) {
    this.#options = options;
  }

  static async start(options: WorkerDataPlaneOptions): Promise<WorkerDataPlane> {
    const orphans = await endOrphans(workerFile, options.nodeId);
    if (orphans.length > 0) {
      options.log.warn({ pids: orphans }, 'ended workers that an earlier run left behind');
    }
    const plane = new WorkerDataPlane(options);
    const workers = Array.from({ length: options.workers }, () => plane.#launch());
    try {
      await Promise.all(workers.map((worker) => worker.ready));
    } catch (error) {
      await Promise.all(workers.map((worker) => worker.end()));
      throw error;
    }
    for (const worker of workers) plane.#workers.add(worker);
    return plane;
  }

  #launch(): Worker {
    const { nodeId, limits, events, onFatal, workers } = this.#options;
    const { requestTimeoutMs, restartMinMs: _min, restartMaxMs: _max, ...settings } = limits;
    const worker: Worker = new Worker({
      settings: { ...settings, nodeId, workers },
      requestTimeoutMs,
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
    const restarting = this.#restart().catch(this.#options.onFatal);
    this.#restarting.add(restarting);
    void restarting.finally(() => this.#restarting.delete(restarting));
  }

  async #restart(): Promise<void> {
    const { restartMinMs, restartMaxMs } = this.#options.limits;
    const wakeUps = new WakeUps();
    for (let delayMs = restartMinMs; ; delayMs = Math.min(delayMs * 2, restartMaxMs)) {
      await wakeUps.sleep(delayMs, this.#stop.signal);
      if (this.#stop.signal.aborted) return;
      this.#restarts += 1;
      const worker = this.#launch();
      const isUp = await worker.ready.then(
        () => true,
        () => false,
      );
      if (!isUp) {
        this.#options.log.warn({ delayMs }, 'a new worker did not come up; trying again');
        continue;
      }
      this.#workers.add(worker);
      await Promise.all([...this.#opened.keys()].map((id) => this.#rebind(worker, id)));
      return;
    }
  }

  async #rebind(worker: Worker, listenerId: string): Promise<void> {
    const opened = this.#opened.get(listenerId);
    if (opened === undefined || opened.isClosing) return;
    const { events, log, workers } = this.#options;
    try {
      const laddr = await this.#openOn(worker, opened, workers === 1 ? 'alone' : 'next');
      if (opened.isServed) await worker.request({ kind: 'serve', listenerId });
      events.onRebound(listenerId, { laddr, sockets: [...opened.sockets.values()].flat() });
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      // Lost again: its successor binds it.
      if (error.code === 'unavailable' && !this.#workers.has(worker)) return;
      if (opened.sockets.size > 0) {
        log.warn(
          { err: error, listenerId, workerPid: worker.pid },
          'a worker serves no part of it',
        );
      } else events.onRebound(listenerId, { code: error.code, message: error.message });
    }
  }

  async #openOn(worker: Worker, opened: Opened, share: Share): Promise<Bound['laddr']> {
    const { binding, sockets } = opened;
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
    const [first] = this.#workers;
    if (first === undefined) {
      throw new AppError('unavailable', 'no worker is up', { retryAfterMs: 1000 });
    }
    const opened: Opened = { binding, isServed: false, isClosing: false, sockets: new Map() };
    const share = this.#options.workers === 1 ? 'alone' : 'first';
    const laddr = await this.#openOn(first, opened, share);
    opened.binding = { ...binding, port: laddr.port };
    // A worker that comes up from here on binds it by itself.
    this.#opened.set(binding.listenerId, opened);
    const others = [...this.#workers].filter((worker) => worker !== first);
    await Promise.all(others.map((worker) => this.#openOn(worker, opened, 'next')));
    return { laddr, sockets: [...opened.sockets.values()].flat() };
  }

  async serve(listenerId: string): Promise<void> {
    const opened = this.#opened.get(listenerId);
    if (opened !== undefined) opened.isServed = true;
    await Promise.allSettled(
      [...this.#workers].map((worker) => worker.request({ kind: 'serve', listenerId })),
    );
  }

  async update(
    listenerId: string,
    { limits, faults }: { limits: ListenerLimits; faults: readonly Fault[] },
  ): Promise<void> {
    const opened = this.#opened.get(listenerId);
    if (opened === undefined) return;
    opened.binding = { ...opened.binding, limits, faults };
    const request = { kind: 'update', listenerId, limits, faults } as const;
    await Promise.all([...this.#workers].map((worker) => worker.request(request)));
  }

  async close(
    listenerId: string,
    { drainMs, reason }: { drainMs: number; reason: CloseReason },
  ): Promise<void> {
    const opened = this.#opened.get(listenerId);
    if (opened !== undefined) opened.isClosing = true;
    const request = { kind: 'close', listenerId, drainMs, reason } as const;
    await Promise.all(
      [...this.#workers].map((worker) =>
        // A worker that is lost meanwhile has no port and no connection any more.
        worker.request(request, drainMs).catch((error: unknown) => {
          if (this.#workers.has(worker)) throw error;
        }),
      ),
    );
    this.#opened.delete(listenerId);
  }

  async closeConnection({ id, pid }: Connection, mode: 'fin' | 'rst'): Promise<void> {
    const worker = [...this.#workers].find((one) => one.pid === pid);
    await worker?.request({ kind: 'close_connection', connectionId: id, mode });
  }

  status(): readonly WorkerStatus[] {
    return [...this.#workers].map(({ pid }) => ({
      pid,
      listeners: this.#opened.size,
      openConnections: this.#open.get(pid) ?? 0,
      restarts: this.#restarts,
    }));
  }

  /** Closes every listener as `shutdown`, waits until all is on record, and ends the workers. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#restarting);
    const end = { drainMs: 0, reason: 'shutdown' } as const;
    await Promise.all([...this.#opened.keys()].map((id) => this.close(id, end)));
    await Promise.all([...this.#workers].map((worker) => worker.end()));
  }
}

function bindError(error: unknown, { host, port }: Binding): unknown {
  if (!(error instanceof WorkerFailure)) return error;
  switch (error.code) {
    case 'EADDRINUSE':
      return new AppError('port_in_use', `${host} port ${port} is in use by another process`, {
        owner: 'foreign',
      });
    case 'EADDRNOTAVAIL':
      return invalidField('host', 'is not an address of this machine');
    case 'EACCES':
      return new AppError('port_privileged', `this process may not bind port ${port}`);
    case 'EMFILE':
    case 'ENFILE':
      return new AppError('resource_exhausted', 'no file descriptor is left', {
        limit: error.code,
      });
    default:
      return new AppError('unavailable', `the bind failed: ${error.code}`, { cause: error });
  }
}
