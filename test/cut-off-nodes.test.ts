/** A built-in node that was cut off from the database, as by a restart of that, and is back before its place is taken. */
import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { expect, test } from 'vitest';
import { presenceKey, presentKeysSql } from '../src/postgres/node-presence.ts';
import { clients, openConnections } from './support/node-traffic.ts';
import { call, type Reply, want } from './support/rest-client.ts';
import { startStoreProxy } from './support/store-proxy.ts';
import { makeHome, startApp } from './support/test-app.ts';
import { waitFor } from './support/wait-for.ts';

/** Of a look for a node of which something is wanted. */
const lookSql = Buffer.from('SELECT w.epoch');

/** Two replicas, each behind a network of its own. What `onLook` is called for is asked by `b`. */
async function makePair() {
  await using resources = new AsyncDisposableStack();
  const home = resources.use(await makeHome());
  const url = home.environment.DATABASE_URL ?? '';
  const looks = { onLook: () => undefined as unknown };
  const tap = () => (data: Buffer) => void (data.includes(lookSql) && looks.onLook());
  const [farA, farB] = [await startStoreProxy(url), await startStoreProxy(url, { tap })];
  for (const proxy of [farA, farB]) resources.use(proxy);
  const nodeA = `a-${randomUUID()}`;
  const environment = { KODAMA_NODE_ID: nodeA, DATABASE_URL: farA.url };
  const a = resources.use(await startApp(environment, home));
  const b = resources.use(
    await startApp(
      { KODAMA_NODE_ID: `b-${randomUUID()}`, DATABASE_URL: farB.url },
      home,
      (config) => ({
        ...config,
        nodes: { ...config.nodes, absenceMs: 1 },
      }),
    ),
  );
  const client = new Client({ connectionString: url });
  await client.connect();
  resources.defer(() => client.end());
  /** Resolves once all see that `a` is there, or that it is not. */
  const seen = (isThere: boolean) =>
    waitFor(isThere ? 'its return' : 'its absence', async () => {
      const { rows } = await client.query({ text: presentKeysSql, rowMode: 'array' });
      return rows.some(([key]) => Number(key) === presenceKey(nodeA)) === isThere;
    });
  const all = resources.move();
  return {
    ...{ a, b, nodeA, farA, farB, looks, seen },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

type Pair = Awaited<ReturnType<typeof makePair>>;

/** What is asked of `b` that finds `a` missing, and goes on once that is back. */
async function acrossReturn({ farA, farB, looks, seen }: Pair, ask: () => Promise<Reply>) {
  farA.cut();
  await seen(false);
  const looked = Promise.withResolvers<void>();
  looks.onLook = () => {
    looks.onLook = () => undefined;
    farB.hold();
    looked.resolve();
  };
  const asked = ask();
  await looked.promise;
  farA.restore();
  await seen(true);
  farB.restore();
  return await asked;
}

test('a node that is back before its removal stays, and so do its listeners', async () => {
  await using pair = await makePair();
  const { a, b, nodeA } = pair;
  const { id } = await want(201, a, 'POST', '/v1/listeners', {});
  const removal = await acrossReturn(pair, () => call(b, 'DELETE', `/v1/nodes/${nodeA}`));
  expect(removal).toMatchObject({ status: 409, body: { code: 'failed_precondition' } });
  expect(await want(200, b, 'GET', `/v1/nodes/${nodeA}`)).toMatchObject({ state: 'ready' });
  expect(await want(200, b, 'GET', `/v1/listeners/${id}`)).toMatchObject({ state: 'listening' });
});

test('what a node has that was missed for a moment is closed by it, once it is back', async () => {
  await using pair = await makePair();
  const { a, b } = pair;
  const make = (name: string) => want(201, a, 'POST', '/v1/listeners', { name });
  const [kept] = [await make('kept'), await make('gone')];
  await using _client = (await clients(kept.laddr.port, 1))[0];
  const [{ id }] = await openConnections(b, 'kept', 1);
  const path = `/v1/connections/${id}:close`;
  expect(await acrossReturn(pair, () => call(b, 'POST', path, {}))).toMatchObject({
    ...{ status: 200, body: { state: 'closed', closeReason: 'operator_fin' } },
  });
  const { status } = await acrossReturn(pair, () => call(b, 'DELETE', '/v1/listeners/gone'));
  expect(status).toBe(204);
  expect((await want(200, a, 'GET', '/v1/listeners/kept')).state).toBe('listening');
});

test('a change of what a node has that is missed is not refused for good', async () => {
  await using pair = await makePair();
  const { a, b, farA } = pair;
  await want(201, a, 'POST', '/v1/listeners', { name: 'mine' });
  farA.cut();
  await pair.seen(false);
  const patch = ['PATCH', '/v1/listeners/mine', { labels: { by: 'b' } }] as const;
  const fault = ['POST', '/v1/listeners/mine/faults', { type: 'latency', delayMs: 1 }] as const;
  const key = { 'idempotency-key': randomUUID() };
  for (const asked of [call(b, ...patch), call(b, ...fault, key)]) {
    const { status, headers, body } = await asked;
    expect({ status, after: headers.get('retry-after') }).toEqual({ status: 503, after: '5' });
    expect(body.detail).toContain('which is not there');
  }
  farA.restore();
  await pair.seen(true);
  expect(await want(200, b, ...patch)).toMatchObject({ labels: { by: 'b' } });
  await want(200, b, ...fault, key);
});
