/**
 * `localhost` is two addresses (RFC 6761, 6.3), and clients try either first: a server on the one answers on the
 * other, too, where the host has it.
 */
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';

const [ipv4, ipv6] = ['127.0.0.1', '::1'] as const;

/** The address that a server is to bind for a host. */
export function firstAddressOf(host: string): string {
  return host === 'localhost' ? ipv4 : host;
}

export class LoopbackTwin {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /**
   * For a server that listens on the first address of the host already: hands it what comes to the second one, on the
   * same port. Null where there is no second address.
   */
  static async listen(host: string, first: Server, port: number): Promise<LoopbackTwin | null> {
    if (host !== 'localhost') return null;
    const server = createServer({ noDelay: true }, (socket) => first.emit('connection', socket));
    server.listen({ host: ipv6, port, ipv6Only: true });
    try {
      await once(server, 'listening');
    } catch (error) {
      if (isAbsent(error)) return null;
      throw error;
    }
    return new LoopbackTwin(server);
  }

  /** Takes no more; resolves when all its connections are closed. */
  async close(): Promise<void> {
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

function isAbsent(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : null;
  return code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT';
}
