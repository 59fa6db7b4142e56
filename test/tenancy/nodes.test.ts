/** Nodes and join tokens on a whole kodama: who sees and changes which, on both edges. */
import { status } from '@grpc/grpc-js';
import { v7 as uuidv7 } from 'uuid';
import { expect, test } from 'vitest';
import { call as grpcCall, grpcClient } from '../support/grpc-client.ts';
import { joinedNode } from '../support/joined-node.ts';
import { long } from '../support/long.ts';
import { call, type Reply, want } from '../support/rest-client.ts';
import { openClient } from '../support/tcp-client.ts';
import { sharedApp } from '../support/test-app.ts';
import { waitFor } from '../support/wait-for.ts';

const token = 'the-operators-own-token';
const app = sharedApp({ KODAMA_API_TOKEN: token }, undefined, (config) => ({
  ...config,
  tenancy: { ...config.tenancy, endedKeyTtlMs: 0, upkeepIntervalMs: 50 },
}));

type Headers = Readonly<Record<string, string>>;
type Body = Reply['body'];

const bearer = (secret: string) => ({ authorization: `Bearer ${secret}` });
const operator = bearer(token);
const of = (project: string) => ({ ...operator, 'kodama-project': project });

let made = 0;

/** A project of a test's own, and the headers of a key that may do there what a project's key can. */
async function makeProject(): Promise<{ readonly name: string; readonly own: Headers }> {
  made += 1;
  const name = `team-${made}`;
  await want(201, app, 'POST', '/v1/projects', { name }, operator);
  const key = { name: 'all', scopes: ['read', 'write', 'audit:read'] };
  const { secret } = await want(201, app, 'POST', '/v1/keys', key, of(name));
  return { name, own: bearer(secret) };
}

async function makeNode(own: Headers, name: string, body: object = {}): Promise<Body> {
  const { secret } = await want(201, app, 'POST', '/v1/join-tokens', body, own);
  const { nodeId } = await joinedNode(app.databaseUrl, secret, name);
  return await want(200, app, 'GET', `/v1/nodes/${nodeId}`, undefined, own);
}

async function namesOf(own: Headers, query = ''): Promise<readonly string[]> {
  const { nodes } = await want(200, app, 'GET', `/v1/nodes${query}`, undefined, own);
  return nodes.filter(({ shared }: Body) => !shared).map(({ name }: Body) => name);
}

async function builtIn(own: Headers): Promise<Body> {
  const { nodes } = await want(200, app, 'GET', '/v1/nodes', undefined, own);
  return nodes.find(({ isBuiltIn }: Body) => isBuiltIn);
}

test('a join token is told once, and then shown without its secret, on both edges', async () => {
  const { own } = await makeProject();
  const body = { uses: 2, ttlMs: 60_000, labels: { site: 'dmz' } };
  const reply = await call(app, 'POST', '/v1/join-tokens', body, own);
  expect(reply.status).toBe(201);
  const { secret, joinUrl, ...shown } = reply.body;
  expect(reply.headers.get('location')).toBe(`/v1/join-tokens/${shown.id}`);
  expect(secret).toMatch(/^kodamajoin_[0-9A-Za-z]{33}$/);
  expect(joinUrl).toBeNull();
  expect(shown).toMatchObject({ ...{ uses: 2, used: 0 }, labels: { site: 'dmz' }, shared: false });
  expect(shown.hint).toBe(`${secret.slice(0, 16)}…${secret.slice(-4)}`);
  expect(Date.parse(shown.expiresAt) - Date.parse(shown.createdAt)).toBe(60_000);
  const path = `/v1/join-tokens/${shown.id}`;
  expect(await want(200, app, 'GET', path, undefined, own)).toEqual(shown);
  await joinedNode(app.databaseUrl, secret, 'dmz');
  const { joinTokens } = await want(200, app, 'GET', '/v1/join-tokens', undefined, own);
  expect(joinTokens).toEqual([{ ...shown, used: 1 }]);
  using client = grpcClient(app.grpcAddress, { token: own.authorization?.slice(7) ?? '' });
  const { joinTokens: calls, metadata } = client;
  const told = await grpcCall<Body>((done) => calls.CreateJoinToken({}, metadata, done));
  expect(told.secret).toMatch(/^kodamajoin_[0-9A-Za-z]{33}$/);
  const { id } = told.joinToken;
  const got = await grpcCall<Body>((done) => calls.GetJoinToken({ id }, metadata, done));
  expect(got).toEqual({ joinToken: told.joinToken });
  await grpcCall((done) => calls.DeleteJoinToken({ id }, metadata, done));
  await want(204, app, 'DELETE', path, undefined, own);
});

test('what is not supported yet is refused by name, and so is what is too much', async () => {
  const { own } = await makeProject();
  const wrong: readonly (readonly [body: object, path: string, message: string])[] = [
    [{ namePattern: 'dmz-*' }, 'namePattern', 'not supported yet'],
    [{ sourceCidrs: ['192.0.2.0/24'] }, 'sourceCidrs', 'not supported yet'],
    [{ ttlMs: 7 * 86_400_000 + 1 }, 'ttlMs', 'from 1 to 604800000'],
    [{ uses: 0 }, 'uses', 'from 1 to 100'],
    [{ uses: 101 }, 'uses', 'from 1 to 100'],
  ];
  using client = grpcClient(app.grpcAddress, { token: own.authorization?.slice(7) ?? '' });
  for (const [body, path, message] of wrong) {
    const { errors } = await want(400, app, 'POST', '/v1/join-tokens', body, own);
    expect(errors).toEqual([{ path, message: expect.stringContaining(message) }]);
    await expect(
      grpcCall((done) => client.joinTokens.CreateJoinToken(body, client.metadata, done)),
    ).rejects.toMatchObject({
      code: status.INVALID_ARGUMENT,
      details: expect.stringContaining(message),
    });
  }
});

test('an answer is repeated without its secret', async () => {
  const { own } = await makeProject();
  const headers = { ...own, 'idempotency-key': uuidv7() };
  const first = await want(201, app, 'POST', '/v1/join-tokens', {}, headers);
  const again = await call(app, 'POST', '/v1/join-tokens', {}, headers);
  expect(again.headers.get('idempotent-replayed')).toBe('true');
  expect(again.body).toEqual({ ...first, secret: null });
});

test(
  'a project sees its own nodes and the shared ones, found by id, name, label and state',
  long,
  async () => {
    const [one, two] = [await makeProject(), await makeProject()];
    const mine = await makeNode(one.own, 'dmz', { labels: { site: 'north' } });
    expect(mine).toMatchObject({
      ...{ name: 'dmz', project: one.name, labels: { site: 'north' }, state: 'pending' },
      ...{ isBuiltIn: false, shared: false, cordoned: false, lostAfterMs: 300_000 },
      ...{ hostname: 'dmz', version: '1.2.3', listeners: 0, openConnections: 0, lastSeenAt: null },
    });
    const theirs = await makeNode(two.own, 'dmz');
    expect(theirs.id).not.toBe(mine.id);
    const byName = await want(200, app, 'GET', '/v1/nodes/dmz', undefined, two.own);
    expect(byName.id).toBe(theirs.id);
    await want(404, app, 'GET', `/v1/nodes/${mine.id}`, undefined, two.own);
    expect(await namesOf(one.own, '?label=site=north')).toEqual(['dmz']);
    expect(await namesOf(one.own, '?label=site=south')).toEqual([]);
    expect(await namesOf(one.own, '?state=pending')).toEqual(['dmz']);
    expect(await namesOf(one.own, '?state=ready')).toEqual([]);
    const { nodes, nextPageToken } = await want(
      ...([200, app, 'GET', '/v1/nodes?pageSize=1', undefined, one.own] as const),
    );
    expect(nodes).toMatchObject([{ isBuiltIn: true, project: 'default', state: 'ready' }]);
    const next = `?pageSize=1&pageToken=${nextPageToken}`;
    expect(await namesOf(one.own, next)).toEqual(['dmz']);
    await want(400, app, 'GET', `/v1/nodes${next}`, undefined, two.own);
    const all = await want(200, app, 'GET', '/v1/nodes?pageSize=1000', undefined, operator);
    const ids = all.nodes.map(({ id }: Body) => id);
    expect(ids).toEqual(expect.arrayContaining([mine.id, theirs.id]));
    expect(await namesOf(of(two.name))).toEqual(['dmz']);
  },
);

test('of a shared node each project sees what it has there', async () => {
  const [one, two] = [await makeProject(), await makeProject()];
  const before = await builtIn(operator);
  const { laddr } = await want(201, app, 'POST', '/v1/listeners', {}, one.own);
  await using client = await openClient(laddr.port);
  await client.echo('a');
  const counts = async (own: Headers) => {
    const { listeners, openConnections } = await builtIn(own);
    return { listeners, openConnections };
  };
  await waitFor('the connection on record', async () => {
    return (await counts(one.own)).openConnections === 1;
  });
  expect(await counts(one.own)).toEqual({ listeners: 1, openConnections: 1 });
  expect(await counts(two.own)).toEqual({ listeners: 0, openConnections: 0 });
  expect(await counts(operator)).toEqual({
    listeners: before.listeners + 1,
    openConnections: before.openConnections + 1,
  });
});

test(
  'a node is changed by its project, a shared or built-in one by operators only',
  long,
  async () => {
    const { own } = await makeProject();
    const node = await makeNode(own, 'dmz');
    const path = `/v1/nodes/${node.name}`;
    const patch = { labels: { site: 'south' }, cordoned: true, lostAfterMs: 30_000 };
    expect(await want(200, app, 'PATCH', path, patch, own)).toEqual({ ...node, ...patch });
    expect(await want(200, app, 'PATCH', path, {}, own)).toEqual({ ...node, ...patch });
    for (const lostAfterMs of [29_999, 86_400_001]) {
      await want(400, app, 'PATCH', path, { lostAfterMs }, own);
    }
    const none = { labels: null, cordoned: null, lostAfterMs: null };
    expect(await want(200, app, 'PATCH', path, none, own)).toEqual({ ...node, labels: {} });
    await want(200, app, 'PATCH', path, patch, own);
    using client = grpcClient(app.grpcAddress, { token: own.authorization?.slice(7) ?? '' });
    const cleared = { id: node.id, updateMask: { paths: ['labels', 'lost_after_ms'] } };
    const changed = await grpcCall<Body>((done) =>
      client.nodes.UpdateNode(cleared, client.metadata, done),
    );
    expect(changed.node).toMatchObject({ cordoned: true, lostAfterMs: 300_000 });
    expect(changed.node.labels ?? {}).toEqual({});
    const shared = await makeNode(operator, `shared-${made}`, { shared: true });
    for (const { id } of [shared, await builtIn(own)]) {
      for (const [method, body] of [
        ['PATCH', { cordoned: true }],
        ['DELETE', undefined],
      ] as const) {
        const refused = await want(403, app, method, `/v1/nodes/${id}`, body, own);
        expect(refused).toMatchObject({ code: 'permission_denied', scope: 'operator' });
      }
    }
    const cordoned = { cordoned: true };
    await want(200, app, 'PATCH', `/v1/nodes/${shared.id}`, cordoned, operator);
    expect(await want(200, app, 'GET', `/v1/nodes/${shared.id}`, undefined, own)).toMatchObject({
      ...{ cordoned: true, shared: true },
    });
    await want(204, app, 'DELETE', `/v1/nodes/${shared.id}`, undefined, operator);
  },
);

test('shared nodes are of the project default, and an operator’s to add', async () => {
  const { own, name } = await makeProject();
  const refused = await want(403, app, 'POST', '/v1/join-tokens', { shared: true }, own);
  expect(refused).toMatchObject({ code: 'permission_denied', scope: 'operator' });
  const { errors } = await want(400, app, 'POST', '/v1/join-tokens', { shared: true }, of(name));
  expect(errors).toMatchObject([{ path: 'shared' }]);
  const key = { name: `all-${made}`, scopes: ['read', 'write'] };
  const { secret } = await want(201, app, 'POST', '/v1/keys', key, operator);
  await want(403, app, 'POST', '/v1/join-tokens', { shared: true }, bearer(secret));
});

test('a node that is removed is listed when asked for, and its name is free', long, async () => {
  const { own } = await makeProject();
  const node = await makeNode(own, 'dmz');
  await want(204, app, 'DELETE', '/v1/nodes/dmz', undefined, own);
  await want(404, app, 'DELETE', '/v1/nodes/dmz', undefined, own);
  await want(404, app, 'PATCH', `/v1/nodes/${node.id}`, { cordoned: true }, own);
  await want(204, app, 'DELETE', `/v1/nodes/${node.id}`, undefined, own);
  expect(await namesOf(own)).toEqual([]);
  expect(await namesOf(own, '?state=removed')).toEqual(['dmz']);
  const shown = await want(200, app, 'GET', `/v1/nodes/${node.id}`, undefined, own);
  expect(shown.state).toBe('removed');
  expect((await makeNode(own, 'dmz')).id).not.toBe(node.id);
  const { entries } = await want(200, app, 'GET', `/v1/audit?resource=${node.id}`, undefined, own);
  expect(entries.map(({ operation }: Body) => operation)).toEqual(['deleteNode', 'join']);
  expect(entries[0]).toMatchObject({
    resource: { kind: 'node', id: node.id, name: 'dmz' },
    change: { before: { state: 'pending' }, after: { state: 'removed' }, cut: [] },
  });
  expect(entries[1]).toMatchObject({ actor: { kind: 'node', id: 'dmz' }, sourceIp: '192.0.2.1' });
});

test('a built-in node whose process is up stays', async () => {
  const { id } = await builtIn(operator);
  const refused = await want(409, app, 'DELETE', `/v1/nodes/${id}`, undefined, operator);
  expect(refused).toMatchObject({ code: 'failed_precondition' });
  expect((await builtIn(operator)).state).toBe('ready');
});

test('a built-in node that is cordoned gets no new listener, whoever asks', async () => {
  const { own } = await makeProject();
  const { id } = await builtIn(operator);
  const path = `/v1/nodes/${id}`;
  const kept = await want(201, app, 'POST', '/v1/listeners', {}, own);
  await want(200, app, 'PATCH', path, { cordoned: true }, operator);
  for (const headers of [own, operator]) {
    for (const [url, body] of [
      ['/v1/listeners', {}],
      ['/v1/listeners:batch', { listeners: [{}, {}] }],
      ['/v1/listeners', { placement: { node: id } }],
    ] as const) {
      const { detail } = await want(409, app, 'POST', url, body, headers);
      expect(detail).toBe('placement: those that fit are cordoned');
    }
  }
  const { state } = await want(200, app, 'GET', `/v1/listeners/${kept.id}`, undefined, own);
  expect(state).toBe('listening');
  await want(200, app, 'PATCH', path, { cordoned: false }, operator);
  expect((await want(201, app, 'POST', '/v1/listeners', {}, own)).nodeId).toBe(id);
});

test('quotas of nodes and join tokens are counted, and held', long, async () => {
  const { name, own } = await makeProject();
  const quotas = { nodes: 1, joinTokens: 1 };
  await want(200, app, 'PATCH', `/v1/projects/${name}`, { quotas }, operator);
  const used = async () => {
    const { quotas: all } = await want(200, app, 'GET', '/v1/quotas', undefined, own);
    return all.filter(({ name: one }: Body) => one === 'nodes' || one === 'joinTokens');
  };
  const { secret } = await want(201, app, 'POST', '/v1/join-tokens', { uses: 2 }, own);
  const refused = await want(429, app, 'POST', '/v1/join-tokens', {}, own);
  expect(refused).toMatchObject({ code: 'resource_exhausted', limit: 'joinTokens' });
  await joinedNode(app.databaseUrl, secret, 'one');
  await expect(joinedNode(app.databaseUrl, secret, 'two')).rejects.toMatchObject({
    ...{ code: 'resource_exhausted', details: { limit: 'nodes', limitValue: 1 } },
  });
  expect(await used()).toEqual([
    { name: 'nodes', limit: 1, used: 1 },
    { name: 'joinTokens', limit: 1, used: 1 },
  ]);
  await want(204, app, 'DELETE', '/v1/nodes/one', undefined, own);
  await joinedNode(app.databaseUrl, secret, 'two');
  // It is used up, so there is room for another.
  expect(await used()).toMatchObject([{ used: 1 }, { used: 0 }]);
  await want(201, app, 'POST', '/v1/join-tokens', {}, own);
});

test('tokens that ended go', async () => {
  const { own } = await makeProject();
  const { id } = await want(201, app, 'POST', '/v1/join-tokens', { ttlMs: 1 }, own);
  await waitFor('its end', async () => {
    const { status: code } = await call(app, 'GET', `/v1/join-tokens/${id}`, undefined, own);
    return code === 404;
  });
});

test('a listener says where it is to be, and where it is, on both edges', async () => {
  const { own } = await makeProject();
  const { id, name } = await builtIn(own);
  const placement = { node: name };
  const listener = await want(201, app, 'POST', '/v1/listeners', { placement }, own);
  expect(listener).toMatchObject({
    ...{ nodeId: id, nodeName: name, generation: 1, observedGeneration: 1 },
    placement: { node: name, onNodeLost: 'stay' },
  });
  const path = `/v1/listeners/${listener.id}`;
  const changed = await want(200, app, 'PATCH', path, { limits: { maxConnections: 5 } }, own);
  expect(changed).toMatchObject({ generation: 2, observedGeneration: 2 });
  expect(await want(200, app, 'GET', path, undefined, own)).toEqual(changed);
  expect(await want(201, app, 'POST', '/v1/listeners', {}, own)).toMatchObject({ placement: null });
  using client = grpcClient(app.grpcAddress, { token: own.authorization?.slice(7) ?? '' });
  const made = await grpcCall<Body>((done) =>
    client.listeners.CreateListener({ placement }, client.metadata, done),
  );
  expect(made.listener).toMatchObject({
    ...{ nodeId: id, nodeName: name, observedGeneration: 1 },
    placement: { node: name, onNodeLost: 'ON_NODE_LOST_STAY' },
  });
});

test('a place that can not be is refused by name, on both edges', async () => {
  const { own } = await makeProject();
  using client = grpcClient(app.grpcAddress, { token: own.authorization?.slice(7) ?? '' });
  const wrong: readonly (readonly [
    placement: object,
    grpc: object,
    path: string,
    words: string,
  ])[] = [
    [{}, {}, 'placement', 'wants a node'],
    [{ selector: {} }, { selector: {} }, 'placement', 'wants a node'],
    [
      { node: 'a', selector: { site: 'dmz' } },
      { node: 'a', selector: { site: 'dmz' } },
      ...(['placement.selector', 'not both'] as const),
    ],
    [
      { node: 'a', onNodeLost: 'move' },
      { node: 'a', onNodeLost: 'ON_NODE_LOST_MOVE' },
      ...(['placement.onNodeLost', 'move is not supported yet'] as const),
    ],
  ];
  for (const [placement, given, path, words] of wrong) {
    const { errors } = await want(400, app, 'POST', '/v1/listeners', { placement }, own);
    expect(errors).toEqual([{ path, message: expect.stringContaining(words) }]);
    await expect(
      grpcCall((done) =>
        client.listeners.CreateListener({ placement: given }, client.metadata, done),
      ),
    ).rejects.toMatchObject({
      code: status.INVALID_ARGUMENT,
      details: expect.stringContaining(words),
    });
  }
});

test('nodes and join tokens want their scopes', async () => {
  const { name } = await makeProject();
  const key = { name: 'reader', scopes: ['nodes:read'] };
  const { secret } = await want(201, app, 'POST', '/v1/keys', key, of(name));
  const own = bearer(secret);
  for (const path of ['/v1/nodes', '/v1/join-tokens']) {
    await want(200, app, 'GET', path, undefined, own);
  }
  const refused = await want(403, app, 'POST', '/v1/join-tokens', {}, own);
  expect(refused).toMatchObject({ scope: 'nodes:write' });
});
