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

  /** Resolves when all workers are up. A start that fails has to be disposed of. */
  async start(): Promise<void> {
    const { nodeId, log, workers } = this.#options;
    const orphans = await endOrphans(workerFile, nodeId);
    if (orphans.length > 0) {
      log.warn({ pids: orphans }, 'ended workers that an earlier run left behind');
    }
    process.once('exit', this.#onProcessExit);
    const launched = Array.from({ length: workers }, (_, slot) => this.#launch(slot));
    await Promise.all(launched.map((worker) => worker.ready.then(() => this.#onUp(worker))));
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
    const { restartMinMs, restartMaxMs } = this.#options.limits;
    const wakeUps = new WakeUps();
    for (let delayMs = restartMinMs; ; delayMs = Math.min(delayMs * 2, restartMaxMs)) {
      await wakeUps.sleep(delayMs, this.#stop.signal);
      if (this.#stop.signal.aborted) return;
      this.#restartsBySlot.set(slot, (this.#restartsBySlot.get(slot) ?? 0) + 1);
      const worker = this.#launch(slot);
      const isReady = await worker.ready.then(
        () => true,
        () => false,
      );
      if (isReady) return await this.#onUp(worker);
      this.#options.log.warn({ delayMs }, 'a new worker did not come up; trying again');
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
