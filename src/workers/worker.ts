/** One worker, as the data plane sees it: a process, and the link to it. */
import { randomUUID } from 'node:crypto';
import type { WorkerRecord } from '../core/record.ts';
import type { BoundSocket, Request, WorkerSettings } from '../echo/messages.ts';
import { Link } from './link.ts';
import { type ProcessLimits, WorkerProcess } from './worker-process.ts';

export interface WorkerOptions {
  readonly slot: number;
  readonly restarts: number;
  readonly settings: Omit<WorkerSettings, 'heartbeatMs'>;
  readonly limits: ProcessLimits;
  readonly onRecords: (
    worker: Worker,
    records: readonly WorkerRecord[],
    isAwaited: boolean,
  ) => Promise<void>;
  readonly onWarning: (worker: Worker, message: string) => void;
  readonly onEnd: (worker: Worker) => void;
  readonly onFailure: (error: unknown) => void;
}

export class Worker {
  /** Of no other worker, ever: a pid comes again, and another host has it too. */
  readonly id = randomUUID();
  /** Its place among the workers, from 0: a successor has that of the one that was lost. */
  readonly slot: number;
  /** How often a worker in this place was lost before. */
  readonly restarts: number;
  readonly ready: Promise<void>;
  readonly #process: WorkerProcess;
  readonly #link: Link;
  #openConnections = 0;

  constructor(options: WorkerOptions) {
    const { slot, restarts, settings, limits, onFailure } = options;
    this.slot = slot;
    this.restarts = restarts;
    const onWarning = (message: string) => options.onWarning(this, message);
    this.#process = new WorkerProcess({ nodeId: settings.nodeId, limits, onWarning });
    this.#link = new Link({
      transport: this.#process,
      settings: { ...settings, heartbeatMs: this.#process.heartbeatMs },
      onRecords: (records, isAwaited) => {
        this.#count(records);
        return options.onRecords(this, records, isAwaited);
      },
      onWarning,
      onEnd: () => options.onEnd(this),
      onFailure,
    });
    this.ready = this.#link.ready.then(() => this.#process.watch());
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** As last reported. */
  get openConnections(): number {
    return this.#openConnections;
  }

  #count(records: readonly WorkerRecord[]): void {
    for (const { kind } of records) {
      if (kind === 'opened') this.#openConnections += 1;
      else if (kind === 'closed') this.#openConnections -= 1;
    }
  }

  /** @throws WorkerFailure with the system's code; unavailable when the worker is gone */
  request(request: Request): Promise<BoundSocket | null> {
    return this.#link.request(request);
  }

  /** At once, in whatever state it is. */
  kill(): void {
    this.#process.kill();
  }

  /** Resolves when all that it has reported is committed and it has ended. */
  async end(): Promise<void> {
    await this.#link.settled();
    await this.#process.end();
  }
}
