/** That the names of closed listeners are read once, and those of others each time: a name is changed behind the store. */
import { Client } from 'pg';
import { expect, test } from 'vitest';
import { quietLog as log } from '../../test/support/quiet-log.ts';
import {
  append,
  listenerEvent,
  ofDefault,
  sampleConnection,
  sampleListener,
  sampleTime,
} from '../../test/support/store-samples.ts';
import { makeDatabase } from '../../test/support/test-database.ts';
import { PostgresStore } from './postgres-store.ts';

const idOf = (index: number) => sampleConnection({ acceptedAt: sampleTime + index * 2000 }).id;

test('names of closed listeners are remembered, those asked for last; names of others are read', async () => {
  await using database = await makeDatabase();
  const { url } = database;
  await using store = await PostgresStore.open({
    ...{ connectionString: url, nodeId: 'node-a', log, limits: { closedNamesMax: 2 } },
  });
  const node = await store.nodes.takeOwn();
  const all = ['first', 'second', 'third', 'live'].map((name, index) =>
    sampleListener({ id: idOf(index), name, labels: {} }),
  );
  const [first, second, third, live] = all.map(({ id }) => id) as [string, string, string, string];
  const ends = all.slice(0, 3).map((one) => ({ ...one, state: 'closed' as const, sockets: [] }));
  const created = all.map((one) => listenerEvent('listener_created', one));
  await node.append(append(1, created));
  const closed = ends.map((one) => listenerEvent('listener_closed', { ...one, revision: 2 }));
  await node.append(append(2, closed));
  const { listeners } = ofDefault(store);
  const named = async (...ids: string[]) => {
    const names = await listeners.findNames(ids);
    return ids.map((id) => names.get(id));
  };
  expect(await named(first, second, live)).toEqual(['first', 'second', 'live']);

  const client = new Client({ connectionString: url });
  await client.connect();
  await client.query("UPDATE listeners SET name = 'behind ' || name");
  await client.end();
  expect(await named(first)).toEqual(['first']);
  expect(await named(live)).toEqual(['behind live']);
  // The third is one too many, and the second was asked for before the first.
  expect(await named(third)).toEqual(['behind third']);
  expect(await named(first, second)).toEqual(['first', 'behind second']);
});
