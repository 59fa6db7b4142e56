/** Several faults at once: the order of their list, and the ends that all of them keep. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  arrivalOf,
  byPeer,
  halfOpen,
  listenWith,
  numbered,
  wantEnd,
} from './support/fault-client.ts';
import { closedConnections } from './support/history.ts';
import { all } from './support/rest-client.ts';
import { openClient, type TcpClient } from './support/tcp-client.ts';
import { startApp, type TestApp } from './support/test-app.ts';

/** One for all tests, since a start takes longer than most of them: each has listeners of its own. */
let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(async () => {
  await app[Symbol.asyncDispose]();
});

const listen = (faults: readonly object[], spec: object = {}) => listenWith(app, faults, spec);

test.each(
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

describe('faults stand in the order of their list', () => {
  const banner = { type: 'banner', text: 'hello' };

  test('a banner before a latency is late, one behind it is not', async () => {
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

test('a half-close is told once, also where faults stop reading after it', async () => {
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
