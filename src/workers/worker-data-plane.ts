/**
 * The data plane over workers: the listeners that are held or wished, and the workers that are up. Whenever one of these
 * changes, the listener brings the workers to what is wished; the successor of a worker that is lost begins with none.
 */
import type { CloseReason } from '../core/connection.ts';
import { inParallel } from '../core/in-parallel.ts';
import type {
  Binding,
  Bound,
  DataPlane,
  DataPlaneEvents,
  ListenerEnd,
  Logger,
  ProjectLimits,
  Wish,
  WorkerStatus,
} from '../core/ports.ts';
import type { ProjectRef } from '../core/project.ts';
import { ProjectShares } from './project-shares.ts';
import { WishedListener } from './wished-listener.ts';
import type { Worker } from './worker.ts';
import { WorkerLeases } from './worker-leases.ts';
import { type SupervisorLimits, WorkerSupervisor } from './worker-supervisor.ts';

export interface DataPlaneLimits extends SupervisorLimits {
  readonly rebindMinMs: number;
  readonly rebindMaxMs: number;
  /** Listeners that are brought to a new worker at once. */
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

export class WorkerDataPlane implements DataPlane, AsyncDisposable {
  readonly leases: WorkerLeases;
  readonly #options: WorkerDataPlaneOptions;
  readonly #supervisor: WorkerSupervisor;
  /** Those that are up, by id. */
  readonly #up = new Map<string, Worker>();
  /** Held or wished, by id; one that is being closed stays until it is. */
  readonly #listeners = new Map<string, WishedListener>();
  /** What was wished last of each that is to be gone, until it is. */
  readonly #ends = new Map<string, ListenerEnd>();
  readonly #shares: ProjectShares;
  #isStopping = false;

  private constructor(options: WorkerDataPlaneOptions) {
    this.#options = options;
    this.#shares = new ProjectShares(options);
    this.leases = new WorkerLeases(this.#up, options);
    this.#supervisor = new WorkerSupervisor({
      ...options,
      onUp: (worker) => this.#onUp(worker),
      onRecords: ({ id }, ...report) => options.events.onRecords(id, ...report),
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
    this.#up.set(worker.id, worker);
    this.leases.tell(worker);
    this.#shares.tellAll(worker);
    const { rebindsAtOnceMax } = this.#options.limits;
    const listeners = [...this.#listeners.values()];
    await inParallel(listeners, rebindsAtOnceMax, (listener) => listener.reconcile());
  }

  #onGone({ id }: Worker): void {
    this.#up.delete(id);
    // The connections of one that is lost in a stop are closed by the next start.
    if (!this.#isStopping) this.#options.events.onWorkerLost(id);
  }

  #add(binding: Binding): WishedListener {
    const { workers, limits, log, events, onFatal } = this.#options;
    const listener = new WishedListener(binding, {
      ...{ workers, limits, log, onFatal, up: this.#up },
      hasRoom: (slot) => this.#shares.hasRoom(binding.project, slot),
      onObserved: (observed) => events.onObserved(observed),
    });
    // A worker that comes up from here on is brought there by itself.
    this.#listeners.set(binding.listenerId, listener);
    return listener;
  }

  async open(binding: Binding): Promise<Bound> {
    const { listenerId } = binding;
    if (this.#listeners.has(listenerId)) {
      throw new TypeError(`listener ${listenerId} is open already`);
    }
    try {
      return await this.#add(binding).open();
    } catch (error) {
      this.#listeners.delete(listenerId);
      throw error;
    }
  }

  async release(listenerId: string): Promise<void> {
    await this.#close(listenerId, 0, 'listener_deleted');
  }

  async wish(wish: Wish): Promise<void> {
    const { binding } = wish;
    const listener = this.#listeners.get(binding.listenerId) ?? this.#add(binding);
    await listener.wish(wish);
  }

  endWish(end: ListenerEnd): void {
    const { listenerId, drainMs } = end;
    const isUnderWay = this.#ends.has(listenerId);
    this.#ends.set(listenerId, end);
    if (!isUnderWay) this.#end(end).catch(this.#options.onFatal);
    else void this.#listeners.get(listenerId)?.close(drainMs, 'listener_deleted');
  }

  /** It is told once, of the last of those who asked for it. */
  async #end(first: ListenerEnd): Promise<void> {
    const { listenerId, drainMs } = first;
    await this.#close(listenerId, drainMs, 'listener_deleted');
    const { generation } = this.#ends.get(listenerId) ?? first;
    this.#ends.delete(listenerId);
    this.#options.events.onObserved({ listenerId, generation, state: 'gone' });
  }

  async #close(listenerId: string, drainMs: number, reason: CloseReason): Promise<void> {
    const listener = this.#listeners.get(listenerId);
    await listener?.close(drainMs, reason);
    if (this.#listeners.get(listenerId) === listener) this.#listeners.delete(listenerId);
  }

  async closeConnection(
    { workerId, connectionId }: { workerId: string; connectionId: string },
    mode: 'fin' | 'rst',
  ): Promise<void> {
    const closed = this.#up
      .get(workerId)
      ?.request({ kind: 'close_connection', connectionId, mode });
    await closed?.catch((error: unknown) => {
      if (this.#up.has(workerId)) throw error;
    });
  }

  limitProject(project: ProjectRef, limits: ProjectLimits | null): void {
    this.#shares.limit(project, limits, this.#up.values());
    // A worker that had no part may have one now.
    for (const listener of this.#listeners.values()) {
      if (listener.project === project) void listener.reconcile();
    }
  }

  status(): readonly WorkerStatus[] {
    const listeners = [...this.#listeners.values()];
    return [...this.#up.values()].map((worker) => ({
      pid: worker.pid,
      listeners: listeners.filter((listener) => listener.isOn(worker)).length,
      openConnections: worker.openConnections,
      restarts: worker.restarts,
    }));
  }

  /** Closes every listener as `shutdown`, waits until all is on record, and ends the workers. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopping = true;
    await this.#supervisor.stop();
    const ids = [...this.#listeners.keys()];
    try {
      await Promise.all(ids.map((id) => this.#close(id, 0, 'shutdown')));
    } finally {
      await this.#supervisor[Symbol.asyncDispose]();
    }
  }
}
