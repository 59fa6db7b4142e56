/** What strangers do to a node whose API they know nothing of, each until the signal. A new one goes into the list. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { Client, credentials } from '@grpc/grpc-js';
import { callFrame, rawHttp2 } from '../../support/http2-frames.ts';
import { many, paced, pause } from './pace.ts';

export interface Marks {
  readonly httpPort: number;
  readonly grpcPort: number;
  /** Of a plain TCP listener, and of others: with sixteen faults that slice, UDP, TLS, and with a PROXY header. */
  readonly plain: number;
  readonly sliced: number;
  readonly udp: number;
  readonly tls: number;
  readonly proxied: number;
}

type Stranger = (marks: Marks, signal: AbortSignal) => Promise<void>;

/** Ends with the signal, however it stands. */
function open(port: number, signal: AbortSignal): Socket {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  socket.on('error', () => undefined);
  const destroy = () => socket.destroy();
  signal.addEventListener('abort', destroy, { once: true });
  socket.once('close', () => signal.removeEventListener('abort', destroy));
  return socket;
}

/** Writes a piece now and then, on a new connection whenever the other side has had enough. */
async function drip(
  port: number,
  signal: AbortSignal,
  everyMs: number,
  pieces: (index: number) => string,
): Promise<void> {
  while (!signal.aborted) {
    const socket = open(port, signal);
    socket.resume();
    for (let index = 0; !socket.destroyed; index += 1) {
      socket.write(pieces(index));
      await pause(everyMs, signal);
    }
    await pause(everyMs, signal);
  }
}

export const strangers: Readonly<Record<string, Stranger>> = {
  'resets of TCP connections': ({ plain }, signal) =>
    paced(20, signal, async () => {
      const socket = open(plain, signal);
      await Promise.race([once(socket, 'connect'), once(socket, 'close')]).catch(() => undefined);
      socket.write('gone');
      socket.resetAndDestroy();
    }),
  'slow readers': ({ plain }, signal) =>
    many(20, async () => {
      while (!signal.aborted) {
        const socket = open(plain, signal);
        socket.pause().write(Buffer.alloc(4 << 20));
        await pause(10_000, signal);
        socket.destroy();
      }
    }),
  'clients of sixteen faults that slice into single bytes': ({ sliced }, signal) =>
    many(4, () =>
      paced(0.5, signal, async () => {
        const socket = open(sliced, signal);
        socket.resume().end(Buffer.alloc(16_384));
        await pause(1500, signal);
        socket.destroy();
      }),
    ),
  'datagrams from many ports': ({ udp }, signal) =>
    paced(20, signal, async (index) => {
      const socket = createSocket('udp4');
      socket.on('error', () => undefined);
      socket.bind(0, `127.6.0.${1 + (index % 200)}`);
      await once(socket, 'listening');
      for (let n = 0; n < 50; n += 1) socket.send(`flood ${index} ${n}`, udp, '127.0.0.1');
      await pause(20, signal);
      socket.close();
    }),
  'TLS handshakes that are never finished': ({ tls }, signal) =>
    paced(10, signal, async () => {
      // The head of a record that says that a ClientHello of 512 bytes comes, and the first of them.
      open(tls, signal).resume().write(Buffer.from('1603010200010001fc0303', 'hex'));
    }),
  'PROXY headers that drip': ({ proxied }, signal) =>
    many(20, () => drip(proxied, signal, 500, (index) => 'PROXY TCP4 '[index] ?? '1')),
  'requests that drip': ({ httpPort }, signal) =>
    many(50, () =>
      drip(httpPort, signal, 1000, (index) =>
        index === 0 ? 'GET /v1/status HTTP/1.1\r\nhost: localhost\r\n' : 'x: y\r\n',
      ),
    ),
  'HTTP/2 streams that are held open': ({ grpcPort }, signal) =>
    many(10, async () => {
      while (!signal.aborted) {
        using held = await rawHttp2(grpcPort);
        for (let n = 0; n < 50; n += 1) {
          held.socket.write(callFrame(2 * n + 1, '/kodama.v1.ListenerService/GetListener'));
        }
        while (!held.isClosed && !signal.aborted) await pause(500, signal);
      }
    }),
  'watches of the health service': async ({ grpcPort }, signal) => {
    const client = new Client(`127.0.0.1:${grpcPort}`, credentials.createInsecure(), {
      'grpc.use_local_subchannel_pool': 1,
    });
    const asIs = (all: Buffer) => all;
    await many(200, async () => {
      while (!signal.aborted) {
        const path = '/grpc.health.v1.Health/Watch';
        const watch = client.makeServerStreamRequest(path, asIs, asIs, Buffer.alloc(0));
        const ended = new Promise<void>((resolve) => {
          watch.on('error', () => resolve());
          watch.on('end', () => resolve());
        });
        watch.resume();
        signal.addEventListener('abort', () => watch.cancel(), { once: true });
        await ended;
        await pause(1000, signal);
      }
    });
    client.close();
  },
};
