/** From the start of the process to its ready line; and the memory that is in use some seconds later. */
import { rm } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { median } from '../figures.ts';
import { Kodama, makeDataDir } from '../kodama.ts';
import { processTree, pssBytes, treeCpuSeconds } from '../process-stats.ts';
import type { Result } from '../report.ts';
import type { Row } from '../row.ts';

const settleMs = 10_000;
const mebibyte = 2 ** 20;

export const startRow: Row = {
  name: 'start',
  async run({ isQuick }) {
    const rounds = isQuick ? 2 : 5;
    const first: Start[] = [];
    const again: Start[] = [];
    const memory: Result[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const dataDir = await makeDataDir();
      try {
        first.push(await start(dataDir));
        again.push(await start(dataDir));
        if (round === 0) memory.push(...(await measureMemory(dataDir)));
      } finally {
        await rm(dataDir, { recursive: true, force: true });
      }
    }
    const line = (what: string, starts: readonly Start[], max: number) => {
      const took = starts.map(({ seconds }) => seconds);
      const cpu = median(starts.map(({ cpuSeconds }) => cpuSeconds)).toFixed(2);
      return {
        what: `cold start to ready, ${what}`,
        unit: 's',
        kodama: median(took),
        goal: { of: 'figure' as const, max },
        note: `slowest of ${rounds}: ${Math.max(...took).toFixed(2)} s; ${cpu} s of CPU`,
      };
    };
    return [line('first ever', first, 2), line('data directory present', again, 0.8), ...memory];
  },
};

interface Start {
  readonly seconds: number;
  /** Of all its processes. */
  readonly cpuSeconds: number;
}

async function start(dataDir: string): Promise<Start> {
  await using kodama = await Kodama.start({ dataDir });
  return { seconds: kodama.startMs / 1000, cpuSeconds: treeCpuSeconds(kodama.pid) };
}

/** Of pages that processes share, Node's own for one, each has its part: the bench shares these, too. */
async function measureMemory(dataDir: string): Promise<readonly Result[]> {
  await using kodama = await Kodama.start({ dataDir });
  const workers = await kodama.workerPids();
  await delay(settleMs);
  const others = processTree(kodama.pid).filter((pid) => ![kodama.pid, ...workers].includes(pid));
  const line = (what: string, pids: readonly number[], max: number): Result => ({
    what: `memory at rest, ${what}`,
    unit: 'MiB',
    kodama: pids.reduce((sum, pid) => sum + pssBytes(pid), 0) / mebibyte,
    goal: { of: 'figure', max },
    note: 'PSS, ten seconds after the start',
  });
  return [
    line('control plane', [kodama.pid], 90),
    line('worker', workers, 55),
    line('PostgreSQL', others, 80),
  ];
}
