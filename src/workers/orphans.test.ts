import { type ChildProcess, fork, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { isFree } from '../../test/support/free-port.ts';
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

test.runIf(process.platform === 'linux')(
  'the port of a worker that was ended is free, however long the kernel takes with its memory',
  async () => {
    const nodeId = randomUUID();
    const script = `const held = Array.from({ length: 100 }, () => Buffer.alloc(1 << 20, 1));
      const server = require('node:net').createServer();
      server.listen(0, '127.0.0.1', () => console.log(server.address().port, held.length));`;
    const words = ['-e', script, workerFile, nodeId, `${2 ** 22 + 1}`];
    const left = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] });
    const exited = once(left, 'exit');
    const [line] = await once(left.stdout, 'data');
    expect(await endOrphans(workerFile, nodeId)).toEqual([left.pid]);
    expect(await isFree(Number.parseInt(`${line}`, 10))).toBe(true);
    await exited;
  },
);
