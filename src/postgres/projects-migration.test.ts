/** A database of before there were projects: all that is on record stays, and its log goes on. */

import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { long } from '../../test/support/long.ts';
import { migrateBefore } from '../../test/support/migrate-before.ts';
import { quietLog as log } from '../../test/support/quiet-log.ts';
import { keepingLogger } from '../../test/support/samples.ts';
import { readAll, readAllBack } from '../../test/support/store-ground.ts';
import { makePopulation } from '../../test/support/store-population.ts';
import {
  append,
  closed,
  eventsOf,
  firstSeq,
  halfClosed,
  listenerEvent,
  ofDefault,
  opened,
  sampleConnection,
  sampleId,
  sampleListener,
  sampleTime,
  staying,
} from '../../test/support/store-samples.ts';
import { makeDatabase, makeEmptyDatabase } from '../../test/support/test-database.ts';
import { waitFor } from '../../test/support/wait-for.ts';
import { everyConnection } from '../core/connection-filter.ts';
import type { ConnectionQuery, ListenerQuery } from '../core/directories.ts';
import { everyEvent } from '../core/event-filter.ts';
import type { TakenNode } from '../core/nodes.ts';
import { defaultProject } from '../core/project.ts';
import { migrate } from './migrations.ts';
import { PostgresStore } from './postgres-store.ts';

const everything = Number.MAX_SAFE_INTEGER;
const resources = new AsyncDisposableStack();
const key = { key: 'key', bodyHash: 'hash', seed: sampleId(sampleTime), lostBefore: 0 };
const take = { ...key, expiresBefore: 0, keysMax: 100, answerBytesMax: 1e6 };
const standing = { timeMin: null, timeMax: null, confirmedTime: null, leapMaxMs: 0 };

interface Side {
  readonly store: PostgresStore;
  readonly node: TakenNode;
  readonly client: Client;
}

let before: Side;
let after: Side;
/** What the migration told. */
const logger = keepingLogger();
const { appends, listenerIds } = makePopulation('node-a');

async function connect(url: string): Promise<Client> {
  const client = new Client({ connectionString: url });
  await client.connect();
  resources.defer(() => client.end());
  return client;
}

async function open(url: string): Promise<PostgresStore> {
  const options = { connectionString: url, nodeId: 'node-a', log };
  return resources.use(await PostgresStore.open(options));
}

/** All kinds of rows: lives of every kind, marks, ages, secrets, keys; the oldest are purged. */
async function fill({ store, node }: Omit<Side, 'client'>): Promise<void> {
  for (const one of appends) await node.append(one);
  const mark = { ...standing, confirmedTime: everything, markMs: 0, markBytes: everything };
  await ofDefault(store).keeping.age(mark);
  const listener = sampleListener({ name: 'secret', protocol: 'tls' });
  const secrets = new Map([[listener.id, { tlsKey: 'SECRET' }]]);
  const many = Array.from({ length: 2500 }, (_, index) =>
    sampleConnection({ listenerId: listener.id, acceptedAt: sampleTime + 3e6 + index * 1000 }),
  );
  const created = listenerEvent('listener_created', listener);
  const lives = many.flatMap((one) => [opened(one), closed(one)]);
  await node.append(append(appends.length + 1, [created, ...lives], { secrets }));
  const open = sampleConnection({ listenerId: listener.id });
  await node.append(append(appends.length + 2, [opened(open), halfClosed(open)]));
  await ofDefault(store).keeping.age(mark);
  const request = { before: 0, eventsMax: 5100, bytesMax: everything, limit: 10_000 };
  await ofDefault(store).keeping.purge(request);
  const run = await ofDefault(store).idempotencyKeys.take(take);
  if (!('seed' in run)) throw new TypeError('a new database has no keys');
  await ofDefault(store).idempotencyKeys.keep('key', run, '{"id":1}');
  await ofDefault(store).idempotencyKeys.take({ ...take, key: 'running' });
}

const same = ['log_clock', 'listeners', 'listener_specs', 'listener_counts', 'listener_secrets'];
const large = ['events', 'open_connections', 'closed_connections', 'log_marks', 'log_ages'];

/** The rows of a table as it was before, out of one of today. */
const rowsOf: Readonly<Record<string, string>> = {
  ...Object.fromEntries([...same, ...large].map((table) => [table, `SELECT * FROM ${table}`])),
  idempotency_keys: 'SELECT *, writer AS node FROM idempotency_keys',
  nodes: `SELECT ref, id, epoch, append_number, first_seqs[1][2] + 1 AS first_seq FROM writers`,
  log_head: `SELECT *, true AS is_only, (SELECT count(*) FROM writers) AS node_count FROM log_heads`,
};

/** Into tables as they were, what is in those of today. */
async function copyBack(from: Client, to: Client): Promise<void> {
  await to.query('TRUNCATE log_head, log_ages, log_clock');
  for (const [table, sql] of Object.entries(rowsOf)) {
    const all = `SELECT coalesce(json_agg(r), '[]')::text AS rows FROM (${sql}) r`;
    const { rows } = await from.query<{ rows: string }>(all);
    const { rows: names } = await to.query<{ name: string }>(
      `SELECT quote_ident(attname) AS name FROM pg_attribute
       WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''`,
      [table],
    );
    const columns = names.map(({ name }) => name).join(', ');
    await to.query(
      `INSERT INTO ${table} (${columns}) OVERRIDING SYSTEM VALUE
       SELECT ${columns} FROM json_populate_recordset(NULL::${table}, $1::json)`,
      [rows[0]?.rows],
    );
  }
}

/** While another holds it up for longer than the role's statements, and its waits for locks, may take. */
async function migrateSlowly(url: string): Promise<void> {
  const rival = await connect(url);
  await rival.query(`DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET statement_timeout = 300',
    current_database()); EXECUTE format('ALTER DATABASE %I SET lock_timeout = 10', current_database()); END $$`);
  const client = await connect(url);
  await rival.query('BEGIN; LOCK TABLE closed_connections IN ACCESS SHARE MODE');
  const migrating = migrate(client, logger);
  await waitFor('the migration to wait for longer than that', async () => {
    const { rows } = await rival.query(`SELECT FROM pg_stat_activity a JOIN pg_locks l USING (pid)
      WHERE NOT l.granted AND clock_timestamp() - a.query_start > '600 ms'`);
    return rows.length > 0;
  });
  await rival.query('COMMIT');
  await migrating;
  await rival.query(
    `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I RESET ALL', current_database()); END $$`,
  );
}

beforeAll(async () => {
  const today = resources.use(await makeDatabase());
  const old = resources.use(await makeEmptyDatabase());
  const store = await open(today.url);
  before = { store, node: await store.nodes.takeOwn(), client: await connect(today.url) };
  await fill(before);
  // There was no such end then.
  await before.client.query(
    `UPDATE closed_connections SET close_reason = 'error' WHERE close_reason = 'node_lost'`,
  );
  // Nobody told it then.
  for (const table of ['open_connections', 'closed_connections']) {
    await before.client.query(`UPDATE ${table} SET last_byte_at = NULL`);
  }
  const client = await connect(old.url);
  await migrateBefore(client, '20261126080000_projects');
  await copyBack(before.client, client);
  await migrateSlowly(old.url);
  after = { store: await open(old.url), node: before.node, client };
}, 120_000);
afterAll(() => resources.disposeAsync());

/** The answer of both sides, which is the same. */
async function bothTell<Answer>(ask: (side: Side) => Promise<Answer>): Promise<Answer> {
  const answer = await ask(after);
  expect(answer).toEqual(await ask(before));
  return answer;
}

const anyListener: ListenerQuery = {
  ...{ state: null, protocol: null, port: null, name: null, labels: {} },
};
test('it tells how far it is', () => {
  const steps = logger.lines.map(({ fields }) => ({ ...fields }) as { step?: string });
  expect(
    steps.filter(({ step }) => step?.startsWith('closed_connections is made anew')),
  ).not.toEqual([]);
  expect(steps.filter(({ step }) => step?.startsWith('indexes are made: 3 of'))).toHaveLength(1);
});

test(
  'the log is the same, from both ends, by every filter, and in its bounds and places',
  long,
  async () => {
    const all = await bothTell(({ store }) => readAll(ofDefault(store)));
    expect(all.length).toBe(5100);
    await bothTell(({ store }) => readAllBack(ofDefault(store), everyEvent));
    const bounds = await bothTell(({ store }) => ofDefault(store).log.readBounds());
    expect(bounds.headSeq - bounds.oldestSeq).toBe(5099);
    const [listenerId = ''] = listenerIds;
    const filters = [
      { ...everyEvent, listenerIds: [listenerId] },
      { ...everyEvent, types: ['connection_refused' as const] },
      { ...everyEvent, remoteCidrs: ['10.0.0.0/8'] },
    ];
    for (const filter of filters) {
      await bothTell(({ store }) => readAll(ofDefault(store), filter));
      await bothTell(({ store }) => ofDefault(store).log.seqBeforeNewest(7, filter, staying));
    }
    for (let time = sampleTime; time < sampleTime + 6e6; time += 3e5) {
      await bothTell(({ store }) => ofDefault(store).log.seqBefore(time));
    }
  },
);

test('listeners are the same, with their specs, counts and secrets', async () => {
  const page = { pageSize: 1000, after: null, bytesMax: 1e9 };
  /** Each begins anew with its revision. */
  const known = <One extends object>(one: One) => ({ ...one, revision: 0 });
  const lists = await bothTell(async ({ store }) => {
    const { items } = await ofDefault(store).listeners.list(anyListener, page);
    return items.map(known);
  });
  expect(lists.length).toBeGreaterThan(3);
  for (const query of [{ labels: { env: 'ci' } }, { port: 40_001 }, { name: 'secret' }]) {
    await bothTell(async ({ store }) => {
      const { items } = await ofDefault(store).listeners.list({ ...anyListener, ...query }, page);
      return items.map(known);
    });
  }
  await bothTell(({ store }) => ofDefault(store).listeners.findIds(['tcp-0', ...listenerIds]));
  await bothTell(({ store }) => ofDefault(store).listeners.findNames(listenerIds));
  const labelled = { labels: { env: 'ci' }, among: null, limit: 100 };
  await bothTell(({ store }) => ofDefault(store).listeners.findLabelledIds(labelled));
  expect(await ofDefault(after.store).listeners.find('secret')).toMatchObject({ revision: 1 });
  const { rows } = await after.client.query('SELECT * FROM listener_secrets');
  expect(rows).toMatchObject([{ tls_key: 'SECRET' }]);
});

test('connections are the same, open and closed, by every filter', long, async () => {
  const page = { pageSize: 5000, after: null };
  const queries: readonly Partial<ConnectionQuery>[] = [
    {},
    { state: 'open' },
    { state: 'half_closed' },
    { closeReason: 'peer_rst' },
    { protocol: 'udp' },
    { raddr: '10.1.2.3' },
    { raddr: '127.0.0.0/8' },
    { lport: 40_001 },
    { listenerIds: listenerIds.slice(0, 2) },
  ];
  for (const query of queries) {
    const found = await bothTell(({ store }) =>
      ofDefault(store).connections.list({ ...everyConnection, ...query }, page),
    );
    expect(found.length).toBeGreaterThan(0);
  }
  const all = appends.flatMap(eventsOf).flatMap((one) => ('connection' in one ? [one] : []));
  for (const { connection } of all.slice(0, 50)) {
    await bothTell(({ store }) => ofDefault(store).connections.find(connection.id));
  }
});

test('keys keep their answers, and age and size are as they were', async () => {
  const other = { ...take, bodyHash: 'other' };
  await bothTell(({ store }) => ofDefault(store).idempotencyKeys.take(other));
  await bothTell(({ store }) =>
    ofDefault(store).idempotencyKeys.take({ ...other, key: 'running' }),
  );
  await bothTell(async ({ store }) => {
    const age = { ...standing, markMs: everything / 1e6, markBytes: everything };
    const { time, bytes } = await ofDefault(store).keeping.age(age);
    return { time, bytes };
  });
});

test('appends go on under the next number, dense, and what lives is the node’s own', async () => {
  const { headSeq } = await ofDefault(after.store).log.readBounds();
  // The outcome of the last append before is known still.
  const { rows } = await after.client.query('SELECT first_seqs FROM writers');
  expect(rows).toEqual([{ first_seqs: [['1', String(headSeq - 2)]] }]);
  const node = await after.store.nodes.takeOwn();
  const own = await node.readListeners({ pageSize: 1000, after: null, bytesMax: 1e9 });
  expect(own.find(({ name }) => name === 'secret')?.secrets).toEqual({ tlsKey: 'SECRET' });
  const open = await node.readOpenConnections(defaultProject, null, 1000);
  const [first] = open;
  if (first === undefined) throw new TypeError('some are open');
  expect(await node.append(append(1, [closed(first)]))).toEqual(firstSeq(headSeq + 1));
  const [listener] = own;
  if (listener === undefined) throw new TypeError('some listen');
  const { secrets: _, ...last } = listener;
  const end = listenerEvent('listener_closed', { ...last, state: 'closed', revision: 2 });
  expect(await node.append(append(2, [end]))).toEqual(firstSeq(headSeq + 2));
  const { rows: heads } = await after.client.query(
    `SELECT listeners, (SELECT count(*)::int FROM listeners WHERE is_live) AS live FROM log_heads`,
  );
  expect(heads[0].listeners).toBe(heads[0].live);
  const page = await readAll(ofDefault(after.store));
  expect(page.slice(-2).map(({ seq }) => seq)).toEqual([headSeq + 1, headSeq + 2]);
});
