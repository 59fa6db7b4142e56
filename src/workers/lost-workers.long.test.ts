/** Workers that are lost at a bad moment: before they are ready, or with something asked of them. */
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { describe, expect, test } from 'vitest';
import { isFree } from '../../test/support/free-port.ts';
import { sampleLimits } from '../../test/support/samples.ts';
import { openClient, talk } from '../../test/support/tcp-client.ts';
import { waitFor } from '../../test/support/wait-for.ts';
import {
  isEchoed,
  letIn,
  listen,
  partsOf,
  pidOf,
  sampleBinding,
  startPlane,
} from '../../test/support/worker-plane.ts';

/** Worker processes of this process, ready or not. */
function workerProcesses(): readonly number[] {
  return readdirSync(`/proc/${process.pid}/task`)
    .flatMap((task) =>
      readFileSync(`/proc/${process.pid}/task/${task}/children`, 'utf8').split(' '),
    )
    .filter((pid) => pid !== '' && commandOf(pid).includes('worker-main'))
    .map(Number);
}

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

test('workers that are lost before they are ready are made up for, once each', async () => {
  // An app that other files of this process share has a worker here, too.
  const others = new Set(workerProcesses());
  const own = () => workerProcesses().filter((pid) => !others.has(pid));
  await using world = await startPlane({ workers: 2, restartMaxMs: 20 });
  const { plane } = world;
  const port = await listen(plane, 1);
  let killed = 0;
  await waitFor('six workers to be killed', () => {
    for (const pid of own()) {
      process.kill(pid, 'SIGKILL');
      killed += 1;
    }
    return killed >= 6;
  });
  await waitFor('two workers', () => plane.status().length === 2);
  await waitFor('the echo', () => isEchoed(port));
  await waitFor('no third one', () => own().length === 2);
  expect(plane.status()).toHaveLength(2);
});

test('a start makes up for a worker that is lost before it is ready, and gives up in the end', async () => {
  const others = new Set(workerProcesses());
  const own = () => workerProcesses().filter((pid) => !others.has(pid));
  {
    const starting = startPlane({ workers: 1 });
    const [pid = 0] = await waitFor('a worker', () => (own().length > 0 ? own() : null));
    process.kill(pid, 'SIGKILL');
    await using world = await starting;
    expect(await isEchoed(await listen(world.plane, 1))).toBe(true);
    expect(own()).not.toContain(pid);
  }
  // Node ends at once where it is given no such size.
  const ending = startPlane({ workers: 1, semiSpaceBytesMax: Number.NaN });
  await expect(ending).rejects.toMatchObject({ code: 'unavailable' });
  expect(own()).toEqual([]);
});

// They wait for the end of a worker's time to answer, each for that of its own.
describe.concurrent('a worker that stands still', () => {
  test('an open that a frozen worker does not answer fails as unavailable, within its time', async () => {
    await using world = await startPlane({ requestTimeoutMs: 500 });
    process.kill(pidOf(world.plane) ?? 0, 'SIGSTOP');
    await expect(world.plane.open(sampleBinding(1))).rejects.toMatchObject({ code: 'unavailable' });
    await waitFor('the successor', () => world.plane.status().length === 1);
    expect(await talk(await listen(world.plane, 1), 'x')).toBe('x');
  });

  test('a worker that hangs while nothing is asked of it is replaced, too', async () => {
    await using world = await startPlane({ requestTimeoutMs: 500 });
    const port = await listen(world.plane, 1);
    const frozen = pidOf(world.plane) ?? 0;
    process.kill(frozen, 'SIGSTOP');
    await waitFor('its end', () => world.lost.includes(frozen));
    await waitFor('the echo', () => isEchoed(port));
  });

  test('a change while a worker is lost holds for its successor too', async () => {
    await using world = await startPlane({ workers: 2, requestTimeoutMs: 500 });
    const { plane, observed } = world;
    const port = await listen(plane, 1);
    process.kill(pidOf(plane) ?? 0, 'SIGSTOP');
    const limits = { ...sampleLimits, denyCidrs: ['127.0.0.1'] };
    await plane.wish({ generation: 2, binding: sampleBinding(1, { limits }) });
    await waitFor('the successor', () => observed.length === 3);
    expect(observed.map(({ generation }) => generation)).toEqual([1, 2, 2]);
    await using clients = new AsyncDisposableStack();
    expect(await letIn(port, 20, clients)).toBe(0);
  });

  test('to close a connection of a worker that is lost meanwhile is no error', async () => {
    await using world = await startPlane({ requestTimeoutMs: 500 });
    const { plane, opened } = world;
    await using client = await openClient(await listen(plane, 1));
    const place = await waitFor('its record', () => opened[0]);
    process.kill(pidOf(plane) ?? 0, 'SIGSTOP');
    await plane.closeConnection(place, 'rst');
    await client.ended;
    await waitFor('the successor', () => plane.status().length === 1);
  });

  test('a worker that is lost while a listener is bound on all does not fail it', async () => {
    await using world = await startPlane({ workers: 2, requestTimeoutMs: 500 });
    const { plane, observed } = world;
    const [, second] = plane.status();
    process.kill(second?.pid ?? 0, 'SIGSTOP');
    const binding = sampleBinding(1);
    const { sockets } = await plane.open(binding);
    expect(sockets).toHaveLength(1);
    await plane.wish({ generation: 1, binding });
    await waitFor('the successor', () => plane.status().length === 2);
    await waitFor('its part', () => partsOf(observed) === 2);
    expect(observed.at(-1)).toMatchObject({ generation: 1, sockets: [sockets[0], {}] });
  });
});

test('a port that another process took while no worker was up is told, not shared, and taken back', async () => {
  await using world = await startPlane({ workers: 2, restartMinMs: 1000, rebindMinMs: 10 });
  const { plane, observed } = world;
  const port = await listen(plane, 1);
  for (const { pid } of plane.status()) process.kill(pid, 'SIGKILL');
  await waitFor('the port to be free', () => isFree(port));
  const foreign = createServer().listen({ port, host: '127.0.0.1', reusePort: true });
  await once(foreign, 'listening');
  await waitFor('the word of it', () => observed.length > 1);
  await waitFor('both to be up', () => plane.status().length === 2);
  expect(observed.slice(1)).toMatchObject([{ state: 'failed', reason: { code: 'port_in_use' } }]);
  expect(plane.status()[0]?.listeners).toBe(0);
  foreign.close();
  await once(foreign, 'close');
  await waitFor('both to have bound it', () => partsOf(observed) === 2);
  expect(await talk(port, 'x')).toBe('x');
});
