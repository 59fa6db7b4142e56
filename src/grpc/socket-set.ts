/** A listening TCP socket with the connections that it accepted. */
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import type { Address } from '../core/address.ts';
import { listenError } from '../core/listen-error.ts';

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
      throw listenError('gRPC', { ip: host, port }, error);
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
