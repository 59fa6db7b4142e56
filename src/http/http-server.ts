/** The REST edge: starts listening, and stops in order. */
import type { AddressInfo } from 'node:net';
import type { Address } from '../core/address.ts';
import { listenError } from '../edge-sockets/listen-error.ts';
import { firstAddressOf, LoopbackTwin } from '../edge-sockets/loopback-twin.ts';
import { type HttpAppOptions, httpApp, type ReadyApp } from './http-app.ts';

export interface HttpServerOptions extends HttpAppOptions {
  readonly host: string;
  readonly port: number;
}

interface Parts extends ReadyApp {
  readonly twin: LoopbackTwin | null;
  readonly stopTimeoutMs: number;
}

export class HttpServer implements AsyncDisposable {
  readonly address: Address;
  readonly #parts: Parts;
  #stopping: Promise<void> | null = null;

  private constructor(parts: Parts, address: Address) {
    this.#parts = parts;
    this.address = address;
  }

  /** Rejects with the system's reason when it cannot bind. */
  static async start(options: HttpServerOptions): Promise<HttpServer> {
    const { stopTimeoutMs } = options.limits;
    const ready = await httpApp(options);
    const { app } = ready;
    const { host, port: wanted } = options;
    try {
      const listening: Promise<unknown> = app.listen({ host: firstAddressOf(host), port: wanted });
      await listening;
      const { address: ip, port } = app.server.address() as AddressInfo;
      const twin = await LoopbackTwin.listen(host, app.server, port);
      return new HttpServer({ ...ready, twin, stopTimeoutMs }, { ip, port });
    } catch (error) {
      await app.close();
      throw listenError('REST', { ip: host, port: wanted }, error);
    }
  }

  /**
   * Takes no more connections, lets requests that are under way end within a bound, then cuts the rest.
   * Streams are ended by the control plane, before. Idempotent.
   */
  stop(): Promise<void> {
    this.#stopping ??= this.#close();
    return this.#stopping;
  }

  async #close(): Promise<void> {
    const { app, connections, handshakes, twin, stopTimeoutMs } = this.#parts;
    const closeIdle = () => {
      connections.closeIdle();
      handshakes?.closeAll();
    };
    // A connection that falls idle once its request is answered would stay for its keep-alive time.
    const sweep = setInterval(closeIdle, sweepMs);
    const cut = setTimeout(() => app.server.closeAllConnections(), stopTimeoutMs);
    try {
      closeIdle();
      await Promise.all([app.close(), twin?.close()]);
    } finally {
      clearInterval(sweep);
      clearTimeout(cut);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

const sweepMs = 50;
