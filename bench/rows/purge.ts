/** How fast the oldest of a long history goes, a piece after the other. It takes from what `seed` made. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { defaultProject } from '../../src/core/project.ts';
import { EmbeddedPostgres } from '../../src/embedded-postgres/embedded-postgres.ts';
import { PostgresStore } from '../../src/postgres/postgres-store.ts';
import { quantile } from '../figures.ts';
import { cpuMilliseconds, processTree } from '../process-stats.ts';
import type { Row } from '../row.ts';

/** As the server purges. */
const pieceEvents = 5000;
const quiet = { debug() {}, info() {}, warn: console.warn, error: console.error };

export const purgeRow: Row = {
  name: 'purge',
  async run({ isQuick, dataDir }) {
    if (!existsSync(join(dataDir, 'postgres'))) {
      throw new Error('there is no history: npm run bench -- seed makes one');
    }
    await using server = await EmbeddedPostgres.start({
      dataDir,
      log: quiet,
      startTimeoutMs: 60_000,
      stopTimeoutMs: 60_000,
    });
    const { connectionString } = server;
    await using store = await PostgresStore.open({ connectionString, nodeId: 'purge', log: quiet });
    const { headSeq, oldestSeq } = await store.of(defaultProject).log.readBounds();
    const events = pieceEvents * (isQuick ? 20 : 100);
    const eventsMax = headSeq - oldestSeq + 1 - events;
    const pids = processTree(process.pid).filter((pid) => pid !== process.pid);
    const pieces: number[] = [];
    const before = cpuMilliseconds(pids);
    for (let hasMore = true; hasMore; ) {
      const startedAt = performance.now();
      ({ hasMore } = await store.of(defaultProject).keeping.purge({
        before: 0,
        eventsMax,
        bytesMax: Number.MAX_SAFE_INTEGER,
        limit: pieceEvents,
      }));
      pieces.push(performance.now() - startedAt);
    }
    const seconds = pieces.reduce((sum, ms) => sum + ms, 0) / 1000;
    const cpuUs = ((cpuMilliseconds(pids) - before) * 1000) / (events / 2);
    return [
      {
        what: `purge of ${events} events, of ${Math.round(headSeq / 2e6)} million connections`,
        unit: 'connections/s',
        kodama: events / 2 / seconds,
        note: `${cpuUs.toFixed(1)} µs of PostgreSQL's CPU each; the slowest piece of ${pieces.length} took ${quantile(pieces, 1).toFixed(0)} ms`,
      },
    ];
  },
};
