/** As `faulty-neighbours.test.ts`, with all that a worker can be given. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { halfOpen, listenWith, numbered, patchFaults, wantEnd } from './support/fault-client.ts';
import { countTrips, sendAll } from './support/neighbours.ts';
import { all, want } from './support/rest-client.ts';
import { openClient } from './support/tcp-client.ts';
import { startApp, type TestApp } from './support/test-app.ts';
import { waitFor } from './support/wait-for.ts';

const workerPid = async (app: TestApp): Promise<number> =>
  (await want(200, app, 'GET', '/v1/status')).workers[0].pid;

function residentBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) * 1024;
}

test('eight clients that have all they send cut into bytes stop neither the worker nor the others', async () => {
  await using app = await startApp();
  const pid = await workerPid(app);
  const faulty = await listenWith(app, [{ type: 'slice', averageBytes: 1 }]);
  const plain = await listenWith(app, []);
  await using sent = await sendAll(faulty.port, { clients: 8, bytes: 150_000 });
  expect(await countTrips(plain.port, sent.allBack)).toBeGreaterThan(500);
  for (const { received } of await sent.allBack) expect(received.equals(sent.payload)).toBe(true);
  expect(await workerPid(app)).toBe(pid);
});

test('what 800 clients have held for an hour is a part of what they sent', async () => {
  await using app = await startApp();
  const pid = await workerPid(app);
  const hoarding = await listenWith(app, [{ type: 'latency', delayMs: 3_600_000 }]);
  const late = await listenWith(app, [{ type: 'latency', delayMs: 20 }]);
  const before = residentBytes(pid);
  await using clients = new AsyncDisposableStack();
  const count = 800;
  for (let n = 0; n < count; n += 1) {
    const client = clients.use(await openClient(hoarding.port));
    client.socket.write(Buffer.alloc(1_000_000));
  }
  await waitFor(
    'a part of each',
    async () => {
      const path = `/v1/connections?listener=${hoarding.id}`;
      const opened: { bytesIn: number }[] = await all(app, path, 'connections');
      return opened.length === count && opened.every(({ bytesIn }) => bytesIn > 0);
    },
    60_000,
  );
  const text = numbered(300_000);
  await using client = await openClient(late.port, halfOpen);
  client.socket.end(text);
  await wantEnd(client);
  expect(client.received.toString()).toBe(text);
  const grownMb = (residentBytes(pid) - before) / 1e6;
  expect(grownMb).toBeLessThan(200);
});

test('new faults for thousands of quiet clients, again and again, take little memory', async () => {
  await using app = await startApp();
  const pid = await workerPid(app);
  const crowded = await listenWith(app, [], { limits: { maxConnections: 5000 } });
  await using clients = new AsyncDisposableStack();
  for (let n = 0; n < 4000; n += 1) clients.use(await openClient(crowded.port));
  await waitFor('all of them', async () => {
    const { openConnections } = await want(200, app, 'GET', `/v1/listeners/${crowded.id}`);
    return openConnections === 4000;
  });
  const before = residentBytes(pid);
  let most = 0;
  for (let round = 0; round < 10; round += 1) {
    const faults = Array.from({ length: 16 }, (_, n) => ({
      type: 'latency',
      delayMs: 1,
      seed: 16 * round + n,
    }));
    await patchFaults(app, crowded.id, faults);
    most = Math.max(most, residentBytes(pid) - before);
  }
  expect(most / 1e6).toBeLessThan(100);
});

test.each([
  {
    name: 'single bytes that are held, paced and let go again',
    bytes: 16_384,
    trips: 50,
    faults: [
      { type: 'slice', averageBytes: 1 },
      { type: 'latency', delayMs: 50 },
      { type: 'slice', averageBytes: 1 },
      { type: 'bandwidth', bytesPerSecond: 1e12 },
    ],
  },
  {
    name: 'many changes',
    bytes: 400_000,
    trips: 50,
    faults: Array(16).fill({ type: 'corrupt', bytes: 65_536 }),
  },
])('$name cost their sender, not its neighbours', async ({ faults, bytes, trips }) => {
  await using app = await startApp();
  const faulty = await listenWith(app, faults);
  const plain = await listenWith(app, []);
  const pid = await workerPid(app);
  await using sent = await sendAll(faulty.port, { clients: 4, bytes });
  expect(await countTrips(plain.port, sent.allBack)).toBeGreaterThan(trips);
  expect(await workerPid(app)).toBe(pid);
});
