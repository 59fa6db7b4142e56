import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { keepingLogger, sampleId, sampleNewListener } from '../../test/support/samples.ts';
import { talk } from '../../test/support/tcp-client.ts';
import { waitFor } from '../../test/support/wait-for.ts';
import { readConfig } from '../config.ts';
import { systemClock } from '../core/clock.ts';
import type { Binding } from '../core/ports.ts';
import { type DataPlaneLimits, WorkerDataPlane } from './worker-data-plane.ts';

async function startPlane({
  workers = 1,
  ...limits
}: Partial<DataPlaneLimits> & { workers?: number }) {
  const lost: number[] = [];
  const logger = keepingLogger();
  const plane = await WorkerDataPlane.start({
    workers,
    nodeId: 'node-1',
    clock: systemClock(),
    log: logger,
    limits: { ...readConfig({}).dataPlane, ...limits },
    onFatal(error) {
      throw error;
    },
    events: {
      onRecords: async () => undefined,
      onWorkerLost: (pid) => lost.push(pid),
      onRebound: () => undefined,
    },
  });
  const dispose = () => plane[Symbol.asyncDispose]();
  return { plane, lost, logger, [Symbol.asyncDispose]: dispose };
}

function sampleBinding(number: number): Binding {
  const { name: _name, labels: _labels, expiresAt: _expiresAt, ...spec } = sampleNewListener();
  return { ...spec, port: 0, tls: null, tlsKey: null, listenerId: sampleId(number) };
}

/** A listener that echoes; resolves with its port. */
async function listen(plane: WorkerDataPlane, number: number): Promise<number> {
  const binding = sampleBinding(number);
  const { laddr } = await plane.open(binding);
  await plane.serve(binding.listenerId);
  return laddr.port;
}

const pidOf = (plane: WorkerDataPlane) => plane.status()[0]?.pid;

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

test('a worker that is lost while it binds its listeners anew has a successor too', async () => {
  await using world = await startPlane({});
  const { plane } = world;
  const ports = await Promise.all(Array.from({ length: 40 }, (_, n) => listen(plane, n)));
  for (let round = 0; round < 3; round++) {
    const before = pidOf(plane);
    process.kill(before ?? 0, 'SIGKILL');
    // It counts as up before it has bound anything: the next kill falls into that time.
    await waitFor('the successor', () => ![undefined, before].includes(pidOf(plane)));
  }
  for (const port of ports) {
    await waitFor(`port ${port}`, async () => (await talk(port, 'x').catch(() => '')) === 'x');
  }
});

test('workers that are lost before they are ready are made up for, once each', async () => {
  await using world = await startPlane({ workers: 2, restartMinMs: 1, restartMaxMs: 20 });
  const { plane } = world;
  const port = await listen(plane, 1);
  let killed = 0;
  await waitFor('ten workers to be killed', () => {
    for (const pid of workerProcesses()) {
      process.kill(pid, 'SIGKILL');
      killed += 1;
    }
    return killed >= 10;
  });
  await waitFor('two workers', () => plane.status().length === 2);
  await waitFor('the echo', async () => (await talk(port, 'x').catch(() => '')) === 'x');
  await waitFor('no third one', () => workerProcesses().length === 2);
  expect(plane.status()).toHaveLength(2);
});

test('a worker that does not answer is killed, and what was asked of it is done by its successor', async () => {
  await using world = await startPlane({ requestTimeoutMs: 300 });
  const { plane, lost, logger } = world;
  const kept = await listen(plane, 1);
  const gone = await listen(plane, 2);
  const frozen = pidOf(plane);
  process.kill(frozen ?? 0, 'SIGSTOP');
  // Its port goes with it: the close has succeeded.
  await plane.close(sampleBinding(2).listenerId, { drainMs: 0, reason: 'listener_deleted' });
  expect(lost).toEqual([frozen]);
  expect(logger.lines.map(({ message }) => message)).toContain(
    'the worker does not answer: it is killed',
  );
  await waitFor('the other port', async () => (await talk(kept, 'x').catch(() => '')) === 'x');
  await expect(talk(gone, 'x')).rejects.toThrow('ECONNREFUSED');
});

test('an open that a frozen worker does not answer fails as unavailable, within its time', async () => {
  await using world = await startPlane({ requestTimeoutMs: 200 });
  process.kill(pidOf(world.plane) ?? 0, 'SIGSTOP');
  await expect(world.plane.open(sampleBinding(1))).rejects.toMatchObject({ code: 'unavailable' });
  await waitFor('the successor', () => world.plane.status().length === 1);
  expect(await talk(await listen(world.plane, 1), 'x')).toBe('x');
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
  await using world = await startPlane({ restartMinMs: 1, restartMaxMs: 50 });
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
  await waitFor('the echo', async () => (await talk(port, 'x').catch(() => '')) === 'x');
});
