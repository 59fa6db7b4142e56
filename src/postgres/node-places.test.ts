import { Client } from 'pg';
import { expect, test } from 'vitest';
import { keepingLogger, rejection } from '../../test/support/samples.ts';
import { makeDatabase } from '../../test/support/test-database.ts';
import { waitFor } from '../../test/support/wait-for.ts';
import { presenceKey } from './node-presence.ts';
import { PostgresStore } from './postgres-store.ts';

async function makeGround() {
  await using resources = new AsyncDisposableStack();
  const { url } = resources.use(await makeDatabase());
  const owned = resources.move();
  return {
    async open(predecessorWaitMs: number, signal?: AbortSignal) {
      const options = { connectionString: url, nodeId: 'node-a', log: keepingLogger(), signal };
      return owned.use(await PostgresStore.open({ ...options, limits: { predecessorWaitMs } }));
    },
    async connect() {
      const client = new Client({ connectionString: url });
      client.on('error', () => undefined);
      await client.connect();
      return { client, [Symbol.asyncDispose]: () => client.end() };
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

test('a process whose node id another has is refused, and the other keeps its place', async () => {
  await using ground = await makeGround();
  const first = await ground.open(0);
  const place = await first.nodes.takeOwn();
  const second = await ground.open(0);
  expect(await rejection(second.nodes.takeOwn())).toMatchObject({
    code: 'failed_precondition',
    message: expect.stringContaining('another process has the node id node-a: KODAMA_NODE_ID'),
  });
  await place.assertHeld();
  await first[Symbol.asyncDispose]();
  await (await second.nodes.takeOwn()).assertHeld();
});

test('a refusal names the session that has the node id, at whose end the next start has it', async () => {
  await using ground = await makeGround();
  await using left = await ground.connect();
  // As a pooler leaves it whose client's host is gone.
  const values = [0x6e6f6465, presenceKey('node-a')];
  await left.client.query('SELECT pg_advisory_lock_shared($1::integer, $2::integer)', values);
  const store = await ground.open(0);
  const { message } = (await rejection(store.nodes.takeOwn())) as Error;
  const [sql = ''] = /SELECT pg_terminate_backend\(\d+\)/.exec(message) ?? [];
  await using operator = await ground.connect();
  await operator.client.query(sql);
  await (await (await ground.open(20_000)).nodes.takeOwn()).assertHeld();
});

test('of several that start at once with one node id, one starts', async () => {
  await using ground = await makeGround();
  const stores = await Promise.all([ground.open(0), ground.open(0), ground.open(0)]);
  const takes = await Promise.allSettled(stores.map((store) => store.nodes.takeOwn()));
  expect(takes.filter(({ status }) => status === 'fulfilled').length).toBe(1);
});

test('who waits for the end of another process takes the place then, and a signal ends that wait', async () => {
  await using ground = await makeGround();
  const first = await ground.open(0);
  await first.nodes.takeOwn();
  const stop = new AbortController();
  const reason = new Error('changed our mind');
  const stopped = rejection((await ground.open(60_000, stop.signal)).nodes.takeOwn());
  const second = await ground.open(60_000);
  let isTaken = false;
  const taking = second.nodes.takeOwn().then((place) => {
    isTaken = true;
    return place;
  });
  stop.abort(reason);
  expect(await stopped).toBe(reason);
  expect(isTaken).toBe(false);
  await first[Symbol.asyncDispose]();
  await waitFor('its place', () => isTaken);
  await (await taking).assertHeld();
});
