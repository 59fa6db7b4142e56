/** A plan may be made while a table is nearly empty, and kept while it grows: each look must fit its one index then, too. */
import { Client } from 'pg';
import { expect, test } from 'vitest';
import { append, closed, halfClosed, sampleConnection } from '../../test/support/store-samples.ts';
import { makeDatabase } from '../../test/support/test-database.ts';
import { connectionStates } from '../core/connection.ts';
import { everyEvent } from '../core/event-filter.ts';
import { defaultProject, projectRef } from '../core/project.ts';
import { allStatement } from './all-connections.ts';
import { foldAppend } from './append-batch.ts';
import { appendStatement } from './append-statement.ts';
import type { Statement } from './database.ts';
import { eventsBackStatement, eventsStatement } from './event-statements.ts';
import { historyQuery } from './history-query.ts';
import { SecretCipher } from './secret-cipher.ts';

const cipher = new SecretCipher({ current: null, old: null });
const states = ['as it was made', 'of which it is known that it is empty'];

test.each(states)(
  'a database %s has each row looked up by its key, and each page read along its seqs',
  async (state) => {
    await using database = await makeDatabase();
    const client = new Client({ connectionString: database.url });
    await client.connect();
    if (state !== 'as it was made') await client.query('VACUUM (ANALYZE)');
    // As src/postgres/database.ts has it for the append.
    await client.query(
      'SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off',
    );
    const indexesOf = async ({ text, values }: Statement) => {
      const { rows } = await client.query({
        text: `EXPLAIN ${text}`,
        values: [...(values ?? [])],
      });
      const lines = rows.map((row) => String(row['QUERY PLAN']));
      const used = lines.flatMap((line) => /(?:using|Index Scan on) (\w+)/.exec(line)?.[1] ?? []);
      return new Set(
        used.filter((name) => /^(open|closed)_connections|^(events|log_heads)_/.test(name)),
      );
    };
    const read = { limit: 100, bytesMax: 1e6, filter: everyEvent };
    const bySeq = new Set([
      'open_connections_opened_seq_key',
      'closed_connections_opened_seq_key',
      'closed_connections_closed_seq_key',
      'events_pkey',
      'log_heads_pkey',
    ]);
    expect(await indexesOf(eventsStatement(defaultProject, { ...read, afterSeq: 0 }))).toEqual(
      bySeq,
    );
    expect(await indexesOf(eventsBackStatement(defaultProject, { ...read, beforeSeq: 9 }))).toEqual(
      bySeq,
    );
    const changes = [halfClosed(sampleConnection()), closed(sampleConnection())];
    const fence = { writer: 1, epoch: 1, number: 1 };
    const one = append(1, changes);
    const several = append(1, changes, { project: projectRef(2) });
    for (const entries of [one.entries, [...one.entries, ...several.entries]]) {
      const batch = foldAppend({ number: 1, entries }, { node: 1, boot: null }, cipher);
      const used = await indexesOf(appendStatement(batch, fence));
      expect(used).toEqual(new Set(['open_connections_pkey', 'log_heads_pkey']));
    }
    await client.end();
  },
);

/** Between any times and any page. */
const allQueries = [null, 1].flatMap((acceptedAfter) =>
  [null, 2].flatMap((acceptedBefore) =>
    [null, sampleConnection().id].map((after) => {
      const nothing = { listenerIds: null, protocol: null, lport: null, raddr: null };
      const query = { ...nothing, closeReason: null, state: null, acceptedAfter, acceptedBefore };
      return historyQuery(defaultProject, query, after);
    }),
  ),
);

test.each(states)('a page of all connections of a database %s is read in order', async (state) => {
  await using database = await makeDatabase();
  const client = new Client({ connectionString: database.url });
  await client.connect();
  if (state !== 'as it was made') await client.query('VACUUM (ANALYZE)');
  await client.query('SET enable_seqscan = off');
  const names = new Map<string | undefined, string>();
  for (const query of allQueries) {
    for (const one of [null, ...connectionStates]) {
      const { name, text } = allStatement(query, one, 51);
      expect(names.get(name) ?? text).toBe(text);
      names.set(name, text);
      const { rows } = await client.query(`EXPLAIN (GENERIC_PLAN) ${text}`);
      const plan = rows.map((row) => String(row['QUERY PLAN'])).join('\n');
      expect(plan).not.toMatch(/Sort {2}|Bitmap|Seq Scan/);
      const scans = [...plan.matchAll(/Index Scan Backward using (\w+)/g)].map(
        ([, index]) => index,
      );
      expect(scans).toEqual([
        ...(one === 'closed' ? [] : ['open_connections_pkey']),
        ...(one === null || one === 'closed' ? ['closed_connections_pkey'] : []),
      ]);
    }
  }
  await client.end();
});
