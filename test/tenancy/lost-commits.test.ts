/** Calls that make something, whose COMMIT has no answer: what a repeat under the same Idempotency-Key gets. */
import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { long } from '../support/long.ts';
import { call, type Reply, want } from '../support/rest-client.ts';
import { startStoreProxy } from '../support/store-proxy.ts';
import { openClient } from '../support/tcp-client.ts';
import { makeHome, startApp, type Tune } from '../support/test-app.ts';
import { waitFor } from '../support/wait-for.ts';

const token = 'the-operators-own-token';
const operator = { authorization: `Bearer ${token}` };

async function makeGround(tune?: Tune) {
  await using resources = new AsyncDisposableStack();
  const home = resources.use(await makeHome({ KODAMA_API_TOKEN: token }));
  const { DATABASE_URL = '' } = home.environment;
  const proxy = resources.use(await startStoreProxy(DATABASE_URL));
  const app = resources.use(await startApp({ DATABASE_URL: proxy.url }, home, tune));
  const ask = (path: string, body: object, key = 'once'): Promise<Reply> =>
    call(app, 'POST', path, body, { ...operator, 'idempotency-key': key });
  const get = async (path: string) => await want(200, app, 'GET', path, undefined, operator);
  const owned = resources.move();
  /** Of another replica, under the same key. */
  const askAnother = async (path: string, body: object): Promise<Reply> => {
    const another = owned.use(await startApp({ KODAMA_NODE_ID: randomUUID() }, home));
    return await call(another, 'POST', path, body, { ...operator, 'idempotency-key': 'once' });
  };
  return { app, proxy, ask, get, askAnother, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** The end of a transaction that writes to the table. */
const commitOf = (table: string) => new RegExp(`(INSERT INTO|UPDATE) [^ ]*"${table}".*COMMIT`, 's');

const isThere = { status: 201, body: { secret: null } };

test.each([
  ['/v1/keys', 'keys', 'api_keys', { name: 'ci', scopes: ['read'] }, isThere],
  ['/v1/join-tokens', 'joinTokens', 'join_tokens', { labels: { of: 'ci' } }, isThere],
  ['/v1/projects', 'projects', 'projects', { name: 'ci' }, { status: 201, body: { name: 'ci' } }],
])('what it made is found, and is there once: %s', async (path, list, table, body, found) => {
  await using ground = await makeGround();
  const { proxy, ask, get } = ground;
  const before = (await get(path))[list].length;
  const lost = proxy.loseAnswer(commitOf(table));
  expect(await ask(path, body)).toMatchObject({ status: 503, body: { code: 'unavailable' } });
  await lost;
  const again = await ask(path, body);
  expect(again).toMatchObject(found);
  expect(again.headers.get('idempotent-replayed')).toBeNull();
  const { [list]: made } = await get(path);
  expect(made).toHaveLength(before + 1);
  expect(made).toContainEqual(expect.objectContaining({ id: again.body.id }));
  expect((await ask(path, body)).body).toEqual(again.body);
});

test('another replica finds it too', async () => {
  await using ground = await makeGround();
  const { proxy, ask, askAnother } = ground;
  const body = { name: 'ci', scopes: ['read'] };
  const lost = proxy.loseAnswer(commitOf('api_keys'));
  expect(await ask('/v1/keys', body)).toMatchObject({ status: 503 });
  await lost;
  const again = await askAnother('/v1/keys', body);
  expect(again).toMatchObject(isThere);
  expect((await ask('/v1/keys', body)).body).toEqual(again.body);
});

const append = /append .*lost-listener/s;
const listener = { name: 'lost-listener' };

test('a listener is answered all the same, and is there once', async () => {
  await using ground = await makeGround();
  const { proxy, ask, get } = ground;
  const lost = proxy.loseAnswer(append);
  const first = await ask('/v1/listeners', listener);
  await lost;
  expect(first).toMatchObject({ status: 201, body: { state: 'listening' } });
  expect((await ask('/v1/listeners', listener)).body).toEqual(first.body);
  expect((await get('/v1/listeners')).listeners).toMatchObject([{ id: first.body.id }]);
});

test(
  'a listener that is undone, since the store stayed away, is made by the repeat',
  long,
  async () => {
    await using ground = await makeGround((config) => ({
      ...config,
      eventLog: { ...config.eventLog, commandTimeoutMs: 500 },
    }));
    const { proxy, ask, get } = ground;
    const lost = proxy.loseAnswer(append).then(() => proxy.cut());
    expect(await ask('/v1/listeners', listener)).toMatchObject({ status: 503 });
    await lost;
    proxy.restore();
    const again = await waitFor('an answer', async () => {
      const reply = await ask('/v1/listeners', listener);
      return reply.status === 503 ? null : reply;
    });
    expect(again).toMatchObject({ status: 201, body: { state: 'listening' } });
    const { listeners } = await get('/v1/listeners?state=listening');
    expect(listeners).toMatchObject([{ id: again.body.id }]);
    await (await openClient(again.body.laddr.port))[Symbol.asyncDispose]();
  },
);

test('a rotation is done again, and the secret of before ends when it was to', async () => {
  await using ground = await makeGround();
  const { app, proxy, ask, get } = ground;
  const made = await ask('/v1/keys', { name: 'ci', scopes: ['read'] });
  const { id, secret: first } = made.body;
  const path = `/v1/keys/${id}`;
  const lost = proxy.loseAnswer(commitOf('api_keys'));
  expect(await ask(`${path}:rotate`, {})).toMatchObject({ status: 503 });
  await lost;
  const { formerSecretEndsAt } = await get(path);
  expect(formerSecretEndsAt).not.toBeNull();
  const again = await ask(`${path}:rotate`, {});
  expect(again).toMatchObject({ status: 200, body: { id, formerSecretEndsAt } });
  const { secret } = again.body;
  for (const shown of [first, secret]) {
    await want(200, app, 'GET', '/v1/listeners', undefined, { authorization: `Bearer ${shown}` });
  }
  const replayed = await ask(`${path}:rotate`, {});
  expect(replayed).toMatchObject({ status: 200, body: { id, secret: null, formerSecretEndsAt } });
  await want(200, app, 'GET', '/v1/listeners', undefined, { authorization: `Bearer ${secret}` });
  expect(await ask(`${path}:rotate`, {}, 'another')).toMatchObject({ status: 409 });
});
