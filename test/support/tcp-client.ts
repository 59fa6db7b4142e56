/** Plain TCP clients, as strict as a test wants them. */
import { once } from 'node:events';
import { connect, type NetConnectOpts, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { expect } from 'vitest';
import type { DataPlaneGround } from './data-plane-contract.ts';
import { waitFor } from './wait-for.ts';

/** On the clock of performance.now(). */
interface Arrival {
  readonly at: number;
  /** Bytes that had come by then. */
  readonly total: number;
}

export interface TcpClient extends AsyncDisposable {
  readonly socket: Socket;
  /** When it began to connect: nothing of the server's came about earlier. */
  readonly begunAt: number;
  /** A piece each, as it came. */
  readonly arrivals: readonly Arrival[];
  /** Resolves when the connection is over, however it ended. */
  readonly ended: Promise<void>;
  /** All that has come back so far. */
  readonly received: Buffer;
  /** The server's FIN was seen. */
  readonly sawEnd: boolean;
  /** The system's code, such as ECONNRESET; null while all is well. */
  readonly error: string | null;
  /** Sends the text and resolves when as many bytes are back. */
  echo(text: string): Promise<string>;
}

export async function openClient(
  port: number,
  options: Partial<NetConnectOpts> = {},
): Promise<TcpClient> {
  const begunAt = performance.now();
  const socket = connect({ host: '127.0.0.1', noDelay: true, ...options, port });
  const client = clientOf(socket, begunAt);
  await once(socket, 'connect');
  return client;
}

/** As the suite of data planes wants a client. */
export async function connectTcp(port: number): ReturnType<DataPlaneGround['connect']> {
  const { socket, ended, echo, [Symbol.asyncDispose]: dispose } = await openClient(port);
  return { ended, echo, end: () => socket.end(), [Symbol.asyncDispose]: dispose };
}

/** As `openClient`, over TLS with the certificate that it trusts, and half open when the server ends. */
export async function openTlsClient(port: number, ca: string): Promise<TcpClient> {
  const begunAt = performance.now();
  const options = { host: '127.0.0.1', port, ca, allowHalfOpen: true };
  const socket = connectTls(options);
  const client = clientOf(socket, begunAt);
  await once(socket, 'secureConnect');
  return client;
}

function clientOf(socket: Socket, begunAt: number): TcpClient {
  const chunks: Buffer[] = [];
  const arrivals: Arrival[] = [];
  let sawEnd = false;
  let failure: string | null = null;
  socket.on('data', (data: Buffer) => {
    chunks.push(data);
    const total = (arrivals.at(-1)?.total ?? 0) + data.length;
    arrivals.push({ at: performance.now(), total });
  });
  socket.on('end', () => {
    sawEnd = true;
  });
  const ended = new Promise<void>((resolve) => {
    socket.on('close', () => resolve());
    socket.on('error', (error: NodeJS.ErrnoException) => {
      failure = error.code ?? error.message;
    });
  });
  const received = () => Buffer.concat(chunks);
  return {
    socket,
    begunAt,
    arrivals,
    ended,
    get received() {
      return received();
    },
    get sawEnd() {
      return sawEnd;
    },
    get error() {
      return failure;
    },
    async echo(text) {
      const before = received().length;
      socket.write(text);
      const bytes = Buffer.byteLength(text);
      await waitFor(`${bytes} bytes`, () => received().length >= before + bytes);
      return received()
        .subarray(before, before + bytes)
        .toString();
    },
    async [Symbol.asyncDispose]() {
      socket.destroy();
      await ended;
    },
  };
}

/** One that is turned away sees RST, before any byte of its own was read. */
export async function wantRefused(port: number, localAddress = '127.0.0.1'): Promise<void> {
  const client = await openClient(port, { localAddress }).catch((error: Error) => error);
  if (client instanceof Error) {
    expect(client.message).toMatch(/ECONNRESET/);
    return;
  }
  await client.ended;
  expect([client.error, client.received.length]).toEqual(['ECONNRESET', 0]);
}

/** Sends the text and FIN; resolves with all that comes back before the other side's FIN. */
export async function talk(port: number, text: string): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1' });
  socket.end(text);
  let back = '';
  for await (const data of socket) back += String(data);
  return back;
}
