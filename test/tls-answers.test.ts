/** Clients of TLS who ask OpenSSL for answers on and on: of echo listeners, and of the edges, whose limit is theirs too. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import type { Socket } from 'node:net';
import { connect } from 'node:tls';
import { status } from '@grpc/grpc-js';
import { expect, test } from 'vitest';
import type { Listener } from '../src/core/listener.ts';
import { loadLibc } from '../src/echo/udp/libc.ts';
import { answersUnread } from '../src/tls/tls-answers.ts';
import { openTls, testTls } from './support/edge-tls.ts';
import { begin, empty, ending } from './support/grpc-by-hand.ts';
import { startGrpcEdge } from './support/grpc-edge.ts';
import { openHandTls } from './support/key-updates.ts';
import { preambleServer } from './support/preamble-server.ts';
import { restEdge } from './support/rest-edge.ts';
import { sampleListener } from './support/samples.ts';
import { openClient } from './support/tcp-client.ts';
import { waitFor } from './support/wait-for.ts';

const limits = { tlsAnswerBytesMax: 10_000, tlsAnswerLookMs: 5 };

/** The kernel takes answers of megabytes by itself; elsewhere than on Linux the test takes its time. */
function keepLittle(fd: number): void {
  if (process.platform !== 'linux') return;
  const [solSocket, sendBuffer] = [1, 7];
  const bytes = Buffer.from(Int32Array.of(4096).buffer);
  expect(loadLibc().setOption(fd, solSocket, sendBuffer, bytes, bytes.length)).toBe(0);
}

test('a client that asks for new keys on and on, and takes none, is reset', async () => {
  await using server = await preambleServer({ tls: {}, limits });
  await using client = await openHandTls(server.port, server.cert);
  keepLittle((await waitFor('the accept', () => server.sockets[0])).fd);
  client.stopReading();
  await waitFor('more answers than may wait', () => {
    if (!client.socket.writableNeedDrain) client.socket.write(client.keyUpdates(2000));
    return server.errors[0];
  });
  expect(server.errors).toEqual([answersUnread]);
  await waitFor('the end of the socket', () => server.sockets[0]?.isClosed);
});

test('a client that takes its new keys goes on, however many they are', async () => {
  await using server = await preambleServer({ tls: {}, limits });
  await using client = await openHandTls(server.port, server.cert);
  let received = '';
  client.secure.on('data', (data) => {
    received += data;
  });
  for (const word of ['one', 'two', 'three']) {
    received = '';
    client.socket.write(Buffer.concat([client.keyUpdates(2000), client.data(word)]));
    await waitFor('the echo', () => received === word);
  }
  expect(server.errors).toEqual([]);
});

test('bytes of the echo that a client does not take are not counted', async () => {
  await using server = await preambleServer({ tls: {}, limits });
  await using plain = await openClient(server.port);
  const client = connect({ socket: plain.socket, ca: server.cert, host: '127.0.0.1' });
  client.on('error', () => undefined);
  await once(client, 'secureConnect');
  client.pause();
  const bytes = Buffer.alloc(16 << 20, 'echo');
  client.write(bytes);
  let [before, looks] = [0, 0];
  await waitFor('it to be read from no more', () => {
    const [{ bytesRead } = { bytesRead: 0 }] = server.sockets;
    looks = bytesRead === before ? looks + 1 : 0;
    before = bytesRead;
    return bytesRead > bytes.length / 100 && looks === 20;
  });
  let length = 0;
  client.on('data', (data) => {
    length += data.length;
  });
  client.resume();
  await waitFor('all of it', () => length === bytes.length);
  expect(server.errors).toEqual([]);
});

/** Nothing else of REST's ends a connection that asks for nothing, within the test. */
const patient = { headersTimeoutMs: 600_000, requestTimeoutMs: 600_000 };

async function rest() {
  const { tls, ca } = await testTls(limits);
  return { ...(await restEdge({ tls, limits: patient })), ca, protocol: 'http/1.1' };
}

async function grpc(listeners: readonly Listener[] = []) {
  const { tls, ca } = await testTls(limits);
  const listListeners = async () => ({ items: listeners, nextPageToken: null });
  const edge = await startGrpcEdge({ listListeners }, { tls });
  return { ...edge, port: edge.server.address.port, ca, protocol: 'h2' };
}

const edges = [
  ['REST', rest],
  ['gRPC', grpc],
] as const;

interface ServerSide {
  readonly socket: Socket;
  readonly handle: { readonly fd: number; readonly writeQueueSize: number };
}

/** The next connection that a server of this process accepts. */
function nextServerSide(): Promise<ServerSide> {
  const { promise, resolve } = Promise.withResolvers<ServerSide>();
  const take = (message: unknown) => {
    unsubscribe('net.server.socket', take);
    const { socket } = message as Pick<ServerSide, 'socket'>;
    const { _handle: handle } = socket as unknown as { readonly _handle: ServerSide['handle'] };
    resolve({ socket, handle });
  };
  subscribe('net.server.socket', take);
  return promise;
}

test.each(edges)(
  'who asks %s for new keys on and on, and takes none, is reset',
  async (_, start) => {
    await using edge = await start();
    const { port, ca, protocol } = edge;
    const accepted = nextServerSide();
    await using client = await openHandTls(port, ca, { ALPNProtocols: [protocol] });
    const { socket, handle } = await accepted;
    keepLittle(handle.fd);
    client.stopReading();
    await waitFor('its reset', () => {
      if (!client.socket.writableNeedDrain) client.socket.write(client.keyUpdates(2000));
      return socket.destroyed;
    });
    using other = await openTls(port, { ca, ALPNProtocols: [protocol] });
    expect(other.alpnProtocol).toBe(protocol);
  },
);

test('an answer of gRPC that its caller is slow to take is no answer of TLS', async () => {
  const labels = { text: 'x'.repeat(10_000) };
  await using edge = await grpc(Array(1000).fill(sampleListener({ labels })));
  const accepted = nextServerSide();
  using secure = await openTls(edge.port, { ca: edge.ca, ALPNProtocols: ['h2'] });
  const { handle } = await accepted;
  keepLittle(handle.fd);
  const windowBytes = 1 << 30;
  const settings = { initialWindowSize: windowBytes };
  const client = connectHttp2('https://localhost', { createConnection: () => secure, settings });
  await once(client, 'remoteSettings');
  client.setLocalWindowSize(windowBytes);
  const call = begin(client, '/kodama.v1.ListenerService/ListListeners').end(empty);
  let length = 0;
  call.on('data', (data: Buffer) => {
    length += data.length;
  });
  const ended = ending(call);
  await once(call, 'response');
  const { _handle: reading } = secure as unknown as { readonly _handle: Reading };
  reading.readStop();
  let looks = 0;
  await waitFor('looks at what it does not take', () => {
    looks = handle.writeQueueSize > 0 ? looks + 1 : 0;
    return looks === 20;
  });
  reading.readStart();
  expect(await ended).toMatchObject({ status: status.OK });
  expect(length).toBeGreaterThan(10_000_000);
  client.destroy();
});

interface Reading {
  readStop(): void;
  readStart(): void;
}
