/** A listening TCP socket with the connections that it accepted. */
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { type Address, formatAddress } from '../core/address.ts';

export class SocketSet {
  readonly #server: Server;
  readonly #sockets = new Map<string, Socket>();

  constructor(connectionsMax: number, onConnection: (socket: Socket) => void) {
    this.#server = createServer({ noDelay: true }, (socket) => {
      const peer = `${socket.remoteAddress}:${socket.remotePort}`;
      this.#sockets.set(peer, socket);
      socket.once('close', () => this.#sockets.delete(peer));
      socket.on('error', () => socket.destroy());
      onConnection(socket);
    });
    this.#server.maxConnections = connectionsMax;
  }

  /** Rejects with the system's reason. */
  async listen(host: string, port: number): Promise<Address> {
    this.#server.listen({ host, port });
    try {
      await once(this.#server, 'listening');
    } catch (error) {
      throw new Error(`gRPC cannot listen on ${formatAddress({ ip: host, port })}: ${why(error)}`, {
        cause: error,
      });
    }
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new TypeError('not a TCP address');
    return { ip: address.address, port: address.port };
  }

  /** Takes no more; resolves when all connections are closed. */
  async close(): Promise<void> {
    await new Promise((resolve) => this.#server.close(resolve));
  }

  get size(): number {
    return this.#sockets.size;
  }

  /** By remote address and port, as grpc-js names a peer. */
  drop(peer: string): void {
    this.#sockets.get(peer)?.destroy();
  }

  dropAll(): void {
    for (const socket of this.#sockets.values()) socket.destroy();
  }
}

function why(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : null;
  if (code === 'EADDRINUSE') return 'the address is in use';
  if (code === 'EADDRNOTAVAIL') return 'the address is not one of this host';
  if (code === 'EACCES') return 'the port is privileged';
  return error instanceof Error ? error.message : String(error);
}
