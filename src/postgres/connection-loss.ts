import type { Client } from 'pg';

/**
 * The end of a connection that is held for as long as it lasts, or the stop that is waited for beside it. A process makes
 * one such connection after the other, and has one signal: whoever is done with one disposes of this.
 */
export class ConnectionLoss implements Disposable {
  readonly happened: Promise<void>;
  readonly #forget: () => void;

  constructor(client: Pick<Client, 'once' | 'on'>, stop: AbortSignal) {
    const { promise, resolve } = Promise.withResolvers<void>();
    const done = () => {
      stop.removeEventListener('abort', done);
      resolve();
    };
    client.once('end', done);
    client.on('error', done);
    stop.addEventListener('abort', done, { once: true });
    this.happened = promise;
    this.#forget = done;
  }

  [Symbol.dispose](): void {
    this.#forget();
  }
}
