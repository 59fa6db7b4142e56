import { type ChildProcess, fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { endOrphans } from './orphans.ts';
import { workerFile } from './worker-process.ts';

/** A worker that names this process, or another, as the one that started it. */
function startWorker(nodeId: string, startedBy: number): ChildProcess & AsyncDisposable {
  const child = fork(workerFile, [nodeId, String(startedBy)], { execArgv: [], env: {} });
  return Object.assign(child, {
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    },
  });
}

test.runIf(process.platform === 'linux')(
  'a worker whose starter is not its parent any more is ended; those of a living one are left alone',
  async () => {
    const nodeId = randomUUID();
    const gone = 2 ** 22 + 1;
    await using left = startWorker(nodeId, gone);
    await using ours = startWorker(nodeId, process.pid);
    await using others = startWorker(randomUUID(), gone);
    const exited = once(left, 'exit');
    expect(await endOrphans(workerFile, nodeId)).toEqual([left.pid]);
    expect(await exited).toEqual([null, 'SIGKILL']);
    expect([ours.exitCode, ours.signalCode, others.exitCode]).toEqual([null, null, null]);
  },
);
