/** Whatever faults a listener has and whatever its clients send, those of others are served meanwhile. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { halfOpen, listenWith, numbered, wantEnd } from './support/fault-client.ts';
import { long } from './support/long.ts';
import { countTrips, sendAll } from './support/neighbours.ts';
import { all, want } from './support/rest-client.ts';
import { openClient } from './support/tcp-client.ts';
import { startApp, type TestApp } from './support/test-app.ts';
import { waitFor } from './support/wait-for.ts';

/** One for all tests, since a start takes longer than most of them: each has listeners of its own. */
let app: TestApp;
beforeAll(async () => {
  app = await startApp({}, undefined, (config) => ({
    ...config,
    dataPlane: { ...config.dataPlane, faultHeldBytesTotalMax, countersIntervalMs: 100 },
  }));
});
afterAll(async () => {
  await app[Symbol.asyncDispose]();
});

const faultHeldBytesTotalMax = 2_097_152;
/** A read is held whole. */
const readBytesMax = 16_384;

test('single bytes cost their sender, not its neighbours', long, async () => {
  const faulty = await listenWith(app, [{ type: 'slice', averageBytes: 1 }]);
  const plain = await listenWith(app, []);
  const { pid } = (await want(200, app, 'GET', '/v1/status')).workers[0];
  await using sent = await sendAll(faulty.port, { clients: 4, bytes: 65_536 });
  expect(await countTrips(plain.port, sent.allBack)).toBeGreaterThan(100);
  expect((await want(200, app, 'GET', '/v1/status')).workers[0].pid).toBe(pid);
});

test(
  'who lets much be held for long leaves room for others, and all together have a bound',
  long,
  async () => {
    const hoarding = await listenWith(app, [{ type: 'latency', delayMs: 3_600_000 }]);
    const late = await listenWith(app, [{ type: 'latency', delayMs: 20 }]);
    await using clients = new AsyncDisposableStack();
    const count = 24;
    for (let n = 0; n < count; n += 1) {
      const client = clients.use(await openClient(hoarding.port));
      client.socket.write(Buffer.alloc(1_000_000));
    }
    const readOf = async () => {
      const path = `/v1/connections?listener=${hoarding.id}`;
      const opened: { bytesIn: number }[] = await all(app, path, 'connections');
      return opened.map(({ bytesIn }) => bytesIn);
    };
    await waitFor('a part of each', async () => {
      const read = await readOf();
      return read.length === count && Math.min(...read) > 0;
    });
    const text = numbered(300_000);
    await using client = await openClient(late.port, halfOpen);
    client.socket.end(text);
    await wantEnd(client);
    expect(client.received.toString()).toBe(text);
    const sum = (await readOf()).reduce((total, bytes) => total + bytes, 0);
    expect(sum).toBeGreaterThan(faultHeldBytesTotalMax / 2);
    expect(sum).toBeLessThanOrEqual(faultHeldBytesTotalMax + count * readBytesMax);
  },
);
