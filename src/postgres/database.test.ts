/** What a query leaves behind in memory, and how a long answer comes. */
import { GCProfiler, type GCProfilerResult } from 'node:v8';
import { expect, test } from 'vitest';
import { long } from '../../test/support/long.ts';
import { quietLog as log } from '../../test/support/quiet-log.ts';
import { startEndingServer } from '../../test/support/store-proxy.ts';
import { makeDatabase } from '../../test/support/test-database.ts';
import { Database } from './database.ts';

const limits = {
  connectTimeoutMs: 10_000,
  statementTimeoutMs: 10_000,
  readConnectionsMax: 2,
  keptPlansMax: 1,
  prismaConnectionsMax: 1,
};

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

test(
  'what a query answered is garbage at once, and not only at the next full collection',
  long,
  async () => {
    await using ground = await makeDatabase();
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
  },
);

test('a long answer comes whole, in pieces, and other work is done between them', async () => {
  await using ground = await makeDatabase();
  await using database = new Database({ connectionString: ground.url, log, limits });
  let turns = 0;
  let isCounting = true;
  const count = () => {
    turns += 1;
    if (isCounting) setImmediate(count);
  };
  const text = 'SELECT n FROM generate_series(1, 500) n';
  await database.query({ text });
  setImmediate(count);
  const rows = await database.query({ text, pieceRowsMax: 10 });
  isCounting = false;
  expect(rows.map(([n]) => n)).toEqual(Array.from({ length: 500 }, (_, index) => index + 1));
  // Each piece is asked for when the one before is there.
  expect(turns).toBeGreaterThanOrEqual(50);
});

test('an answer that fails in one of its pieces fails, and leaves a connection for the next', async () => {
  await using ground = await makeDatabase();
  const only = { ...limits, readConnectionsMax: 1 };
  await using database = new Database({ connectionString: ground.url, log, limits: only });
  const text = 'SELECT 1 / (95 - n) FROM generate_series(1, 500) n';
  await expect(database.query({ text, pieceRowsMax: 10 })).rejects.toThrow('division by zero');
  expect(await database.query({ text: 'SELECT 1' })).toEqual([[1]]);
});

test('a server that ends with its answer to one fails the next who has the connection, and nobody else', async () => {
  await using ground = await makeDatabase();
  await using server = await startEndingServer(ground.url);
  const one = { ...limits, readConnectionsMax: 1 };
  await using database = new Database({ connectionString: server.url, log, limits: one });
  const statement = { text: 'SELECT 1' };
  await database.query(statement);
  server.end();
  // The second has the connection as soon as the first is answered, in the very turn of the server's last words.
  const both = await Promise.allSettled([database.query(statement), database.query(statement)]);
  expect(both).toMatchObject([
    { status: 'fulfilled', value: [[1]] },
    { status: 'rejected', reason: { code: 'unavailable' } },
  ]);
});

test('the plan of a statement is kept by its connection, and of no more statements than may be', async () => {
  await using ground = await makeDatabase();
  const one = { ...limits, readConnectionsMax: 1, keptPlansMax: 2 };
  await using database = new Database({ connectionString: ground.url, log, limits: one });
  const ask = (text: string, value: number) =>
    database.query({ text: `SELECT ${text} + $1::integer`, values: [value], isPlannedOnce: true });
  // One with a name takes no place of theirs.
  await database.query({ name: 'named', text: 'SELECT 5', isPlannedOnce: true });
  for (const text of ['10', '20', '30', '40']) {
    expect(await ask(text, 1)).toEqual([[Number(text) + 1]]);
    expect(await ask(text, 2)).toEqual([[Number(text) + 2]]);
  }
  const text = `SELECT statement, generic_plans, custom_plans, current_setting('plan_cache_mode')
    FROM pg_prepared_statements WHERE name <> '' AND name <> 'named' ORDER BY statement`;
  const names = "SELECT count(*)::integer FROM pg_prepared_statements WHERE name = 'named'";
  const mode = 'force_generic_plan';
  expect(await database.query({ text, isPlannedOnce: true })).toEqual([
    ['SELECT 10 + $1::integer', 2, 0, mode],
    ['SELECT 20 + $1::integer', 2, 0, mode],
  ]);
  expect(await database.query({ text: names, isPlannedOnce: true })).toEqual([[1]]);
  // What is not kept, and has no name, is planned for its values, on a connection of others.
  expect(await database.query({ text })).toEqual([]);
});

test('appends keep the plans of no more statements than may be, and each goes on when all are let go of', async () => {
  await using ground = await makeDatabase();
  await using database = new Database({
    ...{ connectionString: ground.url, log },
    limits: { ...limits, keptPlansMax: 3 },
  });
  const countText =
    "SELECT pg_backend_pid(), array_agg(name ORDER BY name) FROM pg_prepared_statements WHERE name <> ''";
  const seen: unknown[] = [];
  const append = async (n: number) => {
    const text = `SELECT ${n} + $1::integer`;
    expect(await database.append({ name: `mix ${n}`, text, values: [1] })).toEqual([[n + 1]]);
    seen.push((await database.queryAsWriter({ text: countText }))[0]);
  };
  for (const n of [1, 2, 3, 1, 4, 1, 3, 2]) await append(n);
  const [[pid]] = seen as [[number]];
  const kept = [[1], [1, 2], [1, 2, 3], [1, 2, 3], [4], [1, 4], [1, 3, 4], [2]];
  expect(seen).toEqual(kept.map((names) => [pid, names.map((n) => `mix ${n}`)]));
});
