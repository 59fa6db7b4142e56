/** What callers see while the database is away or refuses, and after. What hangs or is slow is among the long tests. */

import { expect, test } from 'vitest';
import { long } from '../../test/support/long.ts';
import { isAway, log, makeGround, unavailable } from '../../test/support/maltreated-server.ts';
import {
  append,
  closed,
  firstSeq,
  listenerEvent,
  ofDefault,
  opened,
  sampleConnection,
  sampleListener,
} from '../../test/support/store-samples.ts';
import { makeDatabase } from '../../test/support/test-database.ts';
import { waitFor } from '../../test/support/wait-for.ts';
import { everyConnection } from '../core/connection-filter.ts';
import { everyEvent } from '../core/event-filter.ts';
import { PostgresStore } from './postgres-store.ts';

test('a server that is killed is unavailable, and then goes on where it was', long, async () => {
  await using ground = await makeGround();
  const { store, node, server } = ground;
  const connection = sampleConnection();
  await node.append(append(1, [opened(connection)]));
  process.kill(server.pid ?? 0, 'SIGKILL');
  const calls = [
    () => node.append(append(2, [closed(connection)])),
    () => ofDefault(store).log.readBounds(),
    () => ofDefault(store).listeners.find('some'),
    () => ofDefault(store).connections.list(everyConnection, { pageSize: 9, after: null }),
  ];
  // Some of them may still get an answer from a connection that outlived the postmaster for a moment.
  const outcomes = await Promise.allSettled(calls.map((call) => call()));
  for (const outcome of outcomes) {
    if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject(unavailable);
  }
  await waitFor('the store', () => store.ping().then(() => true, isAway));
  // Whether it was done or not is the store's to know.
  expect(await node.append(append(2, [closed(connection)]))).toEqual(firstSeq(2));
  const page = await ofDefault(store).log.read({
    afterSeq: 0,
    limit: 9,
    bytesMax: 1e9,
    filter: everyEvent,
  });
  expect(page.events.map(({ type }) => type)).toEqual(['connection_opened', 'connection_closed']);
});

test('an append whose rows are refused leaves nothing, and its number is still to be used', async () => {
  await using database = await makeDatabase();
  const options = { connectionString: database.url, nodeId: 'node-a', log };
  await using store = await PostgresStore.open(options);
  const node = await store.nodes.takeOwn();
  const listener = sampleListener();
  const orphan = closed(sampleConnection());
  const broken = append(1, [listenerEvent('listener_listening', listener), orphan]);
  await expect(node.append(broken)).rejects.toThrow('opened_seq');
  expect(await ofDefault(store).listeners.find(listener.id)).toBeNull();
  expect(await node.append(append(1, []))).toEqual(firstSeq(1));
});

test('text with NUL is stored without it', async () => {
  await using database = await makeDatabase();
  const options = { connectionString: database.url, nodeId: 'node-a', log };
  await using store = await PostgresStore.open(options);
  const node = await store.nodes.takeOwn();
  const connection = sampleConnection();
  const end = closed(connection);
  const dirty = 'connection' in end ? { ...end.connection, error: `E\0${'x'.repeat(500)}` } : null;
  if (dirty === null || !('connection' in end)) throw new TypeError('it is a connection');
  await node.append(append(1, [opened(connection), { ...end, connection: dirty }]));
  expect((await ofDefault(store).connections.find(connection.id))?.error).toMatch(/^Ex{198,199}$/);
});

test('where there is no server, an open fails within its bound', async () => {
  const connectionString = 'postgresql://nobody@/none?host=/nonexistent&port=5432';
  const limits = { openTimeoutMs: 300, connectTimeoutMs: 100 };
  const options = { connectionString, nodeId: 'node-a', log, limits };
  await expect(PostgresStore.open(options)).rejects.toMatchObject(unavailable);
});

test('an open can be given up', async () => {
  const connectionString = 'postgresql://nobody@/none?host=/nonexistent&port=5432';
  const options = { connectionString, nodeId: 'node-a', log, signal: AbortSignal.timeout(50) };
  await expect(PostgresStore.open(options)).rejects.toThrow();
});
