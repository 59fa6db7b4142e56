/** Keeps worker processes up: one that is lost is started again in its place, with back-off. */
import type { Logger } from '../core/ports.ts';
import { WakeUps } from '../core/wake-ups.ts';
import type { WorkerSettings } from '../echo/messages.ts';
import { endOrphans } from './orphans.ts';
import { Worker, type WorkerOptions } from './worker.ts';
import { type ProcessLimits, workerFile } from './worker-process.ts';

export interface SupervisorLimits
  extends ProcessLimits,
    Omit<WorkerSettings, 'nodeId' | 'workers' | 'heartbeatMs'> {
  readonly restartMinMs: number;
  readonly restartMaxMs: number;
}

export interface SupervisorOptions {
  readonly workers: number;
  readonly nodeId: string;
  readonly log: Logger;
  readonly limits: SupervisorLimits;
  /** A worker takes requests. A stop waits for what is done here. */
  readonly onUp: (worker: Worker) => Promise<void>;
  readonly onRecords: WorkerOptions['onRecords'];
  /** A worker that was up is gone, and all that it reported has been passed on. */
  readonly onGone: (worker: Worker) => void;
  readonly onFatal: (error: unknown) => void;
}

/** Of each worker of a start: what keeps it from coming up is told of by then, and not waited for any longer. */
const startTriesMax = 3;

export class WorkerSupervisor implements AsyncDisposable {
  readonly #options: SupervisorOptions;
  /** Every worker whose process has not ended, up or not. */
  readonly #workers = new Set<Worker>();
  readonly #up = new Set<Worker>();
  readonly #stop = new AbortController();
  readonly #restarting = new Set<Promise<void>>();
  readonly #restartsBySlot = new Map<number, number>();
  /** A worker that is stopped or stuck would not see that its control plane is gone. */
  readonly #onProcessExit = () => {
    for (const worker of this.#workers) worker.kill();
  };

  constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  /** Resolves when all workers are up. A start that fails has to be disposed of. @throws unavailable where one does not come up */
  async start(): Promise<void> {
    const { nodeId, log, workers } = this.#options;
    const orphans = await endOrphans(workerFile, nodeId);
    if (orphans.length > 0) {
      log.warn({ pids: orphans }, 'ended workers that an earlier run left behind');
    }
    process.once('exit', this.#onProcessExit);
    const slots = Array.from({ length: workers }, (_, slot) => slot);
    await Promise.all(slots.map((slot) => this.#bringUp(this.#launch(slot), startTriesMax)));
  }

  #launch(slot: number): Worker {
    const { nodeId, limits, workers, log, onRecords, onFatal } = this.#options;
    const worker = new Worker({
      slot,
      restarts: this.#restartsBySlot.get(slot) ?? 0,
      settings: { ...limits, nodeId, workers },
      limits,
      onRecords,
      onWarning: ({ pid }, message) => log.warn({ workerPid: pid }, message),
      onEnd: (ended) => this.#onEnd(ended),
      onFailure: onFatal,
    });
    this.#workers.add(worker);
    return worker;
  }

  async #onUp(worker: Worker): Promise<void> {
    this.#up.add(worker);
    await this.#options.onUp(worker);
  }

  #onEnd(worker: Worker): void {
    this.#workers.delete(worker);
    // Whoever waits for a worker that never came up starts it again.
    if (!this.#up.delete(worker)) return;
    if (!this.#stop.signal.aborted) {
      this.#options.log.warn({ workerPid: worker.pid }, 'a worker was lost; starting another');
      const restarting = this.#restart(worker.slot).catch(this.#options.onFatal);
      this.#restarting.add(restarting);
      void restarting.finally(() => this.#restarting.delete(restarting));
    }
    this.#options.onGone(worker);
  }

  async #restart(slot: number): Promise<void> {
    const { restartMinMs } = this.#options.limits;
    const worker = await this.#launchAfter(restartMinMs, slot);
    if (worker !== null) await this.#bringUp(worker, Number.POSITIVE_INFINITY);
  }

  /** Null in a stop. */
  async #launchAfter(delayMs: number, slot: number): Promise<Worker | null> {
    await new WakeUps().sleep(delayMs, this.#stop.signal);
    if (this.#stop.signal.aborted) return null;
    this.#restartsBySlot.set(slot, (this.#restartsBySlot.get(slot) ?? 0) + 1);
    return this.#launch(slot);
  }

  /** It, or one that is launched for it with back-off. @throws unavailable where none of so many comes up */
  async #bringUp(first: Worker, triesMax: number): Promise<void> {
    const { restartMinMs, restartMaxMs } = this.#options.limits;
    let delayMs = restartMinMs;
    let worker: Worker | null = first;
    for (let triesLeft = triesMax; worker !== null; triesLeft -= 1) {
      const up: Worker = worker;
      const isReady = await up.ready.then(
        () => true,
        (error: unknown) => {
          if (triesLeft === 1) throw error;
          return false;
        },
      );
      if (isReady) return await this.#onUp(up);
      delayMs = Math.min(delayMs * 2, restartMaxMs);
      this.#options.log.warn({ delayMs }, 'a new worker did not come up; trying again');
      worker = await this.#launchAfter(delayMs, first.slot);
    }
  }

  /** Starts no worker any more. Resolves when none is on its way up. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#restarting);
  }

  /** Resolves when all that the workers have reported is committed, and they have ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await Promise.all([...this.#workers].map((worker) => worker.end()));
    process.off('exit', this.#onProcessExit);
  }
}
