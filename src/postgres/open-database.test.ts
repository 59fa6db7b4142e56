/** The end of an open that is under way. */
import { Client } from 'pg';
import { expect, test } from 'vitest';
import { keepingLogger, rejection } from '../../test/support/samples.ts';
import { startSilentServer, startStoreProxy } from '../../test/support/store-proxy.ts';
import { makeDatabase, makeEmptyDatabase } from '../../test/support/test-database.ts';
import { waitFor } from '../../test/support/wait-for.ts';
import { Database } from './database.ts';
import { openDatabase } from './open-database.ts';
import { PostgresStore } from './postgres-store.ts';

const limits = {
  // Whatever waits in vain for so long fails the test.
  connectTimeoutMs: 600_000,
  statementTimeoutMs: 600_000,
  readConnectionsMax: 1,
  keptPlansMax: 1,
  prismaConnectionsMax: 1,
};

/** A database, a connection to it, and an open of it that a stop may end. */
async function makeGround(make = makeDatabase) {
  await using resources = new AsyncDisposableStack();
  const { url } = resources.use(await make());
  const client = new Client({ connectionString: url });
  await client.connect();
  resources.defer(() => client.end());
  const log = keepingLogger();
  const stop = new AbortController();
  const owned = resources.move();
  const open = async (timeoutMs: number, connectionString = url) => {
    await using database = new Database({ connectionString, log, limits });
    return await openDatabase({ database, log, timeoutMs, signal: stop.signal });
  };
  return { url, client, log, stop, open, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** Those who wait for the table that a migration begins with. */
const waitingSql = `SELECT FROM pg_locks WHERE NOT granted AND relation = '_prisma_migrations'::regclass`;

test.each([
  ['still waits', 60_000],
  ['waits no more', 0],
])('a stop ends a migration in order while its open %s for a server', async (_, timeoutMs) => {
  await using ground = await makeGround();
  const { client, log, stop } = ground;
  await client.query('BEGIN; LOCK TABLE _prisma_migrations');
  const opening = rejection(ground.open(timeoutMs));
  await waitFor('its wait', async () => (await client.query(waitingSql)).rowCount === 1);
  const reason = new Error('changed our mind');
  stop.abort(reason);
  expect(await opening).toBe(reason);
  expect(log.lines.filter(({ level }) => level === 'warn')).toEqual([]);
});

test('a stop while the connection is made lets no migration begin', async () => {
  await using ground = await makeGround(makeEmptyDatabase);
  await using proxy = await startStoreProxy(ground.url);
  proxy.hold();
  const opening = rejection(ground.open(60_000, proxy.url));
  await waitFor('its connection', () => proxy.accepted === 1);
  const reason = new Error('changed our mind');
  ground.stop.abort(reason);
  proxy.restore();
  expect(await opening).toBe(reason);
  const { rows } = await ground.client.query("SELECT to_regclass('_prisma_migrations') AS made");
  expect(rows).toEqual([{ made: null }]);
});

test('a stop ends the wait for a server that does not answer', async () => {
  await using ground = await makeGround();
  await using proxy = await startStoreProxy(ground.url);
  proxy.hold();
  const opening = rejection(ground.open(60_000, proxy.url));
  await waitFor('its connection', () => proxy.accepted === 1);
  const reason = new Error('changed our mind');
  ground.stop.abort(reason);
  expect(await opening).toBe(reason);
});

test('a stop ends the wait for a server that lets in and answers no more', async () => {
  await using ground = await makeGround();
  await using server = await startSilentServer(ground.url);
  server.state.isSilent = true;
  const opening = rejection(ground.open(60_000, server.url));
  await waitFor('its first statement', () => server.state.unheard > 0);
  const reason = new Error('changed our mind');
  ground.stop.abort(reason);
  expect(await opening).toBe(reason);
});

test('a stop ends the wait for the connection that shows that a node is there', async () => {
  await using ground = await makeGround();
  await using proxy = await startStoreProxy(ground.url);
  const { log, stop } = ground;
  await using store = await PostgresStore.open({
    ...{ connectionString: proxy.url, nodeId: 'node-stop', log, signal: stop.signal, limits },
  });
  const before = proxy.accepted;
  proxy.hold();
  const taking = rejection(store.takeOwn(true));
  await waitFor('its connection', () => proxy.accepted > before);
  const reason = new Error('changed our mind');
  stop.abort(reason);
  expect(await taking).toBe(reason);
  proxy.cut();
});
