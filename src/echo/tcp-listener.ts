/**
 * One listening socket. It goes on listening whatever its connections do. What arrives before `serve`, or while
 * the records can not keep up, waits unread.
 */
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { v7 as uuidv7 } from 'uuid';
import { networkSet, plainIp } from '../core/address.ts';
import type { CloseInitiator, CloseReason } from '../core/connection.ts';
import type { RefusalRule } from '../core/event.ts';
import type { ListenerLimits } from '../core/listener.ts';
import type { Binding } from '../core/ports.ts';
import type { EchoContext, EchoListener } from './echo-listener.ts';
import type { BoundSocket, Share } from './messages.ts';
import { TcpConnection } from './tcp-connection.ts';

interface Held {
  readonly socket: Socket;
  readonly acceptedAt: number;
}

export class TcpListener implements EchoListener {
  readonly #binding: Binding;
  readonly #context: EchoContext;
  readonly #server: Server;
  readonly #open = new Set<TcpConnection>();
  #limits: ListenerLimits;
  #held: Held[] = [];
  #isServing = false;
  #onEmpty: (() => void) | null = null;

  constructor(binding: Binding, context: EchoContext) {
    this.#binding = binding;
    this.#context = context;
    this.#limits = binding.limits;
    this.#server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true });
    this.#server.on('connection', (socket) => this.#onConnection(socket));
  }

  /** @throws the system's error */
  async bind(share: Share): Promise<BoundSocket> {
    const { host, port } = this.#binding;
    this.#server.listen({ host, port, backlog: 4096, reusePort: share !== 'alone' });
    await once(this.#server, 'listening');
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new TypeError('not an IP socket');
    const { _handle: handle } = this.#server as unknown as { _handle: { fd: number } };
    return { ip: address.address, port: address.port, fd: handle.fd };
  }

  serve(): void {
    this.#isServing = true;
    this.resume();
  }

  update({ limits }: { readonly limits: ListenerLimits }): void {
    this.#limits = limits;
  }

  #onConnection(socket: Socket): void {
    const acceptedAt = this.#context.clock.now();
    if (this.#isServing && !this.#context.records.isFull) {
      this.#accept({ socket, acceptedAt });
      return;
    }
    // One that gives up while it waits must not bring the worker down.
    socket.on('error', () => socket.destroy());
    this.#held.push({ socket, acceptedAt });
  }

  /** Goes on with what had to wait. */
  resume(): void {
    while (this.#isServing && !this.#context.records.isFull) {
      const held = this.#held.shift();
      if (held === undefined) return;
      if (!held.socket.destroyed) this.#accept(held);
    }
  }

  #refusal(remoteIp: string): RefusalRule | null {
    const { connections, settings } = this.#context;
    const { maxConnections, maxConnectionsPerSource, allowCidrs, denyCidrs } = this.#limits;
    if (connections.size >= settings.connectionsMax) return 'worker_capacity';
    if (denyCidrs.length > 0 && networkSet(denyCidrs)(remoteIp)) return 'deny_cidrs';
    if (allowCidrs.length > 0 && !networkSet(allowCidrs)(remoteIp)) return 'allow_cidrs';
    if (this.#open.size >= maxConnections) return 'max_connections';
    if (maxConnectionsPerSource !== null) {
      const same = [...this.#open].filter(({ opened }) => opened.raddr.ip === remoteIp);
      if (same.length >= maxConnectionsPerSource) return 'max_connections_per_source';
    }
    return null;
  }

  #accept({ socket, acceptedAt }: Held): void {
    const { remoteAddress, remotePort, localAddress, localPort } = socket;
    // The client was gone before we came to it, and left no address to record.
    if (remoteAddress === undefined || remotePort === undefined) {
      socket.destroy();
      return;
    }
    const { records, connections, settings, clock } = this.#context;
    const { listenerId, mode, recording } = this.#binding;
    const raddr = { ip: plainIp(remoteAddress), port: remotePort };
    const rule = this.#refusal(raddr.ip);
    if (rule !== null) {
      const laddr = { ip: plainIp(localAddress ?? ''), port: localPort ?? 0 };
      const refusal = { protocol: 'tcp', laddr, raddr, rule, count: 1 } as const;
      records.push({ kind: 'refused', at: acceptedAt, listenerId, refusal });
      socket.on('error', () => undefined);
      socket.resetAndDestroy();
      return;
    }
    const connection = new TcpConnection(socket, {
      id: uuidv7(),
      listenerId,
      nodeId: settings.nodeId,
      acceptedAt,
      mode,
      clock,
      record: (record) => records.push(record),
      onClosed: (closed) => this.#onClosed(closed),
    });
    this.#open.add(connection);
    connections.set(connection.opened.id, connection);
    records.push({ kind: 'opened', connection: connection.opened });
    if (recording === 'durable') records.whenCommitted(() => connection.start());
    else connection.start();
  }

  #onClosed(connection: TcpConnection): void {
    this.#open.delete(connection);
    this.#context.connections.delete(connection.opened.id);
    if (this.#open.size === 0) this.#onEmpty?.();
  }

  /** Resolves when the port is free and every connection has ended. */
  async close(drainMs: number, reason: CloseReason): Promise<void> {
    const initiator: CloseInitiator = reason === 'listener_deleted' ? 'operator' : 'system';
    const freed = this.#server.listening ? once(this.#server, 'close') : null;
    this.#server.close();
    for (const { socket } of this.#held.splice(0)) socket.destroy();
    const timer = setTimeout(() => {
      for (const connection of this.#open) connection.close('fin', initiator, reason);
    }, drainMs);
    if (this.#open.size > 0)
      await new Promise<void>((resolve) => {
        this.#onEmpty = resolve;
      });
    clearTimeout(timer);
    await freed;
  }
}
