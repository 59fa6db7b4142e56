/** Memory of the process that echoes, for each connection that made one round trip of 64 bytes and waits. */
import { setTimeout as delay } from 'node:timers/promises';
import { inTurn, median, medianRatio } from '../figures.ts';
import { Kodama } from '../kodama.ts';
import { LoadGenerator } from '../load-generator.ts';
import { pssBytes } from '../process-stats.ts';
import { type EchoServer, startReference } from '../reference-servers.ts';
import type { Row } from '../row.ts';

const settleMs = 3000;

export const idleRow: Row = {
  name: 'idle',
  async run({ isQuick }) {
    const connections = isQuick ? 2000 : 5000;
    const subjects = [
      { name: 'pipe', measure: () => measurePipe(connections) },
      { name: 'kodama', measure: () => measureKodama(connections) },
    ];
    const figures = await inTurn(subjects, isQuick ? 1 : 3, ({ measure }) => measure());
    const pipe = figures.get('pipe') ?? [];
    const kodama = figures.get('kodama') ?? [];
    return [
      {
        what: `idle connection, ${connections} of them`,
        unit: 'KiB',
        reference: { name: 'pipe', figure: median(pipe) },
        kodama: median(kodama),
        ratio: medianRatio(kodama, pipe),
        goal: { of: 'ratio', max: 0.75 },
        note: 'PSS of the worker',
      },
    ];
  },
};

async function measurePipe(connections: number): Promise<number> {
  await using server = await startReference('pipe');
  if (server === null) throw new Error('no pipe');
  return await measure(server, connections);
}

async function measureKodama(connections: number): Promise<number> {
  await using kodama = await Kodama.start();
  await using server = await kodama.asEchoServer();
  return await measure(server, connections);
}

/** KiB a connection. The first load is there so that code is loaded and compiled beforehand. */
async function measure({ port, pid }: EchoServer, connections: number): Promise<number> {
  const load = { mode: 'echo', port, bytes: 64, seconds: 1 } as const;
  {
    await using warming = await LoadGenerator.start({ ...load, connections: 100 });
    await warming.run();
  }
  await delay(settleMs);
  const before = pssBytes(pid);
  await using _holding = await LoadGenerator.start({ ...load, connections });
  await delay(settleMs);
  return (pssBytes(pid) - before) / 1024 / connections;
}
