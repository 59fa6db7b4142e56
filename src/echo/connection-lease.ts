/** What a worker was told last of the time, and of how long it may go on: after that all its connections end. */
import type { WorkerLease } from '../core/worker-lease.ts';
import type { OpenConnection } from './echo-listener.ts';
import type { LedClock } from './worker-clock.ts';

export class ConnectionLease {
  readonly #connections: ReadonlyMap<string, OpenConnection>;
  readonly #clock: LedClock;
  #timer: NodeJS.Timeout | undefined;

  constructor(connections: ReadonlyMap<string, OpenConnection>, clock: LedClock) {
    this.#connections = connections;
    this.#clock = clock;
  }

  /** A timer comes before what arrived in the same turn is read: so it does in a process that was frozen. */
  take({ clockOffset, until }: WorkerLease): void {
    this.#clock.goBy(clockOffset);
    clearTimeout(this.#timer);
    const leftMs = Math.ceil((until - this.#clock.monotonic()) / 1000);
    if (leftMs <= 0) this.#endAll();
    else this.#timer = setTimeout(() => this.#endAll(), leftMs).unref();
  }

  /** At once: a FIN would leave it to the client for how long it stays. */
  #endAll(): void {
    for (const connection of [...this.#connections.values()]) {
      connection.close('rst', 'system', 'node_lost');
    }
  }
}
