/** Specs on a real database: stored once a generation, and what was stored before there were such rows. */
import { Client } from 'pg';
import { expect, test } from 'vitest';
import { long } from '../../test/support/long.ts';
import { migrateBefore } from '../../test/support/migrate-before.ts';
import { quietLog as log } from '../../test/support/quiet-log.ts';
import { sampleFault } from '../../test/support/samples.ts';
import {
  append,
  closed,
  listenerEvent,
  ofDefault,
  opened,
  sampleConnection,
  sampleListener,
  sampleTime,
} from '../../test/support/store-samples.ts';
import { makeDatabase, makeEmptyDatabase } from '../../test/support/test-database.ts';
import { everyEvent } from '../core/event-filter.ts';
import type { Listener } from '../core/listener.ts';
import { PostgresStore } from './postgres-store.ts';

const everything = { afterSeq: 0, limit: 1000, bytesMax: 1e9, filter: everyEvent };
const specsMigration = '20261126040000_listener_specs';

async function makeGround(make = makeDatabase) {
  await using resources = new AsyncDisposableStack();
  const { url } = resources.use(await make());
  const client = new Client({ connectionString: url });
  await client.connect();
  resources.defer(() => client.end());
  const open = async () => {
    const store = owned.use(
      await PostgresStore.open({ connectionString: url, nodeId: 'node-a', log }),
    );
    return Object.assign(store, { node: await store.nodes.takeOwn() });
  };
  const specs = async () => {
    const text = 'SELECT generation FROM listener_specs ORDER BY listener_id, generation';
    const { rows } = await client.query<{ generation: number }>(text);
    return rows.map(({ generation }) => generation);
  };
  const owned = resources.move();
  return { client, open, specs, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

const large = (text: string) => ({ large: text.repeat(50_000) });

test('a spec is stored once, and each event shows the one of its step', async () => {
  await using ground = await makeGround();
  const store = await ground.open();
  const first = sampleListener({ labels: large('a') });
  const second = { ...first, generation: 2, labels: large('b'), updatedAt: sampleTime + 1 };
  const steps = [
    listenerEvent('listener_created', { ...first, state: 'pending' }),
    listenerEvent('listener_listening', { ...first, revision: 2 }),
    listenerEvent('listener_failed', { ...first, revision: 3, state: 'failed' }),
    listenerEvent('listener_updated', { ...second, revision: 4 }),
    // A rename keeps the spec.
    listenerEvent('listener_updated', { ...second, revision: 5, name: 'renamed' }),
    listenerEvent('listener_closed', { ...second, revision: 6, state: 'closed' }),
  ];
  for (const [index, step] of steps.entries()) await store.node.append(append(index + 1, [step]));
  const { events } = await ofDefault(store).log.read(everything);
  expect(events).toEqual(steps.map((step, index) => ({ ...step, seq: index + 1 })));
  expect(await ground.specs()).toEqual([1, 2]);
  const { rows } = await ground.client.query(
    'SELECT max(octet_length(data::text)) AS bytes FROM events',
  );
  expect(rows[0].bytes).toBeLessThan(1000);
});

test('a spec goes with the last event that names it, the last one with its listener', async () => {
  await using ground = await makeGround();
  const store = await ground.open();
  const first = sampleListener();
  const second = { ...first, generation: 2, labels: { a: '2' } };
  const third = { ...first, generation: 3, labels: { a: '3' } };
  const end = { ...third, state: 'closed' as const, closedAt: sampleTime };
  const connection = sampleConnection({ listenerId: first.id });
  await store.node.append(
    append(1, [
      listenerEvent('listener_created', first),
      listenerEvent('listener_listening', first),
      listenerEvent('listener_updated', second),
      listenerEvent('listener_updated', third),
      opened(connection),
      closed(connection),
      listenerEvent('listener_closed', end),
    ]),
  );
  const purgeTo = async (eventsMax: number) => {
    await ofDefault(store).keeping.purge({ before: 0, eventsMax, bytesMax: 1e12, limit: 1000 });
    return await ground.specs();
  };
  expect(await purgeTo(6)).toEqual([1, 2, 3]);
  expect(await purgeTo(5)).toEqual([2, 3]);
  expect(await purgeTo(3)).toEqual([3]);
  expect((await ofDefault(store).listeners.find(first.id))?.labels).toEqual({ a: '3' });
  expect(await purgeTo(0)).toEqual([]);
  expect(await ofDefault(store).listeners.find(first.id)).toBeNull();
});

test('a listener that lives keeps its spec when all its events are gone', async () => {
  await using ground = await makeGround();
  const store = await ground.open();
  const listener = sampleListener({ labels: { a: '1' } });
  await store.node.append(append(1, [listenerEvent('listener_created', listener)]));
  await ofDefault(store).keeping.purge({ before: 0, eventsMax: 0, bytesMax: 1e12, limit: 1000 });
  expect(await ofDefault(store).listeners.find(listener.id)).toEqual(listener);
  // The next event names it as before.
  const failed = listenerEvent('listener_failed', { ...listener, revision: 2, state: 'failed' });
  await store.node.append(append(2, [failed]));
  expect((await ofDefault(store).log.read(everything)).events).toEqual([{ ...failed, seq: 2 }]);
});

test('listeners and events from before stay as they are, whatever their size', long, async () => {
  await using ground = await makeGround(makeEmptyDatabase);
  await migrateBefore(ground.client, specsMigration);
  const {
    generation: _,
    revision: _r,
    project,
    ...listener
  } = sampleListener({
    name: 'old',
    // Above what a spec may hold now.
    labels: { ...large('x'), more: 'y'.repeat(200_000) },
  });
  const { id, labels, limits, proxyProtocol } = listener;
  await ground.client.query(
    `INSERT INTO nodes (id, epoch, append_number, first_seq) VALUES ('node-a', 1, 0, 0)`,
  );
  await ground.client.query(
    `INSERT INTO listeners (id, node, name, labels, protocol, host, port, mode, state, laddr, lport, limits, faults,
      proxy_protocol, recording, sockets, created_at, updated_at)
     VALUES ($1, 1, 'old', $2, 'tcp', '127.0.0.1', 0, 'echo', 'listening', '127.0.0.1', 40000, $3, '[]', $4,
      'batched', '[{"pid": 77, "fd": 21}]', $5, $5)`,
    [id, labels, limits, proxyProtocol, sampleTime],
  );
  await ground.client.query(
    `INSERT INTO events SELECT n, $1, $2, NULL, 'listener_updated', $3 FROM generate_series(1, 5) n`,
    [sampleTime, id, JSON.stringify(listener)],
  );
  await ground.client.query('UPDATE log_head SET seq = 5, node_count = 1');
  const store = await ground.open();
  const now = { ...listener, project, generation: 1, revision: 1 };
  expect(await ofDefault(store).listeners.find('old')).toEqual(now);
  const [own] = await store.node.readListeners({ pageSize: 9, after: null, bytesMax: 1 });
  expect(own).toEqual({ ...now, secrets: { tlsKey: null } });
  const label = { more: labels.more ?? '' };
  const query = { state: null, protocol: null, port: null, name: null, labels: label };
  const list = await ofDefault(store).listeners.list(query, {
    pageSize: 9,
    after: null,
    bytesMax: 1,
  });
  expect(list).toEqual({ items: [now], hasMore: false });
  const labelled = { labels: label, among: null, limit: 9 };
  expect(await ofDefault(store).listeners.findLabelledIds(labelled)).toEqual([id]);
  const one = { ...labelled, labels: { more: 'z' } };
  expect(await ofDefault(store).listeners.findLabelledIds(one)).toEqual([]);
  // They too are cut by their bytes.
  const page = await ofDefault(store).log.read({ ...everything, bytesMax: 300_000 });
  expect(page.events.map(({ seq }) => seq)).toEqual([1, 2]);
  expect(page.events[1]).toMatchObject({ seq: 2, listener: listener });
  const end = listenerEvent('listener_closed', { ...now, state: 'closed', revision: 2 });
  await store.node.append(append(1, [end]));
  const rest = await ofDefault(store).log.read({ ...everything, afterSeq: 5 });
  expect(rest.events).toEqual([{ ...end, seq: 6 }]);
});

test('faults of before they had names are named as they are read, always alike', async () => {
  await using ground = await makeGround();
  const store = await ground.open();
  const { name: _, ...unnamed } = sampleFault;
  const faults = [unnamed, unnamed] as unknown as Listener['faults'];
  const listener = sampleListener({ faults });
  await store.node.append(append(1, [listenerEvent('listener_listening', listener)]));
  const { listeners, log: own } = ofDefault(store);
  const names = ['latency', 'latency-2'].map((name) => ({ name }));
  expect((await listeners.find(listener.id))?.faults).toMatchObject(names);
  expect((await own.read(everything)).events).toMatchObject([{ listener: { faults: names } }]);
});
