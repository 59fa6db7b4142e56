import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { describe, expect, test } from 'vitest';
import { faultOf } from '../../test/support/fault-bench.ts';
import { sampleLimits } from '../../test/support/samples.ts';
import { openClient, type TcpClient, talk } from '../../test/support/tcp-client.ts';
import { waitFor } from '../../test/support/wait-for.ts';
import {
  countOn,
  end,
  kill,
  listen,
  listenAll,
  pidOf,
  pidsOf,
  sampleBinding,
  startPlane,
} from '../../test/support/worker-plane.ts';
import type { Observed } from '../core/ports.ts';

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

function goneIn(observed: readonly Observed[]): number {
  return observed.filter(({ state }) => state === 'gone').length;
}

/** How many sockets the listener that was observed last has. */
function partsOf(observed: readonly Observed[]): number {
  const last = observed.at(-1);
  return last?.state === 'bound' ? last.sockets.length : 0;
}

const isEchoed = async (port: number) => (await talk(port, 'x').catch(() => '')) === 'x';

test('a worker that is lost while it binds its listeners anew has a successor too', async () => {
  const count = 5;
  let told = 0;
  const killAtFirst = () => {
    told += 1;
    if (told === count + 1) kill(world.plane);
  };
  // One by one: all others are still to be bound when the first is.
  await using world = await startPlane({ rebindsAtOnceMax: 1, onObserved: killAtFirst });
  const ports = await listenAll(world.plane, count);
  kill(world.plane);
  for (const port of ports) await waitFor(`port ${port}`, () => isEchoed(port));
  expect([world.lost.length, told]).toEqual([2, count + 1 + count]);
});

test('a listener that is closed while a new worker binds it does not listen afterwards', async () => {
  const count = 5;
  let told = 0;
  const endAllAtFirst = () => {
    told += 1;
    if (told === count + 1) for (let n = 0; n < count; n++) end(world.plane, n);
  };
  await using world = await startPlane({ rebindsAtOnceMax: 1, onObserved: endAllAtFirst });
  const ports = await listenAll(world.plane, count);
  kill(world.plane);
  await waitFor('the ends', () => goneIn(world.observed) === count);
  for (const port of ports) await expect(talk(port, 'x')).rejects.toThrow('ECONNREFUSED');
  expect([told, world.plane.status()[0]?.listeners]).toEqual([count + 1 + count, 0]);
});

test('workers that are lost before they are ready are made up for, once each', async () => {
  await using world = await startPlane({ workers: 2, restartMaxMs: 20 });
  const { plane } = world;
  const port = await listen(plane, 1);
  let killed = 0;
  await waitFor('six workers to be killed', () => {
    for (const pid of workerProcesses()) {
      process.kill(pid, 'SIGKILL');
      killed += 1;
    }
    return killed >= 6;
  });
  await waitFor('two workers', () => plane.status().length === 2);
  await waitFor('the echo', () => isEchoed(port));
  await waitFor('no third one', () => workerProcesses().length === 2);
  expect(plane.status()).toHaveLength(2);
});

// They wait for the end of a worker's time to answer, each for that of its own.
describe.concurrent('a worker that stands still', () => {
  test('a worker that does not answer is killed, and what was asked of it is done by its successor', async () => {
    await using world = await startPlane({ requestTimeoutMs: 500 });
    const { plane, logger } = world;
    const kept = await listen(plane, 1);
    const gone = await listen(plane, 2);
    const frozen = pidOf(plane);
    process.kill(frozen ?? 0, 'SIGSTOP');
    // Its port goes with it: the close has succeeded.
    end(plane, 2);
    await waitFor('its end', () => goneIn(world.observed) === 1);
    expect(world.lost).toEqual([frozen]);
    expect(logger.lines.map(({ message }) => message)).toContain(
      'the worker does not answer: it is killed',
    );
    await waitFor('the other port', () => isEchoed(kept));
    await expect(talk(gone, 'x')).rejects.toThrow('ECONNREFUSED');
  });

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

/** Clients that are let in, of so many that connect one after the other and stay. */
async function letIn(port: number, count: number, clients: AsyncDisposableStack): Promise<number> {
  let echoed = 0;
  for (let n = 0; n < count; n++) {
    const client = await openClient(port).catch(() => null);
    if (client === null) continue;
    clients.use(client);
    const isEchoed = client.echo('x').then(
      () => true,
      () => false,
    );
    if (await Promise.race([isEchoed, client.ended.then(() => false)])) echoed += 1;
  }
  return echoed;
}

/** Nobody listens on it any more. */
async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1');
  return await once(server, 'listening').then(
    () => {
      server.close();
      return true;
    },
    () => false,
  );
}

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

test('a limit too small for all workers is served by fewer, and by more once it is raised', async () => {
  await using world = await startPlane({ workers: 3 });
  await using clients = new AsyncDisposableStack();
  const { plane, observed } = world;
  const limits = { ...sampleLimits, maxConnections: 1 };
  const binding = sampleBinding(1, { limits });
  const { laddr, sockets } = await plane.open(binding);
  await plane.wish({ generation: 1, binding });
  expect(sockets).toHaveLength(1);
  // Whoever comes first is let in, whichever worker the kernel would have chosen.
  expect(await letIn(laddr.port, 6, clients)).toBe(1);
  const raised = { ...sampleLimits, maxConnections: 9 };
  await plane.wish({ generation: 2, binding: { ...binding, limits: raised } });
  expect(observed.at(-1)).toMatchObject({ laddr, sockets: [sockets[0], {}, {}] });
  expect(await letIn(laddr.port, 60, clients)).toBe(8);
});

test.runIf(process.platform === 'linux')(
  'where one worker can not bind, none stays bound',
  async () => {
    await using world = await startPlane({ workers: 2 });
    const { plane } = world;
    const [, second] = plane.status();
    execFileSync('prlimit', ['--pid', String(second?.pid), '--nofile=1:1']);
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const address = other.address();
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
    other.close();
    await once(other, 'close');
    await expect(plane.open(sampleBinding(1, { port }))).rejects.toMatchObject({
      code: 'resource_exhausted',
    });
    expect(await isFree(port)).toBe(true);
    expect(plane.status()[0]?.listeners).toBe(0);
  },
);

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

/** Takes every file descriptor that this process may still have. */
function takeAllFiles(): Disposable {
  const fds: number[] = [];
  try {
    for (;;) fds.push(openSync('/dev/null', 'r'));
  } catch {
    return {
      [Symbol.dispose]() {
        for (const fd of fds) closeSync(fd);
      },
    };
  }
}

test('a worker that can not even be started for want of a file is tried again', async () => {
  await using world = await startPlane({ restartMaxMs: 50 });
  const { plane, logger } = world;
  const port = await listen(plane, 1);
  {
    using _files = takeAllFiles();
    process.kill(pidOf(plane) ?? 0, 'SIGKILL');
    await waitFor('two failed starts', () => {
      const failed = logger.lines.filter(({ message }) => message.includes('did not come up'));
      return failed.length >= 2;
    });
  }
  await waitFor('the echo', () => isEchoed(port));
});

test('what is asked after its end is refused at once, and nothing of it is left', async () => {
  const exitListeners = process.listenerCount('exit');
  const world = await startPlane({ workers: 2 });
  const { plane } = world;
  await listen(plane, 1);
  await plane[Symbol.asyncDispose]();
  await expect(plane.open(sampleBinding(2))).rejects.toMatchObject({ code: 'unavailable' });
  await plane.wish({ generation: 1, binding: sampleBinding(2) });
  await plane.release(sampleBinding(2).listenerId);
  // What was to listen still is, by the next start: nothing is observed as gone, but whose end is asked for.
  expect(goneIn(world.observed)).toBe(0);
  end(plane, 1);
  await waitFor('its end', () => goneIn(world.observed) === 1);
  expect(plane.status()).toEqual([]);
  expect(process.listenerCount('exit')).toBe(exitListeners);
});
