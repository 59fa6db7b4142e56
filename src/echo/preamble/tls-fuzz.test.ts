/** What strangers send to a TLS port: it ends in the record, within its bound, and the port goes on. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { connect as connectTls } from 'node:tls';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { long } from '../../../test/support/long.ts';
import { preambleServer } from '../../../test/support/preamble-server.ts';
import { seededRandom } from '../../../test/support/store-samples.ts';
import { openClient, talk } from '../../../test/support/tcp-client.ts';
import { waitFor } from '../../../test/support/wait-for.ts';

/** The first record of a client of Node's. */
async function clientHello(): Promise<Buffer> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const accepted = once(server, 'connection');
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  const client = connectTls({ port, host: '127.0.0.1', servername: 'localhost' });
  client.on('error', () => undefined);
  const [socket] = await accepted;
  const [hello] = await once(socket, 'data');
  client.destroy();
  server.close();
  return hello;
}

type Server = Awaited<ReturnType<typeof preambleServer>>;

/** Sends it and FIN, and waits for the end of both. */
async function send(server: Server, bytes: Buffer): Promise<void> {
  const before = server.outcomes.length;
  await using client = await openClient(server.port);
  client.socket.resume().end(bytes);
  await client.ended;
  const outcome = await waitFor('the outcome', () => server.outcomes[before]);
  expect(outcome.error).toMatchObject({ reason: expect.stringMatching(/^(tls_error|peer_\w+)$/) });
  await waitFor('the socket', () => server.sockets[before]?.isClosed);
}

async function goesOn(server: Server): Promise<void> {
  const client = connectTls({ port: server.port, host: '127.0.0.1', ca: server.cert });
  await once(client, 'secureConnect');
  client.destroy();
}

test(
  'random bytes, and hellos that are cut or changed, end as tls_error; the port goes on',
  long,
  async () => {
    await using server = await preambleServer({ tls: {} });
    const hello = await clientHello();
    const changed = fc
      .array(fc.tuple(fc.nat(hello.length - 1), fc.integer({ min: 0, max: 255 })), { minLength: 1 })
      .map((changes) => {
        const copy = Buffer.from(hello);
        for (const [at, byte] of changes) copy[at] = byte;
        return copy;
      });
    const cut = fc.integer({ min: 1, max: hello.length - 1 }).map((end) => hello.subarray(0, end));
    const random = fc.uint8Array({ minLength: 1, maxLength: 2000 }).map((raw) => Buffer.from(raw));
    const framed = random.map((bytes) => {
      const head = Buffer.from([0x16, 3, 1, bytes.length >> 8, bytes.length & 0xff]);
      return Buffer.concat([head, bytes]);
    });
    await fc.assert(
      fc.asyncProperty(fc.oneof(changed, cut, random, framed), (bytes) => send(server, bytes)),
      { numRuns: 300 },
    );
    await goesOn(server);
  },
);

test.each([
  ['plain HTTP', 'GET / HTTP/1.1\r\nhost: x\r\n\r\n', 'ERR_SSL_HTTP_REQUEST'],
  ['a PROXY header that is not asked for', 'PROXY UNKNOWN\r\n', /^ERR_SSL_/],
  ['SSH', 'SSH-2.0-OpenSSH_9.2\r\n', /^ERR_SSL_/],
])('%s ends as tls_error by the server, with OpenSSL’s code', async (_, text, code) => {
  await using server = await preambleServer({ tls: {} });
  await talk(server.port, text).catch(() => undefined);
  const failure = await server.failure();
  expect(failure).toMatchObject({ reason: 'tls_error', initiator: 'server' });
  expect(failure.code).toMatch(code);
});

test('who connects and leaves has made no error', async () => {
  await using server = await preambleServer({ tls: {} });
  await talk(server.port, '').catch(() => undefined);
  expect(await server.failure()).toMatchObject({
    reason: 'peer_fin',
    initiator: 'peer',
    code: null,
  });
});

test('FIN in the middle of a handshake is a tls_error of the peer, RST a peer_rst', async () => {
  await using server = await preambleServer({ tls: {} });
  const hello = await clientHello();
  await talk(server.port, hello.toString('latin1').slice(0, 3)).catch(() => undefined);
  expect(await server.failure(0)).toMatchObject({
    reason: 'tls_error',
    initiator: 'peer',
    code: 'ERR_TLS_HANDSHAKE_CUT_OFF',
  });
  await using client = await openClient(server.port);
  client.socket.write(hello.subarray(0, 100));
  await waitFor('its bytes', () => server.sockets[1]?.bytesRead === 100);
  client.socket.resetAndDestroy();
  expect(await server.failure(1)).toMatchObject({
    reason: 'peer_rst',
    initiator: 'peer',
    code: 'ECONNRESET',
  });
});

test('a hello and FIN right behind a header ends at once, not at the time-out', async () => {
  await using server = await preambleServer({ tls: {}, proxyProtocol: 'required' });
  const hello = await clientHello();
  await using client = await openClient(server.port);
  client.socket.resume().end(Buffer.concat([Buffer.from('PROXY UNKNOWN\r\n'), hello]));
  expect(await server.failure()).toMatchObject({ initiator: 'peer', reason: 'tls_error' });
});

test('a handshake that trickles or stops is cut by the time-out', async () => {
  await using server = await preambleServer({ tls: {}, timeoutMs: 300 });
  const hello = await clientHello();
  await using silent = await openClient(server.port);
  await using slow = await openClient(server.port);
  let at = 0;
  const trickle = setInterval(() => {
    slow.socket.write(hello.subarray(at, at + 1));
    at += 1;
  }, 10);
  const timedOut = { reason: 'tls_error', initiator: 'server', code: 'ETIMEDOUT' };
  const failures = [await server.failure(0), await server.failure(1)];
  clearInterval(trickle);
  expect(failures).toMatchObject([timedOut, timedOut]);
  silent.socket.resume();
  slow.socket.resume();
  await Promise.all([silent.ended, slow.ended]);
});

test('a flood that never becomes a handshake is not held in memory', async () => {
  await using server = await preambleServer({ tls: {} });
  const random = seededRandom(7);
  const megabyte = Buffer.from(Array.from({ length: 1 << 20 }, () => Math.floor(random() * 256)));
  // A handshake message of 16 MiB, in records that are as long as records may be.
  const record = Buffer.concat([Buffer.from([0x16, 3, 1, 0x40, 0]), megabyte.subarray(0, 0x4000)]);
  record.set([1, 0xff, 0xff, 0xff], 5);
  for (const flood of [megabyte, Buffer.concat(new Array(64).fill(record))]) {
    const before = server.outcomes.length;
    await using client = await openClient(server.port);
    client.socket.resume().write(flood);
    await client.ended;
    expect(await server.failure(before)).toMatchObject({ reason: 'tls_error' });
    expect(server.sockets[before]?.bytesRead ?? 0).toBeLessThan(300_000);
  }
  await goesOn(server);
});
