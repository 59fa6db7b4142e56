/** What a query leaves behind in memory. */
import { GCProfiler, type GCProfilerResult } from 'node:v8';
import { expect, test } from 'vitest';
import { makeDatabase } from '../../test/support/test-database.ts';
import { Database } from './database.ts';

const nothing = () => undefined;
const log = { debug: nothing, info: nothing, warn: nothing, error: nothing };

/** Bytes that small collections found alive and moved to the old generation during the work. */
async function promotedBytes(work: () => Promise<void>): Promise<number> {
  const profiler = new GCProfiler();
  profiler.start();
  await work();
  const { statistics } = profiler.stop();
  const small = statistics.filter(({ gcType }) => gcType === 'Scavenge');
  expect(small.length).toBeGreaterThan(1);
  return small
    .map(({ beforeGC, afterGC }) => oldBytes(afterGC) - oldBytes(beforeGC))
    .reduce((sum, bytes) => sum + bytes, 0);
}

type Heap = GCProfilerResult['statistics'][number]['afterGC'];

function oldBytes({ heapSpaceStatistics }: Heap): number {
  const old = heapSpaceStatistics.find(({ spaceName }) => spaceName === 'old_space');
  return old?.spaceUsedSize ?? 0;
}

test('what a query answered is garbage at once, and not only at the next full collection', async () => {
  await using ground = await makeDatabase();
  const limits = { connectTimeoutMs: 10_000, statementTimeoutMs: 10_000, readConnectionsMax: 2 };
  await using database = new Database({ connectionString: ground.url, log, limits });
  const statement = { text: 'SELECT n, n::text, md5(n::text) FROM generate_series(1, 500) n' };
  let rows = 0;
  const ask = async (times: number) => {
    for (let n = 0; n < times; n++) rows += (await database.query(statement)).length;
  };
  await ask(50);
  const promoted = await promotedBytes(() => ask(500));
  expect(rows).toBe(550 * 500);
  expect(promoted).toBeLessThan(8_000_000);
});
