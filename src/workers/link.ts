/**
 * What the control plane and one worker say to each other, whatever carries it: requests with their answers, and
 * batches of records, each acknowledged once it is committed. A worker sends no more than so many that are not: an
 * acknowledgement that waits is what holds it back.
 */
import { AppError } from '../core/errors.ts';
import type { WorkerRecord } from '../core/record.ts';
import type {
  BoundSocket,
  Command,
  Report,
  Request,
  Transport,
  WorkerSettings,
} from '../echo/messages.ts';
import { fromRows } from '../echo/record-rows.ts';

export interface LinkOptions {
  readonly transport: Transport<Command, Report>;
  readonly settings: WorkerSettings;
  /** Resolves once all is committed. */
  readonly onRecords: (records: readonly WorkerRecord[], isAwaited: boolean) => Promise<void>;
  readonly onWarning: (message: string) => void;
  /** The link is over: all that came has been passed on, and what waits for an answer fails right after. */
  readonly onEnd: () => void;
  readonly onFailure: (error: unknown) => void;
}

/** A code is told to callers and kept in events, whatever a worker says. */
const codeCharsMax = 200;

export class WorkerFailure extends Error {
  override readonly name = 'WorkerFailure';
  /** The system's error code. */
  readonly code: string;

  constructor(code: string) {
    const short = code.slice(0, codeCharsMax);
    super(`the worker answered ${short}`);
    this.code = short;
  }
}

function gone(): AppError {
  return new AppError('unavailable', 'the worker was lost', { retryAfterMs: 1000 });
}

export class Link {
  /** Rejects with `unavailable` where the link ends before. */
  readonly ready: Promise<void>;
  readonly #options: LinkOptions;
  readonly #ready = Promise.withResolvers<void>();
  readonly #waiting = new Map<number, PromiseWithResolvers<BoundSocket | null>>();
  /** Batches that are being committed. */
  readonly #committing = new Set<Promise<void>>();
  #requests = 0;
  #hasEnded = false;

  /** Starts the worker: nothing was said to it before. */
  constructor(options: LinkOptions) {
    this.#options = options;
    this.ready = this.#ready.promise;
    const { transport, settings } = options;
    transport.onMessage((report) => this.#onReport(report));
    transport.onEnd(() => this.#onEnd());
    transport.send({ kind: 'start', settings });
  }

  #onReport(report: Report): void {
    switch (report.kind) {
      case 'ready':
        this.#ready.resolve();
        break;
      case 'alive':
        break;
      case 'warning':
        this.#options.onWarning(report.message);
        break;
      case 'done':
        this.#waiting.get(report.number)?.resolve(report.bound);
        break;
      case 'failed':
        this.#waiting.get(report.number)?.reject(new WorkerFailure(report.code));
        break;
      case 'records':
        this.#commit(report);
    }
  }

  #commit({ batch, rows, isAwaited = false }: Extract<Report, { kind: 'records' }>): void {
    const { transport, onRecords, onFailure } = this.#options;
    const committing = onRecords(fromRows(rows), isAwaited).then(
      () => transport.send({ kind: 'committed', batch }),
      onFailure,
    );
    this.#committing.add(committing);
    void committing.finally(() => this.#committing.delete(committing));
  }

  #onEnd(): void {
    this.#hasEnded = true;
    this.#ready.promise.catch(() => undefined);
    this.#ready.reject(gone());
    for (const waiting of this.#waiting.values()) waiting.reject(gone());
    this.#options.onEnd();
  }

  /** @throws WorkerFailure with the system's code; unavailable when the worker is gone */
  async request(request: Request): Promise<BoundSocket | null> {
    if (this.#hasEnded) throw gone();
    const number = ++this.#requests;
    const waiting = Promise.withResolvers<BoundSocket | null>();
    this.#waiting.set(number, waiting);
    this.#options.transport.send({ kind: 'request', number, request });
    try {
      return await waiting.promise;
    } finally {
      this.#waiting.delete(number);
    }
  }

  /** Resolves when all that the worker has reported so far is committed. */
  async settled(): Promise<void> {
    await Promise.all(this.#committing);
  }
}
