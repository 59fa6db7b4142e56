/** What the workers of a host of its own were told last of the time, and of how long they may go on. */
import { hasCode } from '../core/errors.ts';
import type { WorkerLease } from '../core/worker-lease.ts';
import type { Worker } from './worker.ts';

type ToldWorker = Pick<Worker, 'request'>;

export class WorkerLeases {
  readonly #up: ReadonlyMap<string, ToldWorker>;
  readonly #onFatal: (error: unknown) => void;
  /** Null in a control plane: its workers go by the system's clock, and end with it. */
  #lease: WorkerLease | null = null;

  /** Those that are up, by id. */
  constructor(
    up: ReadonlyMap<string, ToldWorker>,
    options: { readonly onFatal: (error: unknown) => void },
  ) {
    this.#up = up;
    this.#onFatal = options.onFatal;
  }

  /** From now on they go by this, until it is said again. */
  extend(lease: WorkerLease): void {
    this.#lease = lease;
    for (const worker of this.#up.values()) this.tell(worker);
  }

  /** Before it binds anything. */
  tell(worker: ToldWorker): void {
    if (this.#lease === null) return;
    worker.request({ kind: 'lease', lease: this.#lease }).catch((error: unknown) => {
      // The successor of a worker that is lost is told.
      if (!hasCode(error, 'unavailable')) this.#onFatal(error);
    });
  }
}
