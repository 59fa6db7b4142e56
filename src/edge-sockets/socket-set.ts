/** A listening TCP socket with the connections that it accepted; over TLS, those whose handshake is over. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createSecureServer } from 'node:tls';
import type { Address } from '../core/address.ts';
import { ConnectionRoom } from './connection-room.ts';
import { contextOf, type EdgeTls, Handshakes } from './edge-tls.ts';
import { type EdgeName, listenError } from './listen-error.ts';
import { firstAddressOf, LoopbackTwin } from './loopback-twin.ts';

export interface SocketSetOptions {
  /** Of whoever listens, for the words of an error. */
  readonly name: EdgeName;
  readonly connectionsMax: number;
  /** Null: the edge speaks plain HTTP/2. */
  readonly tls: EdgeTls | null;
}

export class SocketSet {
  readonly #server: Server;
  readonly #name: EdgeName;
  readonly #room: ConnectionRoom;
  readonly #sockets = new Map<string, Socket>();
  readonly #handshakes: Handshakes | null = null;
  #twin: LoopbackTwin | null = null;

  constructor(
    { name, connectionsMax, tls }: SocketSetOptions,
    onConnection: (socket: Socket) => void,
  ) {
    this.#name = name;
    this.#room = new ConnectionRoom(connectionsMax);
    const take = (socket: Socket) => {
      socket.on('error', () => socket.destroy());
      if (!this.#room.enter(socket)) return;
      const peer = `${socket.remoteAddress}:${socket.remotePort}`;
      this.#sockets.set(peer, socket);
      socket.once('close', () => this.#sockets.delete(peer));
      onConnection(socket);
    };
    const options = { noDelay: true };
    if (tls === null) {
      this.#server = createServer(options, take);
    } else {
      const context = contextOf(tls.certificate.pair);
      const server = createSecureServer({ ...options, ...context, ALPNProtocols: ['h2'] }, take);
      this.#handshakes = new Handshakes(server, tls);
      this.#server = server;
    }
  }

  /** Rejects with the system's reason. */
  async listen(host: string, port: number): Promise<Address> {
    this.#server.listen({ host: firstAddressOf(host), port });
    try {
      await once(this.#server, 'listening');
      const { address: ip, port: bound } = this.#server.address() as AddressInfo;
      this.#twin = await LoopbackTwin.listen(host, this.#server, bound);
      return { ip, port: bound };
    } catch (error) {
      this.#server.close();
      throw listenError(this.#name, { ip: host, port }, error);
    }
  }

  /** Takes no more; resolves when all connections are closed. */
  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#handshakes?.closeAll();
    await Promise.all([closed, this.#twin?.close()]);
  }

  get size(): number {
    return this.#sockets.size;
  }

  /** Nothing is under way on it. */
  isIdle(socket: Socket): boolean {
    return this.#room.isIdle(socket);
  }

  /** A call is under way there, until what this returns is called, once. */
  callBegan(peer: string): () => void {
    const socket = this.#sockets.get(peer);
    return socket === undefined ? () => undefined : this.#room.begin(socket);
  }

  /** A peer is a remote address and port, as grpc-js names it. */
  drop(peer: string): void {
    this.#sockets.get(peer)?.destroy();
  }

  dropAll(): void {
    this.#handshakes?.closeAll();
    for (const socket of this.#sockets.values()) socket.destroy();
  }
}
