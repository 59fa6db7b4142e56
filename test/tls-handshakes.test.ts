/** Strangers who open connections to edges over TLS and mean no good: none of them holds anything for long. */
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { connect } from 'node:tls';
import { expect, test } from 'vitest';
import type { HandshakeLimits } from '../src/edge-sockets/edge-tls.ts';
import { openSilent, openTls, type Silent, testTls } from './support/edge-tls.ts';
import { startGrpcEdge } from './support/grpc-edge.ts';
import { long } from './support/long.ts';
import { restEdge } from './support/rest-edge.ts';
import { waitFor } from './support/wait-for.ts';

interface Edge extends AsyncDisposable {
  readonly port: number;
  readonly ca: string;
  readonly protocol: string;
}

interface EdgeLimits extends Partial<HandshakeLimits> {
  readonly connectionsMax?: number;
  readonly headersTimeoutMs?: number;
  readonly stopTimeoutMs?: number;
}

async function rest({ connectionsMax = 100, headersTimeoutMs = 10_000, ...more }: EdgeLimits) {
  const { tls, ca } = await testTls(more);
  const { stopTimeoutMs = 2000 } = more;
  const limits = { connectionsMax, headersTimeoutMs, stopTimeoutMs };
  const edge = await restEdge({ tls, limits });
  return Object.assign(edge, { ca, protocol: 'http/1.1' }) satisfies Edge;
}

async function grpc({ connectionsMax = 100, stopTimeoutMs = 2000, ...more }: EdgeLimits) {
  const { tls, ca } = await testTls(more);
  const edge = await startGrpcEdge({}, { tls, limits: { connectionsMax, stopTimeoutMs } });
  const { port } = edge.server.address;
  return Object.assign(edge, { port, ca, protocol: 'h2' }) satisfies Edge;
}

const edges = [
  ['REST', rest],
  ['gRPC', grpc],
] as const;

/** A whole handshake, by somebody in earnest. */
async function isServed({ port, ca, protocol }: Edge): Promise<boolean> {
  using socket = await openTls(port, { ca, ALPNProtocols: [protocol] });
  return socket.alpnProtocol === protocol;
}

/** One after the other, so that they are accepted in this order. */
async function openSilents(port: number, count: number): Promise<Silent[]> {
  const silents: Silent[] = [];
  while (silents.length < count) silents.push(await openSilent(port));
  return silents;
}

/** What a client says first, as bytes. */
async function clientHello(): Promise<Buffer> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = connect({ host: '127.0.0.1', port, servername: 'localhost' });
  client.on('error', () => undefined);
  const [socket] = await once(server, 'connection');
  const [hello] = await once(socket, 'data');
  client.destroy();
  server.close();
  return hello;
}

test.each(edges)(
  '%s lets go of who says nothing, and of who takes their time',
  async (_, start) => {
    await using edge = await start({ handshakeTimeoutMs: 500 });
    const hello = await clientHello();
    using silent = await openSilent(edge.port);
    // Each byte would begin the time of Node anew.
    using slow = await openSilent(edge.port);
    let sent = 0;
    const timer = setInterval(() => {
      slow.socket.write(hello.subarray(sent, sent + 1));
      sent += 1;
    }, 20);
    using half = await openSilent(edge.port);
    half.socket.write(hello.subarray(0, 40));
    using whole = await openSilent(edge.port);
    whole.socket.write(hello);
    await Promise.all([silent, slow, half, whole].map(({ ended }) => ended));
    clearInterval(timer);
    expect(sent).toBeLessThan(hello.length);
    expect(await isServed(edge)).toBe(true);
  },
);

test.each(edges)('who opens many to %s loses those first, not others', async (_, start) => {
  await using edge = await start({ handshakesMax: 5 });
  const silents = await openSilents(edge.port, 20);
  await Promise.all(silents.slice(0, 15).map(({ ended }) => ended));
  expect(await isServed(edge)).toBe(true);
  // Room was made for that one; it is over, and the others are still under way.
  await silents[15]?.ended;
  const left = silents.slice(16);
  expect(left.map(({ socket }) => socket.readyState)).toEqual(Array(4).fill('open'));
  for (const { socket } of silents) socket.destroy();
});

test.each(edges)('a handshake takes the place of no connection of %s', async (_, start) => {
  await using edge = await start({ connectionsMax: 1, handshakeTimeoutMs: 10_000_000 });
  const open = () => openTls(edge.port, { ca: edge.ca, ALPNProtocols: [edge.protocol] });
  using idle = await open();
  const silents = await openSilents(edge.port, 5);
  const sockets = silents.map(({ socket }) => socket);
  expect([idle, ...sockets].map(({ readyState }) => readyState)).toEqual(Array(6).fill('open'));
  // The next connection does.
  const ended = once(idle.resume(), 'close');
  using _next = await open();
  await ended;
  expect(sockets.map(({ readyState }) => readyState)).toEqual(Array(5).fill('open'));
  for (const socket of sockets) socket.destroy();
});

test.each(edges)('a stop of %s waits for no handshake', async (_, start) => {
  const edge = await start({ handshakeTimeoutMs: 10_000_000, stopTimeoutMs: 10_000_000 });
  const silents = await openSilents(edge.port, 3);
  await edge[Symbol.asyncDispose]();
  await Promise.all(silents.map(({ ended }) => ended));
});

test.each(edges)('%s does not renegotiate', async (_, start) => {
  await using edge = await start({});
  const { ca, port, protocol } = edge;
  using socket = await openTls(port, { ca, maxVersion: 'TLSv1.2', ALPNProtocols: [protocol] });
  let isSecureAgain = false;
  socket.resume().renegotiate({ rejectUnauthorized: false }, (error) => {
    isSecureAgain = error === null;
  });
  // It is the server that ends it: a client of Node would stay.
  await new Promise((resolve) => void socket.once('close', resolve));
  expect(isSecureAgain).toBe(false);
  expect(await isServed(edge)).toBe(true);
});

test.each(edges)('garbage, and plain requests, end at %s with an alert', async (_, start) => {
  await using edge = await start({});
  for (const words of [
    'GET / HTTP/1.1\r\nhost: localhost\r\n\r\n',
    '\u0016\u0003\u0001\u00ff\u00ff',
    'x'.repeat(70_000),
  ]) {
    using silent = await openSilent(edge.port);
    silent.socket.write(words);
    await silent.ended;
  }
  expect(await isServed(edge)).toBe(true);
});

test('over TLS a request has its time, too, from its first byte and before', long, async () => {
  await using edge = await rest({ headersTimeoutMs: 1000 });
  using silent = await openTls(edge.port, { ca: edge.ca });
  using slow = await openTls(edge.port, { ca: edge.ca });
  const ended = [silent, slow].map((socket) => once(socket.resume(), 'close'));
  slow.write('GET /v1/status HTTP/1.1\r\nhost: localhost\r\n');
  const timer = setInterval(() => slow.write('x: y\r\n'), 50);
  const startedAt = performance.now();
  await Promise.all(ended);
  clearInterval(timer);
  expect(performance.now() - startedAt).toBeLessThan(60_000);
  expect(await isServed(edge)).toBe(true);
});

test('who speaks no HTTP/2 over TLS is told so by gRPC, and let go', async () => {
  await using edge = await grpc({});
  using socket = await openTls(edge.port, { ca: edge.ca });
  let text = '';
  socket.setEncoding('utf8').on('data', (part: string) => {
    text += part;
  });
  await once(socket, 'end');
  expect(text).toContain('h2');
  const other = openTls(edge.port, { ca: edge.ca, ALPNProtocols: ['http/1.1'] });
  await expect(other).rejects.toMatchObject({
    code: 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL',
  });
});

test.each(edges)('%s hears only so many handshakes a second from one address', async (_, start) => {
  await using edge = await start({ handshakesPerSecond: 3 });
  using _first = await openSilent(edge.port);
  for (const _ of [1, 2]) expect(await isServed(edge)).toBe(true);
  // Closed before a byte of it is answered; the rate fills again meanwhile, so more than one is tried.
  const silents = await openSilents(edge.port, 5);
  await Promise.race(silents.map(({ ended }) => ended));
  for (const silent of silents) silent[Symbol.dispose]();
  await waitFor('a handshake that is heard again', () => isServed(edge).catch(() => false));
});
