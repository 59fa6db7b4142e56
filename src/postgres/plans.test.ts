/** A plan may be made while a table is nearly empty, and kept while it grows: each look must fit its one index then, too. */

import { Client } from 'pg';
import { expect, test } from 'vitest';
import { append, closed, halfClosed, sampleConnection } from '../../test/support/store-samples.ts';
import { makeDatabase } from '../../test/support/test-database.ts';
import { connectionStates } from '../core/connection.ts';
import { everyConnection } from '../core/connection-filter.ts';
import { type EventFilter, everyEvent } from '../core/event-filter.ts';
import { defaultProject, projectRef } from '../core/project.ts';
import { allStatement } from './all-connections.ts';
import { foldAppend } from './append-batch.ts';
import { appendStatement } from './append-statement.ts';
import type { Reads, Statement } from './database.ts';
import { eventsBackStatement, eventsStatement } from './event-statements.ts';
import { readHistory } from './history.ts';
import { historyQuery } from './history-query.ts';
import { newestStatement, newestStepOf } from './newest-seq.ts';
import { OpenBeside } from './open-beside.ts';
import { SecretCipher } from './secret-cipher.ts';
import { keeperSettings, sessionSettings, writerSettings } from './session-settings.ts';

const cipher = new SecretCipher({ current: null, old: null });
/** With the settings of a pool of src/postgres/database.ts. */
async function connect(
  resources: AsyncDisposableStack,
  state: string,
  settings: string,
): Promise<Client> {
  const { url } = resources.use(await makeDatabase());
  const client = new Client({ connectionString: url });
  await client.connect();
  resources.defer(() => client.end());
  if (state !== 'as it was made') await client.query('VACUUM (ANALYZE)');
  await client.query(settings);
  return client;
}

/** By which a plan looks at the connections and the log. */
function indexesIn(plan: readonly Record<string, unknown>[]): ReadonlySet<string> {
  const lines = plan.map((row) => String(row['QUERY PLAN']));
  const used = lines.flatMap((line) => /(?:using|Scan on) (\w+)/.exec(line)?.[1] ?? []);
  return new Set(used.filter((name) => /^(open|closed)_connections|^events/.test(name)));
}

const states = ['as it was made', 'of which it is known that it is empty'];

test.each(states)(
  'a database %s has each row looked up by its key, and each page read along its seqs',
  async (state) => {
    await using resources = new AsyncDisposableStack();
    const client = await connect(resources, state, writerSettings);
    const indexesOf = async ({ text, values }: Statement) => {
      const { rows } = await client.query({
        text: `EXPLAIN ${text}`,
        values: [...(values ?? [])],
      });
      return indexesIn(rows);
    };
    const read = { limit: 100, bytesMax: 1e6, filter: everyEvent };
    const bySeq = new Set([
      'open_connections_opened_seq_key',
      'closed_connections_opened_seq_key',
      'closed_connections_closed_seq_key',
      'events_pkey',
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
      expect(used).toEqual(new Set(['open_connections_pkey']));
    }
  },
);

const ids = { listenerIds: [sampleConnection().listenerId] };
const connectionIds = [sampleConnection().id];
const bySeqs = ['open_connections_opened_seq_key', 'closed_connections_opened_seq_key'];
const looks = [
  [{}, [...bySeqs, 'closed_connections_closed_seq_key', 'events_pkey']],
  [{ protocols: ['udp'] }, [...bySeqs, 'closed_connections_closed_seq_key', 'events_pkey']],
  [{ types: ['connection_opened'] }, bySeqs],
  [{ types: ['listener_failed'] }, ['events_type_idx']],
  [{ types: ['connection_refused'], remoteCidrs: ['192.0.2.1'] }, ['events_type_idx']],
  [
    ids,
    [
      'open_connections_listener_id_idx',
      'closed_connections_listener_id_opened_seq_idx',
      'closed_connections_listener_id_closed_seq_idx',
      'events_listener_id_idx',
    ],
  ],
  [
    { ...ids, types: ['connection_closed', 'listener_failed'] },
    ['closed_connections_listener_id_closed_seq_idx', 'events_listener_id_type_idx'],
  ],
  [{ connectionIds, ...ids, types: ['connection_half_closed'] }, ['events_connection_id_idx']],
] as const satisfies readonly (readonly [Partial<EventFilter>, readonly string[]])[];

test.each(states)('each look at the log of a database %s fits one index', async (state) => {
  await using resources = new AsyncDisposableStack();
  const client = await connect(resources, state, sessionSettings);
  const expectOf = async (asked: Partial<EventFilter>, expected: unknown) => {
    const read = { limit: 100, bytesMax: 1e6, filter: { ...everyEvent, ...asked } };
    for (const { text, values = [] } of [
      eventsStatement(defaultProject, { ...read, afterSeq: 0 }),
      eventsBackStatement(defaultProject, { ...read, beforeSeq: 9 }),
      newestStatement(defaultProject, { beforeSeq: 9, range: newestStepOf(read.filter) }, read),
    ]) {
      const kept = await client.query(`EXPLAIN (GENERIC_PLAN) ${text}`);
      const made = await client.query({ text: `EXPLAIN ${text}`, values: [...values] });
      for (const { rows } of [kept, made]) expect([...indexesIn(rows)].sort()).toEqual(expected);
    }
  };
  for (const [asked, indexes] of looks) await expectOf(asked, indexes.toSorted());
  // In an empty table any index is as good that has the ids, and none by seq has.
  const byId = [
    /^closed_\w+_(pkey|id_idx)$/,
    /^events_connection_id_idx$/,
    /^open_\w+_(pkey|id_idx)$/,
  ];
  await expectOf(
    { connectionIds },
    byId.map((index) => expect.stringMatching(index)),
  );
});

test.each(states)('a page of all connections of a database %s is read in order', async (state) => {
  await using resources = new AsyncDisposableStack();
  const client = await connect(resources, state, keeperSettings);
  for (const one of [null, ...connectionStates]) {
    const { name, text } = allStatement(
      historyQuery(defaultProject, everyConnection, null),
      one,
      51,
    );
    expect(name).toBe(`connections ${one ?? 'all'}`);
    const times = { acceptedAfter: 1, acceptedBefore: 2 };
    const between = { ...everyConnection, ...times };
    const later = historyQuery(defaultProject, between, sampleConnection().id);
    expect(allStatement(later, one, 2)).toMatchObject({ name, text });
    const { rows } = await client.query(`EXPLAIN (GENERIC_PLAN) ${text}`);
    const plan = rows.map((row) => String(row['QUERY PLAN'])).join('\n');
    expect(plan).not.toMatch(/Sort {2}|Bitmap|Seq Scan/);
    const scans = [...plan.matchAll(/Index Scan Backward using (\w+)/g)].map(([, index]) => index);
    expect(scans).toEqual([
      ...(one === 'closed' ? [] : ['open_connections_pkey']),
      ...(one === null || one === 'closed' ? ['closed_connections_pkey'] : []),
    ]);
  }
});

const listener = { listenerIds: [sampleConnection().listenerId] };
const reset = { closeReason: 'peer_rst' } as const;

/** The lists that are read one after the other, where none of them has an end. */
const listCases = [
  [reset, ['close_reason']],
  [{ closeReason: 'peer_fin' } as const, ['pkey']],
  [{ protocol: 'udp' } as const, ['protocol']],
  [listener, ['listener_id']],
  [{ ...listener, ...reset }, ['listener_id_close_reason']],
  [{ raddr: '192.0.2.1' }, ['raddr']],
  [{ raddr: '192.0.2.1', ...reset }, ['raddr_close_reason']],
  [{ raddr: '192.0.2.1', ...listener }, ['raddr', 'listener_id']],
  [{ raddr: '192.0.0.0/16' }, ['net']],
  // Then the network is sought among its addresses: one by one where they are few, before it is read whole.
  [{ raddr: '192.0.2.0/24' }, ['net', 'raddr', 'raddr', 'net']],
  [{ raddr: '192.0.2.0/24', ...listener }, ['listener_id', 'net', 'raddr', 'raddr', 'net']],
  [
    { raddr: '192.0.2.0/24', ...reset },
    ['close_reason', 'net', 'raddr_close_reason', 'raddr', 'net'],
  ],
  [{ raddr: '192.0.2.0/23' }, ['net', 'raddr', 'net']],
  [{ raddr: '2001:db8:7::/48', ...listener }, ['listener_id', 'net', 'raddr', 'net']],
  [{ raddr: '0.0.0.0/0' }, ['pkey', 'raddr', 'pkey']],
  [{ declaredRaddr: '192.0.2.1' }, ['declared_raddr']],
  [{ declaredRaddr: '192.0.2.1', ...reset }, ['declared_raddr']],
  [{ declaredRaddr: '192.0.2.1', raddr: '192.0.2.0/24' }, ['declared_raddr']],
  [{ declaredRaddr: '192.0.2.1', ...listener }, ['declared_raddr']],
  [
    { declaredRaddr: '192.0.2.0/24', ...listener },
    ['declared', 'declared_raddr', 'declared_raddr', 'declared'],
  ],
  [{ declaredRaddr: '192.0.2.0/23' }, ['declared', 'declared_raddr', 'declared']],
] as const;

test.each(states)('each list of a history %s is read along its index', async (state) => {
  await using resources = new AsyncDisposableStack();
  const client = await connect(resources, state, keeperSettings);
  for (const [asked, lists] of listCases) {
    const query = { ...everyConnection, ...asked };
    const read: string[] = [];
    const withOpen: boolean[] = [];
    const reads: Reads = {
      async query({ text, isPlannedOnce }) {
        expect(isPlannedOnce).toBe(true);
        const { rows } = await client.query(`EXPLAIN (GENERIC_PLAN) ${text}`);
        const plan = rows.map((row) => String(row['QUERY PLAN'])).join('\n');
        expect(plan).not.toMatch(/Bitmap|Seq Scan/);
        // What does not depend on the row is not worked out for each.
        expect(plan).not.toMatch(/Filter: .*\b(?:network|broadcast)\(/);
        const open = [...plan.matchAll(/ using open_connections_(\w+)/g)].map(([, name]) => name);
        const byListener = query.listenerIds === null ? 'pkey' : 'listener_id_idx';
        expect(open).toEqual(text.includes('FROM open_connections') ? [byListener] : []);
        withOpen.push(open.length > 0);
        const used = [...plan.matchAll(/ using closed_connections_(\w+)/g)].map(([, name]) => name);
        // The first entry of the list that got furthest.
        if (!text.includes('found')) {
          expect(read.map((name) => `${name}_idx`.replace('pkey_idx', 'pkey'))).toContain(used[0]);
          expect(used).toHaveLength(1);
          return [];
        }
        // The rows of what was found are looked up by their keys.
        const [list = '', ...others] = new Set(used.length > 1 ? used.slice(0, -1) : used);
        expect([list, ...others]).toEqual([list]);
        expect(used.at(-1)).toBe('pkey');
        read.push(list.replace(/_idx$/, ''));
        // A list that goes on where nothing was found, as often as it takes; then the end.
        const isLast = read.length === lists.length;
        return [
          [text.includes('are_too_many') || (isLast ? null : idOfReading(read.length)), null],
        ];
      },
    };
    const history = historyQuery(defaultProject, query, null);
    const open = query.closeReason === null ? { query: history, limit: 51 } : null;
    await readHistory(reads, history, 51, open && new OpenBeside(open));
    expect(read).toEqual(lists);
    // Open ones come with the first.
    expect(withOpen.indexOf(true)).toBe(open === null ? -1 : 0);
    expect(withOpen.lastIndexOf(true)).toBe(open === null ? -1 : 0);
  }
});

/** Further down with each. */
function idOfReading(count: number): string {
  return `01970000-0000-7000-8000-00000000000${9 - count}`;
}
