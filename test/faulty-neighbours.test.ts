/** Whatever faults a listener has and whatever its clients send, those of others are served meanwhile. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { listenWith } from './support/fault-client.ts';
import { countTrips, sendAll } from './support/neighbours.ts';
import { want } from './support/rest-client.ts';
import { startApp, type TestApp } from './support/test-app.ts';

/** One for all tests, since a start takes longer than most of them: each has listeners of its own. */
let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(async () => {
  await app[Symbol.asyncDispose]();
});

const corrupt = { type: 'corrupt', bytes: 65_536 };
const slice = { type: 'slice', averageBytes: 1 };

test.each([
  { name: 'single bytes', bytes: 65_536, trips: 100, faults: [slice] },
  {
    name: 'single bytes that are held, paced and let go again',
    bytes: 16_384,
    trips: 50,
    faults: [slice, { type: 'latency', delayMs: 50 }, slice, { type: 'bandwidth', bytesPerSecond: 1e12 }],
  },
  { name: 'many changes', bytes: 200_000, trips: 50, faults: Array(16).fill(corrupt) },
])('$name cost their sender, not its neighbours', async ({ faults, bytes, trips }) => {
  const faulty = await listenWith(app, faults);
  const plain = await listenWith(app, []);
  const { pid } = (await want(200, app, 'GET', '/v1/status')).workers[0];
  await using sent = await sendAll(faulty.port, { clients: 4, bytes });
  expect(await countTrips(plain.port, sent.allBack)).toBeGreaterThan(trips);
  expect((await want(200, app, 'GET', '/v1/status')).workers[0].pid).toBe(pid);
});
