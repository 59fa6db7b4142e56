/** A worker without a process: it answers one request after the other, once it is let, and can die in between. */
import { randomUUID } from 'node:crypto';
import { AppError } from '../../src/core/errors.ts';
import type { ListenerLimits } from '../../src/core/listener.ts';
import type { BoundSocket, Request } from '../../src/echo/messages.ts';
import { WorkerFailure } from '../../src/workers/link.ts';
import type { ServingWorker } from '../../src/workers/wished-listener.ts';

/** Whether another process has the port that is asked for. */
export interface PortTable {
  isForeign: boolean;
}

export interface FakeWorkerOptions {
  readonly slot: number;
  readonly ports: PortTable;
  /** Waited for before each answer. */
  readonly answer: () => Promise<void>;
}

let lastPid = 100;

export class FakeWorker implements ServingWorker {
  readonly id = randomUUID();
  readonly pid = ++lastPid;
  readonly slot: number;
  /** How often it was asked to bind. */
  binds = 0;
  /** It has files for so many more. */
  bindsLeft = Number.POSITIVE_INFINITY;
  /** The listener that it has. */
  listening: { limits: ListenerLimits; isServed: boolean; readonly fd: number } | null = null;
  readonly #options: FakeWorkerOptions;
  readonly #death = Promise.withResolvers<never>();
  #turn: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  constructor(options: FakeWorkerOptions) {
    this.#options = options;
    this.slot = options.slot;
    this.#death.promise.catch(() => undefined);
  }

  /** What waits for an answer fails; its sockets are no more. */
  die(): void {
    this.listening = null;
    this.#death.reject(new AppError('unavailable', 'the worker was lost'));
  }

  async request(request: Request): Promise<BoundSocket | null> {
    if (request.kind === 'open') this.binds += 1;
    if (request.kind === 'close') this.#isClosed = true;
    else if (this.#isClosed) throw new TypeError('nothing is asked of a listener after its end');
    const answered = this.#turn.then(this.#options.answer);
    this.#turn = answered.catch(() => undefined);
    const acted = answered.then(() => this.#act(request));
    acted.catch(() => undefined);
    return await Promise.race([this.#death.promise, acted]);
  }

  #act(request: Request): BoundSocket | null {
    switch (request.kind) {
      case 'open': {
        const { ports } = this.#options;
        if (ports.isForeign && request.share !== 'next') throw new WorkerFailure('EADDRINUSE');
        if (this.bindsLeft === 0) throw new WorkerFailure('EMFILE');
        this.bindsLeft -= 1;
        if (this.listening !== null) throw new TypeError('it is bound already');
        const { host, port, limits } = request.binding;
        this.listening = { limits, isServed: false, fd: this.binds };
        return { ip: host, port, fd: this.binds };
      }
      case 'serve':
        if (this.listening !== null) this.listening.isServed = true;
        return null;
      case 'update':
        if (this.listening !== null) this.listening.limits = request.limits;
        return null;
      case 'close':
        this.listening = null;
        return null;
      case 'lease':
      case 'limit_project':
      case 'close_connection':
        return null;
    }
  }
}
