/** A listening TCP socket with the connections that it accepted. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { Address } from '../core/address.ts';
import { listenError } from '../edge-sockets/listen-error.ts';
import { firstAddressOf, LoopbackTwin } from '../edge-sockets/loopback-twin.ts';

export class SocketSet {
  readonly #server: Server;
  readonly #connectionsMax: number;
  readonly #sockets = new Map<string, Socket>();
  #twin: LoopbackTwin | null = null;

  constructor(connectionsMax: number, onConnection: (socket: Socket) => void) {
    this.#connectionsMax = connectionsMax;
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
    this.#server.listen({ host: firstAddressOf(host), port });
    try {
      await once(this.#server, 'listening');
      const { address: ip, port: bound } = this.#server.address() as AddressInfo;
      const limits = { port: bound, connectionsMax: this.#connectionsMax };
      this.#twin = await LoopbackTwin.listen(host, this.#server, limits);
      return { ip, port: bound };
    } catch (error) {
      this.#server.close();
      throw listenError('gRPC', { ip: host, port }, error);
    }
  }

  /** Takes no more; resolves when all connections are closed. */
  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    await Promise.all([closed, this.#twin?.close()]);
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
