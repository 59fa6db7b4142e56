import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { isFree } from '../../test/support/free-port.ts';
import { long } from '../../test/support/long.ts';
import { sampleLimits } from '../../test/support/samples.ts';
import { talk } from '../../test/support/tcp-client.ts';
import { waitFor } from '../../test/support/wait-for.ts';
import {
  end,
  goneIn,
  isEchoed,
  kill,
  letIn,
  listen,
  listenAll,
  partsOf,
  pidOf,
  sampleBinding,
  startPlane,
} from '../../test/support/worker-plane.ts';
import { projectRef } from '../core/project.ts';

test(
  'a worker that is lost while it binds its listeners anew has a successor too',
  long,
  async () => {
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
  },
);

test(
  'a listener that is closed while a new worker binds it does not listen afterwards',
  long,
  async () => {
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
  },
);

test(
  'a worker that does not answer is killed, and what was asked of it is done by its successor',
  long,
  async () => {
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
  },
);

test(
  'a limit too small for all workers is served by fewer, and by more once it is raised',
  long,
  async () => {
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
  },
);

test(
  'a quota smaller than the number of workers is exact, and all listen once it is raised',
  long,
  async () => {
    await using world = await startPlane({ workers: 3 });
    await using clients = new AsyncDisposableStack();
    const { plane, observed } = world;
    const project = projectRef(2);
    plane.limitProject(project, { ...sampleLimits, maxConnections: 1 });
    const port = await listen(plane, 1, { project });
    expect(partsOf(observed)).toBe(1);
    expect(await letIn(port, 6, clients)).toBe(1);
    plane.limitProject(project, null);
    await waitFor('a socket on each worker', () => partsOf(observed) === 3);
    expect(await letIn(port, 10, clients)).toBe(10);
  },
);

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

test('a worker that can not even be started for want of a file is tried again', long, async () => {
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

test(
  'what is asked after its end is refused at once, and nothing of it is left',
  long,
  async () => {
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
  },
);
