/** From the start of the process to its ready line. */
import { rm } from 'node:fs/promises';
import { median } from '../figures.ts';
import { Kodama, makeDataDir } from '../kodama.ts';
import { treeCpuSeconds } from '../process-stats.ts';
import type { Row } from '../row.ts';

export const startRow: Row = {
  name: 'start',
  async run({ isQuick }) {
    const rounds = isQuick ? 2 : 5;
    const first: Start[] = [];
    const again: Start[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const dataDir = await makeDataDir();
      try {
        first.push(await start(dataDir));
        again.push(await start(dataDir));
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
    return [line('first ever', first, 4), line('data directory present', again, 1.5)];
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
