/** Quotas on a whole kodama: each holds for its project, on both edges, and for no other. */
import { randomUUID } from 'node:crypto';
import { status } from '@grpc/grpc-js';
import { expect, test } from 'vitest';
import { begin, ending, framed, session } from '../support/grpc-by-hand.ts';
import { call as grpcCall, grpcClient } from '../support/grpc-client.ts';
import { long } from '../support/long.ts';
import { call, type Reply, want } from '../support/rest-client.ts';
import { ndjson } from '../support/rest-stream.ts';
import { openClient, type TcpClient, wantRefused } from '../support/tcp-client.ts';
import { sharedApp, sharedHome, startApp } from '../support/test-app.ts';
import { waitFor } from '../support/wait-for.ts';

const reflection = '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo';
const token = 'the-operators-own-token';
const environment = { KODAMA_API_TOKEN: token };
const home = sharedHome();
const app = sharedApp({ ...environment, KODAMA_NODE_ID: `a-${randomUUID()}` }, home, (config) => ({
  ...config,
  retention: { ...config.retention, intervalMs: 100 },
}));
const operator = { authorization: `Bearer ${token}` };

type Headers = Readonly<Record<string, string>>;
type Quotas = Readonly<Record<string, number | null>>;

/** A project with these quotas, and a key of it. */
async function makeProject(name: string, quotas: Quotas = {}): Promise<Headers> {
  await want(201, app, 'POST', '/v1/projects', { name, quotas }, operator);
  const key = { name: 'key', scopes: ['read', 'write'] };
  const headers = { ...operator, 'kodama-project': name };
  const { secret } = await want(201, app, 'POST', '/v1/keys', key, headers);
  return { authorization: `Bearer ${secret}` };
}

async function limit(name: string, quotas: Quotas): Promise<void> {
  await want(200, app, 'PATCH', `/v1/projects/${name}`, { quotas }, operator);
}

async function quotaOf(key: Headers, name: string): Promise<Reply['body']> {
  const { quotas } = await want(200, app, 'GET', '/v1/quotas', undefined, key);
  return quotas.find((quota: Reply['body']) => quota.name === name);
}

function overGrpc(key: Headers) {
  return grpcClient(app.grpcAddress, { token: key.authorization?.slice('Bearer '.length) ?? '' });
}

test(
  'listeners are as many as the quota says, however many nodes make them at once',
  long,
  async () => {
    const key = await makeProject('listeners', { listeners: 10 });
    await using other = await startApp(
      { ...environment, KODAMA_NODE_ID: `b-${randomUUID()}` },
      home,
    );
    const creates = Array.from({ length: 50 }, (_, index) =>
      call(index % 2 === 0 ? app : other, 'POST', '/v1/listeners', {}, key),
    );
    const beside = want(201, app, 'POST', '/v1/listeners', {}, operator);
    const replies = await Promise.all(creates);
    const made = replies.filter((reply) => reply.status === 201);
    const refused = replies.filter((reply) => reply.status !== 201);
    expect(made).toHaveLength(10);
    for (const { status: code, headers, body } of refused) {
      expect([code, body.limit, body.limitValue]).toEqual([429, 'listeners', 10]);
      expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
    }
    await beside;
    expect(await quotaOf(key, 'listeners')).toEqual({ name: 'listeners', limit: 10, used: 10 });
    const { listeners } = await want(200, app, 'GET', '/v1/listeners', undefined, key);
    expect(listeners).toHaveLength(10);
    using client = overGrpc(key);
    const refusal = await grpcCall((done) =>
      client.listeners.CreateListener({}, client.metadata, done),
    ).catch((error: unknown) => error);
    expect(refusal).toMatchObject({ code: status.RESOURCE_EXHAUSTED });
    // What is there beyond a smaller quota stays, and goes when it is told to.
    await limit('listeners', { listeners: 1 });
    for (const { body } of made) {
      const at = listenerPath(body);
      const reply = await call(app, 'DELETE', at, undefined, key);
      if (reply.status !== 204) await want(204, other, 'DELETE', at, undefined, key);
    }
    await want(201, other, 'POST', '/v1/listeners', {}, key);
    await want(429, app, 'POST', '/v1/listeners', {}, key);
  },
);

const listenerPath = ({ id }: Reply['body']): string => `/v1/listeners/${id}`;

test('streams and waits are as many at once as the quota says', async () => {
  const key = await makeProject('streams', { streams: 2 });
  const open = async (headers: Headers) => {
    const end = new AbortController();
    const { signal } = end;
    const lines = ndjson(`${app.url}/v1/events?last=0`, { headers, signal });
    expect((await lines.next()).value).toHaveProperty('synced');
    return async () => {
      end.abort();
      await lines.next().catch(() => undefined);
    };
  };
  const ends = [await open(key), await open(key)];
  expect(await quotaOf(key, 'streams')).toEqual({ name: 'streams', limit: 2, used: 2 });
  for (const path of ['/v1/events:wait?timeoutMs=1', '/v1/connections:wait?timeoutMs=1']) {
    const body = await want(429, app, 'GET', path, undefined, key);
    expect(body).toMatchObject({ code: 'resource_exhausted', limit: 'streams', limitValue: 2 });
  }
  const neighbour = await makeProject('streams-beside', { streams: 1 });
  ends.push(await open(neighbour));
  ends.push(await open({ ...operator, 'kodama-project': 'streams' }));
  for (const end of ends) await end();
  await waitFor('a free place', async () => {
    const reply = await call(app, 'GET', '/v1/events:wait?timeoutMs=1', undefined, key);
    return reply.status === 429 ? null : reply;
  });
});

test('calls come no faster than the quota says, whatever they are', async () => {
  const key = await makeProject('calls');
  await limit('calls', { requestsPerSecond: 1 });
  const ask = (headers: Headers) => call(app, 'GET', '/v1/status', undefined, headers);
  await waitFor('a refusal', async () => ((await ask(key)).status === 429 ? true : null));
  const begun = performance.now();
  const replies = await Promise.all(Array.from({ length: 30 }, () => ask(key)));
  const seconds = (performance.now() - begun) / 1000;
  const passed = replies.filter((reply) => reply.status === 200);
  expect(passed.length).toBeLessThanOrEqual(1 + seconds);
  const refused = replies.find((reply) => reply.status === 429);
  expect(refused?.body).toMatchObject({ limit: 'requestsPerSecond', limitValue: 1 });
  expect(refused?.headers.get('retry-after')).toBe('1');
  // No key of it may pass from here on. What a key may not do is told first, what is wrong with the call after.
  await limit('calls', { requestsPerSecond: 0 });
  await waitFor('the change', async () => {
    const { body } = await ask(key);
    return body.limitValue === 0 ? true : null;
  });
  await want(403, app, 'GET', '/v1/projects', undefined, key);
  await want(429, app, 'POST', '/v1/listeners', { port: 'none' }, key);
  const headers = { ...key, 'content-type': 'application/json' };
  const noJson = await fetch(`${app.url}/v1/listeners`, { method: 'POST', headers, body: '{' });
  expect(noJson.status).toBe(429);
  await want(429, app, 'GET', '/v1/events', undefined, { ...key, accept: 'text/event-stream' });
  using client = overGrpc(key);
  await expect(
    grpcCall((done) => client.listeners.ListListeners({}, client.metadata, done)),
  ).rejects.toMatchObject({ code: status.RESOURCE_EXHAUSTED });
  using byHand = session(app.grpcAddress);
  const question = begin(byHand, reflection, key);
  // All services.
  question.write(framed(Buffer.from([0x3a, 1, 0x2a])));
  expect(await ending(question)).toMatchObject({
    status: status.RESOURCE_EXHAUSTED,
    limit: 'requestsPerSecond',
  });
  const own = { ...operator, 'kodama-project': 'calls' };
  for (let n = 0; n < 5; n += 1) expect((await ask(own)).status).toBe(200);
});

test('open connections of all its listeners are as many as the quota says, which holds at once', async () => {
  const key = await makeProject('connections', { openConnections: 2 });
  const make = () => want(201, app, 'POST', '/v1/listeners', {}, key);
  const [one, two] = [await make(), await make()];
  await using clients = new AsyncDisposableStack();
  /** Null where it was turned away. */
  const letIn = async ({ laddr }: Reply['body']): Promise<TcpClient | null> => {
    const client = clients.use(await openClient(laddr.port));
    const isLetIn = client.echo('hello').then(() => true);
    isLetIn.catch(() => undefined);
    return (await Promise.race([isLetIn, client.ended.then(() => false)])) ? client : null;
  };
  const open = [await letIn(one), await letIn(two)];
  await wantRefused(two.laddr.port);
  const path = '/v1/events?type=connection_refused';
  const refusal = await waitFor('the refusal', async () => {
    const { events } = await want(200, app, 'GET', path, undefined, key);
    return events[0] ?? null;
  });
  expect(refusal).toMatchObject({ listenerId: two.id, refusal: { rule: 'project_quota' } });
  await limit('connections', { openConnections: 3 });
  await waitFor('room for another', () => letIn(one).catch(() => null));
  await limit('connections', { openConnections: 0 });
  await waitFor('no room', async () =>
    (await letIn(one).catch(() => null)) === null ? true : null,
  );
  // What is open stays.
  for (const client of open) expect(await client?.echo('still')).toBe('still');
  await limit('connections', { openConnections: null, acceptsPerSecond: 0 });
  await wantRefused(one.laddr.port);
  const text = await (await fetch(`${app.url}/metrics`, { headers: operator })).text();
  expect(text).toMatch(/_refused_total\{rule="project_quota"\} [1-9]/);
});

test('a quota may be larger than anything that is counted', async () => {
  const most = 1_000_000_000_000;
  const { quotas: known } = await want(200, app, 'GET', '/v1/quotas', undefined, operator);
  const all = Object.fromEntries(known.map(({ name }: Reply['body']) => [name, most]));
  const key = await makeProject('vast', all);
  await limit('vast', { listeners: 1 });
  await limit('vast', all);
  await want(201, app, 'POST', '/v1/listeners:batch', { listeners: [{}, {}] }, key);
  const told = { name: 'listeners', limit: most, used: 2 };
  expect(await quotaOf(key, 'listeners')).toEqual(told);
});

test('a key that has expired is none of those that are used', async () => {
  const key = await makeProject('expired', { keys: 2 });
  const short = { name: 'short', scopes: ['read'], ttlMs: 300 };
  await want(201, app, 'POST', '/v1/keys', short, { ...operator, 'kodama-project': 'expired' });
  await waitFor('its end', async () => (await quotaOf(key, 'keys')).used === 1);
});

test('events are kept as the quota says, within what holds for all', async () => {
  const key = await makeProject('kept', { eventsKept: 3, retentionDays: 4000 });
  const { id } = await want(201, app, 'POST', '/v1/listeners', {}, key);
  for (const env of ['a', 'b', 'c', 'd']) {
    await want(200, app, 'PATCH', `/v1/listeners/${id}`, { labels: { env } }, key);
  }
  await waitFor('the oldest to go', async () => {
    const { events } = await want(200, app, 'GET', '/v1/events', undefined, key);
    return events.length === 3 ? true : null;
  });
  expect(await quotaOf(key, 'eventsKept')).toMatchObject({ limit: 3 });
  expect(await quotaOf(key, 'retentionDays')).toMatchObject({ limit: 30 });
  const own = await want(200, app, 'GET', '/v1/projects/kept', undefined, operator);
  expect(own.quotas).toMatchObject({ eventsKept: 3, retentionDays: 4000 });
  expect(await quotaOf(operator, 'eventsKept')).toMatchObject({ limit: 100_000_000 });
});
