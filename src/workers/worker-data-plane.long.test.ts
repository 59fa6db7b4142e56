/** What only volume shows: kills that fall anywhere in a long rebind, and a worker that is busy for long. */
import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { faultOf } from '../../test/support/fault-bench.ts';
import { sendAll } from '../../test/support/neighbours.ts';
import { sampleLimits } from '../../test/support/samples.ts';
import { openClient, type TcpClient, talk } from '../../test/support/tcp-client.ts';
import { waitFor } from '../../test/support/wait-for.ts';
import {
  countOn,
  end,
  isEchoed,
  kill,
  letIn,
  listen,
  listenAll,
  pidOf,
  pidsOf,
  startPlane,
} from '../../test/support/worker-plane.ts';

test('a worker that is lost again and again while it binds many listeners is made up for', async () => {
  await using world = await startPlane({});
  const { plane } = world;
  const ports = await listenAll(plane, 40);
  for (let round = 0; round < 3; round++) {
    const before = pidOf(plane);
    kill(plane);
    // It counts as up before it has bound anything: the next kill falls into that time.
    await waitFor('the successor', () => ![undefined, before].includes(pidOf(plane)));
  }
  for (const port of ports) await waitFor(`port ${port}`, () => isEchoed(port));
});

test('many listeners that are closed while a new worker binds them do not listen afterwards', async () => {
  await using world = await startPlane({});
  const { plane } = world;
  const ports = await listenAll(plane, 40);
  const before = pidOf(plane);
  kill(plane);
  await waitFor('the successor', () => ![undefined, before].includes(pidOf(plane)));
  for (const number of ports.keys()) end(plane, number);
  const gone = () => world.observed.filter(({ state }) => state === 'gone').length;
  await waitFor('the ends', () => gone() === ports.length);
  for (const port of ports) await expect(talk(port, 'x')).rejects.toThrow('ECONNREFUSED');
});

test('a worker that has more to do than it can for long is not taken for one that hangs', async () => {
  await using world = await startPlane({ requestTimeoutMs: 1000 });
  const { plane } = world;
  const slice = { type: 'slice', averageBytes: 1, variationBytes: 0, delayMs: 0 } as const;
  const faulty = await listen(plane, 1, { faults: [faultOf(slice)] });
  await using sent = await sendAll(faulty, { clients: 8, bytes: 65_536 });
  for (let n = 2; n < 50; n++) await listen(plane, n);
  await sent.allBack;
  expect(world.lost).toEqual([]);
});

test('a worker that has more to do than it can is not taken for one that hangs', async () => {
  const requestTimeoutMs = 1000;
  await using world = await startPlane({ requestTimeoutMs });
  await using clients = new AsyncDisposableStack();
  const slice = { type: 'slice', averageBytes: 1, variationBytes: 0, delayMs: 0 } as const;
  const faulty = await listen(world.plane, 1, { faults: [faultOf(slice)] });
  const [payload, busy] = [randomBytes(1 << 20), []] as [Buffer, TcpClient[]];
  for (let n = 0; n < 8; n++) {
    const client = clients.use(await openClient(faulty));
    client.socket.write(payload);
    busy.push(client);
  }
  for (let n = 2; n < 10; n++) await listen(world.plane, n);
  // Its word that it is alive is all that comes now: for longer than silence would be suffered.
  const patience = performance.now() + 3 * requestTimeoutMs;
  await waitFor('the end of patience', () => performance.now() > patience);
  const back = busy.map(({ arrivals }) => arrivals.at(-1)?.total ?? 0);
  expect(back.filter((total) => total === payload.length)).toEqual([]);
  expect(world.lost).toEqual([]);
});

test('both workers lost at once, again and again, come back with all their ports', async () => {
  await using world = await startPlane({ workers: 2 });
  const { plane, observed } = world;
  const ports = await listenAll(plane, 20);
  for (let round = 1; round <= 3; round++) {
    for (const { pid } of plane.status()) process.kill(pid, 'SIGKILL');
    await waitFor('both to be lost', () => world.lost.length === round * 2);
    const pids = await waitFor('both successors', () => pidsOf(plane, 2));
    await waitFor('both to have bound all', () => countOn(pids, observed) === ports.length);
  }
  expect(observed.filter(({ state }) => state !== 'bound')).toEqual([]);
  for (const port of ports) expect(await talk(port, 'x')).toBe('x');
});

test('several workers let in no more together than the listener allows, and no fewer', async () => {
  await using world = await startPlane({ workers: 3 });
  await using clients = new AsyncDisposableStack();
  const limits = { ...sampleLimits, maxConnections: 7 };
  const port = await listen(world.plane, 1, { limits });
  expect(await letIn(port, 60, clients)).toBe(7);
  const perSource = { ...sampleLimits, maxConnectionsPerSource: 4 };
  expect(await letIn(await listen(world.plane, 2, { limits: perSource }), 60, clients)).toBe(4);
  const acceptRate = { perSecond: 1, burst: 5 };
  const burst = await letIn(
    await listen(world.plane, 3, { limits: { ...sampleLimits, acceptRate } }),
    5,
    clients,
  );
  expect(burst).toBeLessThanOrEqual(5);
});

test('both workers lost at once come back with the same ports', async () => {
  await using world = await startPlane({ workers: 2 });
  const { plane, observed } = world;
  const ports = await listenAll(plane, 5);
  for (const { pid } of plane.status()) process.kill(pid, 'SIGKILL');
  await waitFor('both to be lost', () => world.lost.length === 2);
  const pids = await waitFor('both successors', () => pidsOf(plane, 2));
  await waitFor('both to have bound all', () => countOn(pids, observed) === ports.length);
  expect(observed.filter(({ state }) => state !== 'bound')).toEqual([]);
  for (const port of ports) expect(await talk(port, 'x')).toBe('x');
});
