/** TLS for an edge by itself, a client of it by hand, and what hostile clients do before they say anything. */
import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import type { EdgeTls } from '../../src/edge-sockets/edge-tls.ts';
import { makeAuthority, makeCertificate } from './tls-certificates.ts';

export interface TestTls {
  readonly tls: EdgeTls;
  /** What its clients trust. */
  readonly ca: string;
}

export async function testTls(limits: Partial<EdgeTls['limits']> = {}): Promise<TestTls> {
  const authority = await makeAuthority();
  const pair = await makeCertificate(authority);
  return {
    tls: {
      certificate: { pair, onRenewed: () => undefined },
      limits: {
        ...{ handshakesMax: 100, handshakeTimeoutMs: 60_000 },
        ...{ handshakesPerSecond: 1000, handshakeAddressesMax: 100 },
        ...{ tlsAnswerBytesMax: 262_144, tlsAnswerLookMs: 1000 },
        ...limits,
      },
    },
    ca: authority.cert,
  };
}

/** Resolves when its handshake is over. */
export async function openTls(
  port: number,
  options: ConnectionOptions,
): Promise<TLSSocket & Disposable> {
  const socket = connect({ host: '127.0.0.1', port, servername: 'localhost', ...options });
  await once(socket, 'secureConnect');
  // A reset is an end as well.
  socket.on('error', () => undefined);
  return Object.assign(socket, { [Symbol.dispose]: () => void socket.destroy() });
}

export interface Silent extends Disposable {
  readonly socket: Socket;
  /** Resolves when the server has ended it. */
  readonly ended: Promise<unknown>;
}

/** Connected, and then says nothing unless the test does. */
export async function openSilent(port: number): Promise<Silent> {
  const socket = connectTcp({ host: '127.0.0.1', port });
  const ended = new Promise((resolve) => void socket.once('close', resolve));
  await once(socket, 'connect');
  socket.on('error', () => undefined).resume();
  return { socket, ended, [Symbol.dispose]: () => void socket.destroy() };
}
