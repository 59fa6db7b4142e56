/** Several faults at once: the order of their list, the ends that all of them keep, and all of it over TLS. */
import { describe, expect, test } from 'vitest';
import {
  arrivalOf,
  byFault,
  byPeer,
  connectionOnce,
  halfOpen,
  listenWith,
  now,
  numbered,
  patchFaults,
  wantEnd,
} from './support/fault-client.ts';
import { closedConnections } from './support/history.ts';
import { long } from './support/long.ts';
import { all, want } from './support/rest-client.ts';
import { openClient, openTlsClient, type TcpClient } from './support/tcp-client.ts';
import { commonApp } from './support/test-app.ts';
import { waitFor } from './support/wait-for.ts';

const app = commonApp();

const listen = (faults: readonly object[], spec: object = {}) => listenWith(app, faults, spec);

test.concurrent.each(
  [
    { faults: [{ type: 'latency', delayMs: 60, jitterMs: 50 }] },
    { faults: [{ type: 'bandwidth', bytesPerSecond: 100_000 }] },
    { faults: [{ type: 'bandwidth', bytesPerSecond: 100_000, scope: 'listener' }] },
    { faults: [{ type: 'slice', averageBytes: 500, variationBytes: 300 }] },
    { faults: [{ type: 'slice', averageBytes: 5000, delayMs: 5 }] },
    { faults: [{ type: 'limit', bytes: 20_001, action: 'rst' }] },
    { faults: [{ type: 'close', afterBytes: 20_001, mode: 'rst' }] },
    { faults: [{ type: 'close', afterMs: 60_000 }] },
    { faults: [{ type: 'accept_delay', delayMs: 60 }] },
    { faults: [{ type: 'slow_close', delayMs: 60 }] },
    {
      faults: [
        { type: 'slow_close', delayMs: 20 },
        { type: 'slice', averageBytes: 900, delayMs: 2 },
        { type: 'latency', delayMs: 30, jitterMs: 30, distribution: 'normal' },
        { type: 'bandwidth', bytesPerSecond: 200_000 },
      ],
    },
  ].map((one) => ({ ...one, list: JSON.stringify(one.faults) })),
)('a half-close gets all its bytes back, then the FIN: $list', async ({ faults }) => {
  const { id, port } = await listen(faults);
  await using client = await openClient(port, halfOpen);
  const sent = numbered(20_000);
  client.socket.end(sent);
  await wantEnd(client);
  expect(client.received.toString()).toBe(sent);
  expect(await closedConnections(app, id)).toMatchObject([
    { ...byPeer, bytesIn: 20_000, bytesOut: 20_000 },
  ]);
});

describe.concurrent('faults stand in the order of their list', () => {
  const banner = { type: 'banner', text: 'hello' };

  test('a banner before a latency is late, one behind it is not', long, async () => {
    const latency = { type: 'latency', delayMs: 1500 };
    const late = await listen([banner, latency]);
    const early = await listen([latency, banner]);
    await using one = await openClient(late.port);
    await using other = await openClient(early.port);
    for (const client of [one, other]) client.socket.write(' you');
    for (const client of [one, other]) await arrivalOf(client, 9);
    const saidAfter = ({ arrivals, begunAt }: TcpClient) => (arrivals[0]?.at ?? 0) - begunAt;
    expect(saidAfter(one)).toBeGreaterThanOrEqual(1500);
    expect(saidAfter(other)).toBeLessThan(1500);
    for (const { received } of [one, other]) expect(received.toString()).toBe('hello you');
  });

  test('a limit counts the banner before it, not the one behind it', async () => {
    const limit = { type: 'limit', bytes: 7 };
    for (const [faults, received] of [
      [[banner, limit], 'helloab'],
      [[limit, banner], 'helloabcdefg'],
    ] as const) {
      const { port } = await listen(faults);
      await using client = await openClient(port);
      client.socket.write('abcdefghij');
      await wantEnd(client);
      expect(client.received.toString()).toBe(received);
    }
  });

  test('a close counts what is read, wherever it stands', async () => {
    const slow = { type: 'latency', delayMs: 200 };
    const close = { type: 'close', afterBytes: 4 };
    for (const faults of [
      [close, banner, slow],
      [slow, banner, close],
    ]) {
      const { port } = await listen(faults);
      await using client = await openClient(port);
      client.socket.write('abcdefghij');
      const endedAt = await wantEnd(client);
      expect(client.received.toString()).toBe('helloabcd');
      expect(endedAt - client.begunAt).toBeGreaterThanOrEqual(200);
    }
  });
});

test.concurrent('discard drops before all faults but a close, which counts what is read', async () => {
  const faults = [
    { type: 'banner', text: 'hello' },
    { type: 'limit', bytes: 6 },
    { type: 'close', afterMessages: 2 },
  ];
  const { id, port } = await listen(faults, { mode: 'discard' });
  await using client = await openClient(port);
  client.socket.write('dropped');
  await arrivalOf(client, 5);
  await connectionOnce(app, id, 'with 7 bytes', ({ bytesIn }) => bytesIn === 7);
  client.socket.write('too');
  await wantEnd(client);
  expect(client.received.toString()).toBe('hello');
  expect(await closedConnections(app, id)).toMatchObject([{ ...byFault, bytesIn: 10 }]);
});

describe.concurrent('max_bytes', () => {
  const limits = { maxBytes: 10 };
  const byLimit = { closeReason: 'max_bytes', closeInitiator: 'server', bytesIn: 10 };

  test.each([
    ['what its faults hold goes back first', [{ type: 'latency', delayMs: 200 }], '0123456789'],
    ['no black hole keeps it open', [{ type: 'blackhole' }], ''],
    [
      'what its faults then do closes in order, for the same reason',
      [
        { type: 'latency', delayMs: 200 },
        { type: 'limit', bytes: 4 },
      ],
      '0123',
    ],
  ])('%s', async (_, faults, received) => {
    const { id, port } = await listen(faults, { limits });
    await using client = await openClient(port, halfOpen);
    client.socket.write('0123456789abcdef');
    await wantEnd(client);
    client.socket.write('after our FIN');
    client.socket.end();
    await client.ended;
    expect([client.received.toString(), client.error]).toEqual([received, null]);
    expect(await closedConnections(app, id)).toMatchObject([
      { ...byLimit, bytesOut: received.length, error: null },
    ]);
  });

  test('its faults may go meanwhile, and what they held comes back', long, async () => {
    const { id, port } = await listen([{ type: 'latency', delayMs: 3_600_000 }], { limits });
    await using client = await openClient(port);
    client.socket.write('0123456789');
    await connectionOnce(app, id, 'with 10 bytes', ({ bytesIn }) => bytesIn === 10);
    await patchFaults(app, id, []);
    await wantEnd(client);
    expect(client.received.toString()).toBe('0123456789');
    expect(await closedConnections(app, id)).toMatchObject([byLimit]);
  });
});

test.concurrent('a client that takes nothing is reset all the same', { ...long }, async () => {
  // By then its bytes have come, on a machine with much else to do, too.
  const { id, port } = await listen([{ type: 'close', afterMs: 2000, mode: 'rst' }]);
  await using client = await openClient(port);
  client.socket.pause();
  client.socket.write(Buffer.alloc(24 * 1024 * 1024));
  const [connection] = await closedConnections(app, id);
  expect(connection).toMatchObject(byFault);
  expect(connection.bytesOut).toBeLessThan(connection.bytesIn);
  await client.ended;
  expect(client.error).toMatch(/ECONNRESET|EPIPE/);
});

test.concurrent('a half-close is told once, also where faults stop reading after it', {
  ...long,
}, async () => {
  // Single bytes cost so much to hold that reading stops when the client's FIN is already there.
  const { id, port } = await listen([
    { type: 'latency', delayMs: 100 },
    { type: 'slice', averageBytes: 1 },
    { type: 'bandwidth', bytesPerSecond: 20_000 },
  ]);
  await using client = await openClient(port, halfOpen);
  const sent = numbered(20_000);
  client.socket.end(sent);
  await wantEnd(client);
  expect(client.received.toString()).toBe(sent);
  await closedConnections(app, id);
  const path = `/v1/events?afterSeq=0&listenerId=${id}&type=connection_half_closed`;
  expect(await all(app, path, 'events')).toHaveLength(1);
});

test.concurrent.each([
  { action: 'fin', sawEnd: true, error: null },
  { action: 'rst', sawEnd: false, error: 'ECONNRESET' },
])('over TLS as over TCP: late, and cut at the byte with $action', async ({ action, ...end }) => {
  const faults = [
    { type: 'banner', text: 'hello ' },
    { type: 'latency', delayMs: 250 },
    { type: 'slice', averageBytes: 4 },
    { type: 'limit', bytes: 37, action },
  ];
  const { id, port } = await listen(faults, { protocol: 'tls' });
  const { tls } = await want(200, app, 'GET', `/v1/listeners/${id}`);
  await using client = await openTlsClient(port, tls.cert);
  const sentAt = now();
  client.socket.write(numbered(100));
  await arrivalOf(client, 37);
  await waitFor('the end', () => client.sawEnd || client.error);
  client.socket.end();
  await client.ended;
  expect(client.arrivals.find(({ total }) => total > 6)?.at).toBeGreaterThanOrEqual(sentAt + 250);
  expect(client.received.toString()).toBe(`hello ${numbered(31)}`);
  expect([client.sawEnd, client.error]).toEqual([end.sawEnd, end.error]);
  expect(await closedConnections(app, id)).toMatchObject([{ ...byFault, bytesOut: 37 }]);
});

test.concurrent('over TLS a half-close gets all its bytes back, then the end', async () => {
  const faults = [
    { type: 'latency', delayMs: 100 },
    { type: 'slow_close', delayMs: 150 },
  ];
  const { id, port } = await listen(faults, { protocol: 'tls' });
  const { tls } = await want(200, app, 'GET', `/v1/listeners/${id}`);
  await using client = await openTlsClient(port, tls.cert);
  const sent = numbered(300_000);
  const sentAt = now();
  client.socket.end(sent);
  expect((await wantEnd(client)) - sentAt).toBeGreaterThanOrEqual(250);
  expect(client.received.toString() === sent).toBe(true);
  expect(await closedConnections(app, id)).toMatchObject([{ ...byPeer, bytesOut: sent.length }]);
});
