/** From the start of the process to its ready line. */
import { rm } from 'node:fs/promises';
import { median } from '../figures.ts';
import { Kodama, makeDataDir } from '../kodama.ts';
import type { Row } from '../row.ts';

export const startRow: Row = {
  name: 'start',
  async run({ isQuick }) {
    const rounds = isQuick ? 2 : 5;
    const first: number[] = [];
    const again: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const dataDir = await makeDataDir();
      try {
        first.push(await startMs(dataDir));
        again.push(await startMs(dataDir));
      } finally {
        await rm(dataDir, { recursive: true, force: true });
      }
    }
    const line = (what: string, values: readonly number[], max: number) => ({
      what: `cold start to ready, ${what}`,
      unit: 's',
      kodama: median(values) / 1000,
      goal: { of: 'figure' as const, max },
      note: `slowest of ${rounds}: ${(Math.max(...values) / 1000).toFixed(2)} s`,
    });
    return [line('first ever', first, 4), line('data directory present', again, 1.5)];
  },
};

async function startMs(dataDir: string): Promise<number> {
  await using kodama = await Kodama.start({ dataDir });
  return kodama.startMs;
}
