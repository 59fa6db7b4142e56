/** That plans do not stay what they were for few rows: when tables are analyzed, and what it does to an append. */
import { Client } from 'pg';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { quietLog as log } from '../../test/support/quiet-log.ts';
import {
  append,
  closed,
  opened,
  sampleConnection,
  sampleTime,
} from '../../test/support/store-samples.ts';
import { makeDatabase } from '../../test/support/test-database.ts';
import { waitFor } from '../../test/support/wait-for.ts';
import { type AppendBatch, foldAppend } from './append-batch.ts';
import { appendStatement } from './append-statement.ts';
import { GrownTables } from './grown-tables.ts';
import { PostgresStore } from './postgres-store.ts';
import { SecretCipher } from './secret-cipher.ts';
import { writerSettings } from './session-settings.ts';

describe('a table is analyzed', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
  afterEach(() => void vi.useRealTimers());

  const restMs = 5000;

  function makeTables(failure: Error | null = null) {
    const texts: string[] = [];
    const warnings: string[] = [];
    const query = async ({ text }: { readonly text: string }) => {
      texts.push(text);
      if (failure !== null) throw failure;
      return [];
    };
    const warn = (_: object, message: string) => void warnings.push(message);
    const tables = new GrownTables({ query }, { warn });
    const wrote = (
      rows: Partial<Record<'open' | 'gone' | 'newListeners', number>>,
      afterMs = restMs,
    ) => {
      vi.advanceTimersByTime(afterMs);
      const of = (name: keyof typeof rows) => Array.from({ length: rows[name] ?? 0 }, () => []);
      const batch = { open: of('open'), gone: of('gone'), newListeners: of('newListeners') };
      tables.appended(batch as unknown as AppendBatch);
      return texts.splice(0);
    };
    return { wrote, warnings };
  }

  const open = 'ANALYZE (SKIP_LOCKED) open_connections (project, id)';
  const listeners = 'ANALYZE (SKIP_LOCKED) listeners (project, id, name)';

  test('when it has five hundred rows, and twice as many each time', () => {
    const { wrote } = makeTables();
    expect(wrote({ open: 499 })).toEqual([]);
    expect(wrote({ open: 1, newListeners: 499 })).toEqual([open]);
    expect(wrote({ open: 499, newListeners: 1 })).toEqual([listeners]);
    expect(wrote({ open: 1 })).toEqual([open]);
    expect(wrote({ open: 5000, newListeners: 5000 })).toEqual([open, listeners]);
  });

  test('again when it grows after most of it went: a plan for few may be there again', () => {
    const { wrote } = makeTables();
    expect(wrote({ open: 8000 })).toEqual([open]);
    expect(wrote({ gone: 7990 })).toEqual([]);
    expect(wrote({ open: 480 })).toEqual([]);
    expect(wrote({ open: 10 })).toEqual([open]);
  });

  test('also after what another process had left open is closed', () => {
    const { wrote } = makeTables();
    expect(wrote({ gone: 8000 })).toEqual([]);
    expect(wrote({ open: 499 })).toEqual([]);
    expect(wrote({ open: 1 })).toEqual([open]);
  });

  test('not while it only comes and goes', () => {
    const { wrote } = makeTables();
    for (let n = 0; n < 100; n += 1) expect(wrote({ open: 300, gone: 300 })).toEqual([]);
  });

  test('at most once in five seconds', () => {
    const { wrote } = makeTables();
    expect(wrote({ open: 500 })).toEqual([open]);
    expect(wrote({ open: 1000 }, 0)).toEqual([]);
    expect(wrote({ open: 1000 }, restMs - 1)).toEqual([]);
    expect(wrote({ open: 1 }, 1)).toEqual([open]);
  });

  test('or it is told that it was not', async () => {
    const { wrote, warnings } = makeTables(new Error('no'));
    expect(wrote({ open: 500 })).toEqual([open]);
    await vi.waitFor(() => expect(warnings).toEqual([expect.stringContaining(open)]));
  });
});

test('an append looks for what changes by its keys as soon as many connections are open', async () => {
  await using database = await makeDatabase();
  const { url } = database;
  const client = new Client({ connectionString: url });
  await client.connect();
  // What the server does by itself is not what is tested.
  await client.query('ALTER TABLE open_connections SET (autovacuum_enabled = off)');
  await client.query(writerSettings);
  await using store = await PostgresStore.open({ connectionString: url, nodeId: 'node-a', log });
  const node = await store.nodes.takeOwn();
  const connections = Array.from({ length: 500 }, (_, n) =>
    sampleConnection({ acceptedAt: sampleTime + n * 2000 }),
  );
  const change = append(
    1,
    connections.slice(0, 2).map((one) => closed(one)),
  );
  const batch = foldAppend(
    change,
    { node: node.ref, boot: null },
    new SecretCipher({ current: null, old: null }),
  );
  const { text } = appendStatement(batch, { writer: node.ref, epoch: 1, number: 1 });
  const lookUp = async () => {
    const { rows } = await client.query(`EXPLAIN (GENERIC_PLAN) ${text}`);
    const lines = rows.map((row) => String(row['QUERY PLAN']).trim());
    const at = lines.findIndex((line) => line.includes('using open_connections_pkey'));
    return lines[at + 1];
  };
  expect(await lookUp()).toBe('Index Cond: (project = $4)');
  await node.append(append(1, connections.map(opened)));
  const byKey = async () => (await lookUp())?.includes('(id = r') || null;
  expect(await waitFor('the table to be analyzed', byKey)).toBe(true);
  await client.end();
});
