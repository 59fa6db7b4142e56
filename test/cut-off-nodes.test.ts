/** A built-in node that was cut off from the database, and is back before its place is taken. */
import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { expect, test } from 'vitest';
import { presenceKey, presentKeysSql } from '../src/postgres/node-presence.ts';
import { call, want } from './support/rest-client.ts';
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

test('a node that is back before its removal stays, and so do its listeners', async () => {
  await using pair = await makePair();
  const { a, b, nodeA, farA, farB, looks } = pair;
  const { id } = await want(201, a, 'POST', '/v1/listeners', {});
  farA.cut();
  await pair.seen(false);
  const looked = Promise.withResolvers<void>();
  looks.onLook = () => {
    looks.onLook = () => undefined;
    farB.hold();
    looked.resolve();
  };
  const removal = call(b, 'DELETE', `/v1/nodes/${nodeA}`);
  await looked.promise;
  farA.restore();
  await pair.seen(true);
  farB.restore();
  expect(await removal).toMatchObject({ status: 409, body: { code: 'failed_precondition' } });
  expect(await want(200, b, 'GET', `/v1/nodes/${nodeA}`)).toMatchObject({ state: 'ready' });
  expect(await want(200, b, 'GET', `/v1/listeners/${id}`)).toMatchObject({ state: 'listening' });
});
