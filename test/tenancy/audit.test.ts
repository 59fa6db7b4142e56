/** The audit on a whole kodama: who changed what, and what was refused, on both edges. */
import { status } from '@grpc/grpc-js';
import { expect, test } from 'vitest';
import { operations } from '../../src/api/operations.ts';
import { defaultBounds } from '../../src/core/listener-bounds.ts';
import { call as grpcCall, grpcClient, type Message } from '../support/grpc-client.ts';
import { joinedNode } from '../support/joined-node.ts';
import { long } from '../support/long.ts';
import { call, type Reply, want } from '../support/rest-client.ts';
import { ndjson } from '../support/rest-stream.ts';
import { openClient } from '../support/tcp-client.ts';
import { sharedApp } from '../support/test-app.ts';
import { waitFor } from '../support/wait-for.ts';

const token = 'the-operators-own-token';
const app = sharedApp({ KODAMA_API_TOKEN: token }, undefined, (config) => ({
  ...config,
  tenancy: { ...config.tenancy, failedKeysPerSecond: 1000, refusalIntervalMs: 300 },
}));

type Headers = Readonly<Record<string, string>>;
type Body = Reply['body'];

const bearer = (secret: string) => ({ authorization: `Bearer ${secret}` });
const operator = bearer(token);

let made = 0;

async function makeKey(scopes: readonly string[], headers: Headers = operator): Promise<Body> {
  made += 1;
  return await want(201, app, 'POST', '/v1/keys', { name: `key-${made}`, scopes }, headers);
}

/** All pages of it, newest first. */
async function audit(query: string, headers: Headers = operator): Promise<readonly Body[]> {
  const entries: Body[] = [];
  for (let next = ''; ; ) {
    const path = `/v1/audit?${query}&pageSize=7${next}`;
    const page = await want(200, app, 'GET', path, undefined, headers);
    entries.push(...page.entries);
    if (page.nextPageToken === undefined) return entries;
    next = `&pageToken=${page.nextPageToken}`;
  }
}

async function eventsOf(listenerId: string, headers: Headers): Promise<readonly Body[]> {
  const path = `/v1/events?listenerId=${listenerId}`;
  return (await want(200, app, 'GET', path, undefined, headers)).events;
}

test('every operation that changes something is in the audit, and no other', async () => {
  const key = await makeKey(['read', 'write', 'keys:read', 'keys:write', 'audit:read']);
  const own = bearer(key.secret);
  const post = (path: string, body: object, headers: Headers = own, code = 201) =>
    want(code, app, 'POST', path, body, headers);
  const one = await post('/v1/listeners', { name: 'whole' });
  await post('/v1/listeners:batch', { listeners: [{ labels: { run: 'batch' } }] });
  const path = `/v1/listeners/${one.id}`;
  await want(200, app, 'PATCH', path, { labels: { changed: 'yes' } }, own);
  await post(`${path}/faults`, { type: 'latency', name: 'slow', delayMs: 1 }, own, 200);
  await want(200, app, 'PATCH', `${path}/faults/slow`, { delayMs: 2 }, own);
  await want(200, app, 'DELETE', `${path}/faults/slow`, undefined, own);
  await post(`${path}/faults`, { type: 'latency', delayMs: 1 }, own, 200);
  await want(200, app, 'POST', `${path}/faults:reset`, undefined, own);
  await using client = await openClient(one.laddr.port);
  await client.echo('a');
  const seen = `/v1/connections:wait?listener=${one.id}`;
  const list = await want(200, app, 'GET', seen, undefined, own);
  await want(200, app, 'POST', `/v1/connections/${list.connections[0].id}:close`, {}, own);
  await want(204, app, 'DELETE', path, undefined, own);
  await post('/v1/listeners:close', { labels: { run: 'batch' } }, own, 200);
  const other = await post('/v1/keys', { name: 'other', scopes: ['read'] });
  await want(200, app, 'PATCH', `/v1/keys/${other.id}`, { name: 'another' }, own);
  await post(`/v1/keys/${other.id}:rotate`, {}, own, 200);
  await want(204, app, 'DELETE', `/v1/keys/${other.id}`, undefined, own);
  const token = await post('/v1/join-tokens', {});
  const node = await joinedNode(app.databaseUrl, token.secret, 'dmz');
  await want(200, app, 'PATCH', '/v1/nodes/dmz', { cordoned: true }, own);
  await want(204, app, 'DELETE', `/v1/nodes/${node.nodeId}`, undefined, own);
  await want(204, app, 'DELETE', `/v1/join-tokens/${token.id}`, undefined, own);
  await want(200, app, 'GET', '/v1/events', undefined, own);
  await post('/v1/projects', { name: 'whole' }, operator);
  await want(200, app, 'PATCH', '/v1/projects/whole', { displayName: 'Whole' }, operator);
  await want(202, app, 'DELETE', '/v1/projects/whole', undefined, operator);
  const entries = [...(await audit(`actor=${key.id}`, own)), ...(await audit('resource=whole'))];
  const table = Object.values(operations(defaultBounds, { drainMsMax: 1 }));
  const audited = table.flatMap((each) => ('audited' in each && each.audited ? [each.name] : []));
  expect(new Set(entries.map(({ operation }) => operation))).toEqual(new Set(audited));
  for (const entry of entries) expect(entry).toMatchObject({ outcome: 'ok', count: 1 });
});

test('a change of a project or key that changes nothing has no entry', async () => {
  const project = await want(201, app, 'POST', '/v1/projects', { name: 'calm' }, operator);
  const key = await makeKey(['read']);
  const patches = [
    ['updateProject', project.id, '/v1/projects/calm', { quotas: { listeners: 7 } }],
    ['updateKey', key.id, `/v1/keys/${key.id}`, { name: 'calm' }],
  ] as const;
  for (const [operation, id, path, patch] of patches) {
    const first = await want(200, app, 'PATCH', path, patch, operator);
    expect(await want(200, app, 'PATCH', path, patch, operator)).toEqual(first);
    const entries = await audit(`operation=${operation}`);
    expect(entries.filter(({ resource }) => resource.id === id)).toHaveLength(1);
  }
});

test('an entry says who, from where, and what it was before and after', async () => {
  const key = await makeKey(['write', 'audit:read']);
  const own = { ...bearer(key.secret), 'user-agent': 'agent/1 "x"' };
  const reply = await call(app, 'POST', '/v1/listeners', { name: 'seen', protocol: 'tls' }, own);
  const { id } = reply.body;
  const patch = { labels: { env: 'ci' }, limits: { idleTimeoutMs: 7000 } };
  await want(200, app, 'PATCH', `/v1/listeners/${id}`, patch, own);
  // What changes nothing leaves nothing.
  await want(200, app, 'PATCH', `/v1/listeners/${id}`, patch, own);
  await want(204, app, 'DELETE', `/v1/listeners/${id}`, undefined, own);
  const [gone, changed, created, ...rest] = await audit(`resource=${id}`, own);
  expect(rest).toEqual([]);
  expect(created).toMatchObject({
    ...{ project: 'default', operation: 'createListener', outcome: 'ok' },
    actor: { kind: 'key', id: key.id, hint: key.hint },
    resource: { kind: 'listener', id, name: 'seen' },
    ...{ sourceIp: '127.0.0.1', userAgent: 'agent/1 "x"' },
    requestId: reply.headers.get('x-request-id'),
    change: { before: null, after: { state: 'listening', tls: { key: 'redacted' } } },
  });
  expect(created.change.after.tls.cert).toContain('BEGIN CERTIFICATE');
  expect(JSON.stringify(created)).not.toContain('PRIVATE KEY');
  const before = { labels: {}, limits: { idleTimeoutMs: null } };
  expect(changed).toMatchObject({ operation: 'updateListener', change: { before, after: patch } });
  expect(Object.keys(changed.change.after)).toEqual(['labels', 'limits']);
  expect(gone.change).toEqual({
    ...{ before: { state: 'listening' }, after: { state: 'closed' }, cut: [] },
  });
  expect(await audit('resource=seen', own)).toHaveLength(3);
});

test('listener events say who caused them, and not which operator', async () => {
  const { id: keyId, hint, secret } = await makeKey(['read', 'write']);
  const own = bearer(secret);
  const actor = { kind: 'key', id: keyId, hint };
  const one = await want(201, app, 'POST', '/v1/listeners', { ttlMs: 3_600_000 }, own);
  await want(
    200,
    app,
    'PATCH',
    `/v1/listeners/${one.id}`,
    { labels: { changed: 'yes' } },
    operator,
  );
  await want(204, app, 'DELETE', `/v1/listeners/${one.id}?drainMs=60000`, undefined, own);
  const events = await eventsOf(one.id, own);
  const nobody = { kind: 'operator', id: null, hint: null };
  expect(events.map((event) => [event.type, event.actor])).toEqual([
    ...[
      ['listener_created', actor],
      ['listener_listening', actor],
      ['listener_updated', nobody],
    ],
    ...[
      ['listener_updated', actor],
      ['listener_closed', actor],
    ],
  ]);
  using client = grpcClient(app.grpcAddress, { token: secret });
  const ask = { filter: { listenerIds: [one.id] }, pageSize: 1 };
  const page = await grpcCall<Message>((done) =>
    client.events.ListEvents(ask, client.metadata, done),
  );
  expect(page.events[0].actor).toMatchObject({ kind: 'ACTOR_KIND_KEY', id: keyId, hint });
  // The drain is its delete, and its end is no second one.
  const deletes = await audit(`resource=${one.id}&operation=deleteListener`);
  expect(deletes).toMatchObject([{ change: { after: { state: 'draining' } } }]);
});

test('what kodama does by itself has no entry, and nobody who caused it', long, async () => {
  const { secret } = await makeKey(['read', 'write', 'audit:read']);
  const own = bearer(secret);
  const one = await want(201, app, 'POST', '/v1/listeners', { ttlMs: 1000 }, own);
  const closed = await waitFor('the end', async () => {
    const events = await eventsOf(one.id, own);
    return events.find(({ type }) => type === 'listener_closed') ?? null;
  });
  expect(closed).not.toHaveProperty('actor');
  expect(await audit(`resource=${one.id}`, own)).toMatchObject([{ operation: 'createListener' }]);
});

test('both edges tell the same, and write the same', async () => {
  const key = await makeKey(['read', 'write', 'audit:read']);
  const own = bearer(key.secret);
  using client = grpcClient(app.grpcAddress, { token: key.secret });
  const { metadata } = client;
  const { listener } = await grpcCall<Message>((done) =>
    client.listeners.CreateListener({ listener: { protocol: 'PROTOCOL_TCP' } }, metadata, done),
  );
  await using socket = await openClient(listener.laddr.port);
  await socket.echo('a');
  const list = await want(
    ...([200, app, 'GET', `/v1/connections:wait?listener=${listener.id}`] as const),
    ...([undefined, own] as const),
  );
  const { id } = list.connections[0];
  const close = { id, mode: 'CLOSE_MODE_RST' };
  await grpcCall((done) => client.connections.CloseConnection(close, metadata, done));
  const asked = { actor: key.id, outcome: 'ok' };
  const { entries } = await grpcCall<Message>((done) =>
    client.audit.ListAuditEntries(asked, metadata, done),
  );
  const shown = await audit(`actor=${key.id}&outcome=ok`, own);
  expect(shown.map(({ operation }) => operation)).toEqual(['closeConnection', 'createListener']);
  expect(entries.map((entry: Message) => entry.id)).toEqual(shown.map((entry) => entry.id));
  const [first] = entries;
  expect(shown[0].resource).toEqual({ kind: 'connection', id, name: null });
  expect(first.resource).toMatchObject({ kind: 'AUDITED_KIND_CONNECTION', id });
  expect(JSON.parse(first.change.before)).toEqual(shown[0].change.before);
  expect(JSON.parse(first.change.after)).toEqual({
    ...{ state: 'closed', closeInitiator: 'operator', closeReason: 'operator_rst' },
  });
  expect(first).toMatchObject({
    ...{ operation: 'closeConnection', outcome: 'ok', count: 1, sourceIp: '127.0.0.1' },
    ...{ actor: { hint: key.hint }, userAgent: expect.stringContaining('grpc') },
  });
});

test('a connection that its client had ended is nobody’s close', async () => {
  const { secret } = await makeKey(['read', 'write', 'audit:read']);
  const own = bearer(secret);
  const one = await want(201, app, 'POST', '/v1/listeners', {}, own);
  const client = await openClient(one.laddr.port);
  await client.echo('a');
  await client[Symbol.asyncDispose]();
  const connection = await waitFor('the end', async () => {
    const path = `/v1/connections?listener=${one.id}&state=closed`;
    return (await want(200, app, 'GET', path, undefined, own)).connections[0];
  });
  await want(200, app, 'POST', `/v1/connections/${connection.id}:close`, {}, own);
  expect(await audit(`resource=${connection.id}`, own)).toEqual([]);
});

test('what a known key is refused is there once, and then with its count', long, async () => {
  const key = await makeKey(['listeners:read']);
  const own = bearer(key.secret);
  using client = grpcClient(app.grpcAddress, { token: key.secret });
  for (const _ of [1, 2, 3]) await want(403, app, 'POST', '/v1/listeners', {}, own);
  await expect(
    grpcCall((done) => client.listeners.CreateListener({}, client.metadata, done)),
  ).rejects.toMatchObject({ code: status.PERMISSION_DENIED });
  await want(403, app, 'GET', '/v1/events', undefined, own);
  await want(403, app, 'GET', '/metrics', undefined, own);
  const sum = async (query: string) =>
    (await audit(`actor=${key.id}&${query}`)).reduce((total, { count }) => total + count, 0);
  const denied = 'outcome=permission_denied';
  await waitFor('all', async () => (await sum(`${denied}&operation=createListener`)) === 4);
  await waitFor('all', async () => (await sum(`${denied}&operation=listEvents`)) === 1);
  await waitFor('all', async () => (await sum(`${denied}&operation=getMetrics`)) === 1);
  const refusals = await audit(`actor=${key.id}&${denied}`);
  expect(refusals.length).toBeLessThan(6);
  expect(refusals.at(-1)).toMatchObject({ project: 'default', resource: null, change: null });
  await want(204, app, 'DELETE', `/v1/keys/${key.id}`, undefined, operator);
  await want(401, app, 'POST', '/v1/listeners:batch', {}, own);
  await expect(
    grpcCall((done) => client.listeners.BatchCreateListeners({}, client.metadata, done)),
  ).rejects.toMatchObject({ code: status.UNAUTHENTICATED });
  const revoked = 'outcome=unauthenticated&operation=createListeners';
  await waitFor('both', async () => (await sum(revoked)) === 2);
});

test('what an operator’s key is refused in a project that is not there is there', async () => {
  const body = { name: 'reads-all', scopes: ['listeners:read'], project: null };
  const key = await want(201, app, 'POST', '/v1/keys', body, operator);
  const headers = { ...bearer(key.secret), 'kodama-project': 'made-up' };
  await want(403, app, 'POST', '/v1/listeners', {}, headers);
  const entry = await waitFor('the entry', async () => {
    const [one] = await audit(`actor=${key.id}&outcome=permission_denied`);
    return one ?? null;
  });
  expect(entry).toMatchObject({ operation: 'createListener', count: 1 });
  expect(entry.project ?? null).toBeNull();
});

test('a stream that ends with its key is there', async () => {
  const key = await makeKey(['read']);
  const headers = bearer(key.secret);
  const lines = ndjson(`${app.url}/v1/events?last=0`, { headers });
  expect((await lines.next()).value).toHaveProperty('synced');
  await want(204, app, 'DELETE', `/v1/keys/${key.id}`, undefined, operator);
  expect((await lines.next()).value.error).toMatchObject({ code: 'unauthenticated' });
  const entry = await waitFor('the entry', async () => {
    const [one] = await audit(`actor=${key.id}&outcome=unauthenticated`);
    return one ?? null;
  });
  expect(entry).toMatchObject({ operation: 'streamEvents', project: 'default', count: 1 });
});

test('what no key signs is counted, and in no entry', async () => {
  const counted = async () => {
    const text = (await want(200, app, 'GET', '/metrics', undefined, operator)) as string;
    return Number(/^kodama_unauthenticated_total (\d+)/m.exec(text)?.[1]);
  };
  const before = await counted();
  const ids = async () => (await audit('outcome=unauthenticated')).map(({ id }) => id);
  const entries = await ids();
  for (const headers of [{}, bearer('nobody'), bearer(`kodama_${'a'.repeat(33)}`)]) {
    await want(401, app, 'GET', '/v1/listeners', undefined, headers);
  }
  expect(await counted()).toBe(before + 3);
  expect(await ids()).toEqual(entries);
});

test('a key sees its own project, an operator that which he names, or all', async () => {
  await want(201, app, 'POST', '/v1/projects', { name: 'mine' }, operator);
  const of = { ...operator, 'kodama-project': 'mine' };
  const mine = await makeKey(['write', 'audit:read'], of);
  const own = bearer(mine.secret);
  await want(201, app, 'POST', '/v1/listeners', { name: 'same' }, own);
  await want(201, app, 'POST', '/v1/listeners', { name: 'same' }, operator);
  const ofNone = { name: 'of-none', scopes: ['read'], project: null };
  await want(201, app, 'POST', '/v1/keys', ofNone, operator);
  const projects = async (query: string, headers: Headers) =>
    (await audit(query, headers)).map(({ project }) => project);
  expect(await projects('resource=same', own)).toEqual(['mine']);
  expect(await projects('resource=same', of)).toEqual(['mine']);
  const named = { ...operator, 'kodama-project': 'default' };
  expect(await projects('resource=same', named)).toEqual(['default']);
  expect(await projects('resource=same', operator)).toEqual(['default', 'mine']);
  expect(await projects('resource=of-none', operator)).toEqual([null]);
  expect(await projects('resource=of-none', own)).toEqual([]);
  expect(new Set(await projects('actor=operator', own))).toEqual(new Set(['mine']));
  const stranger = await makeKey(['read']);
  await want(403, app, 'GET', '/v1/audit', undefined, bearer(stranger.secret));
});

test('what else is in entries than operations is found by its name', async () => {
  const key = await makeKey(['read']);
  const own = bearer(key.secret);
  await want(204, app, 'DELETE', `/v1/keys/${key.id}`, undefined, operator);
  await want(401, app, 'GET', '/metrics', undefined, own);
  await want(401, app, 'GET', '/v1/nothing', undefined, own);
  using client = grpcClient(app.grpcAddress, { token: key.secret });
  const reflection = '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo';
  const same = (bytes: Buffer) => bytes;
  const question = Buffer.alloc(0);
  await expect(
    grpcCall((done) =>
      client.audit.makeUnaryRequest(reflection, same, same, question, client.metadata, done),
    ),
  ).rejects.toMatchObject({ code: status.UNAUTHENTICATED });
  const others = ['getMetrics', 'none', 'serverReflectionInfo'];
  const all = () => audit(`actor=${key.id}`);
  await waitFor('their entries', async () => (await all()).length === others.length);
  for (const operation of others) {
    const found = await audit(`actor=${key.id}&operation=${operation}`);
    expect(found).toMatchObject([{ operation, outcome: 'unauthenticated' }]);
  }
  const token = await want(201, app, 'POST', '/v1/join-tokens', {}, operator);
  await joinedNode(app.databaseUrl, token.secret, 'by-its-name');
  const joins = await audit('actor=by-its-name&operation=join');
  expect(joins).toMatchObject([{ operation: 'join', outcome: 'ok' }]);
});

test('an operation that there is not is refused with the nearest that is, on both edges', async () => {
  using client = grpcClient(app.grpcAddress, { token });
  const words = 'must be the name of an operation, such as createListener';
  for (const [wrong, message] of [
    ['deleteListner', `${words}: is it deleteListener that is meant?`],
    ['everything', words],
  ] as const) {
    const path = `/v1/audit?operation=${wrong}`;
    const problem = await want(400, app, 'GET', path, undefined, operator);
    const errors = [{ path: 'operation', message }];
    expect(problem).toMatchObject({ code: 'invalid_argument', errors });
    const asked = grpcCall((done) =>
      client.audit.ListAuditEntries({ operation: wrong }, client.metadata, done),
    );
    const details = `operation: ${message}`;
    await expect(asked).rejects.toMatchObject({ code: status.INVALID_ARGUMENT, details });
  }
});

test('pages belong to their filters, and filters are checked', async () => {
  const key = await makeKey(['write', 'audit:read']);
  const own = bearer(key.secret);
  const begun = new Date().toISOString();
  for (const _ of [1, 2, 3]) await want(201, app, 'POST', '/v1/listeners', {}, own);
  const get = (query: string) => call(app, 'GET', `/v1/audit?${query}`, undefined, own);
  const { body } = await get(`actor=${key.id}&pageSize=2`);
  expect(body.entries).toHaveLength(2);
  const other = await get(`pageSize=2&pageToken=${body.nextPageToken}`);
  expect(other).toMatchObject({ status: 400, body: { errors: [{ path: 'pageToken' }] } });
  const rest = await get(`actor=${key.id}&pageSize=2&pageToken=${body.nextPageToken}`);
  expect(rest.body.entries).toHaveLength(1);
  expect(await audit(`actor=${key.id}&after=${begun}`, own)).toHaveLength(3);
  expect(await audit(`actor=${key.id}&before=${begun}`, own)).toEqual([]);
  for (const wrong of ['outcome=good', 'after=today', 'operation=%00', 'project=default']) {
    const path = wrong.split('=')[0];
    expect(await get(wrong)).toMatchObject({ status: 400, body: { errors: [{ path }] } });
  }
});
