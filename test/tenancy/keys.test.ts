/** Keys on a whole kodama: what they allow on both edges, and how they end. */
import { status } from '@grpc/grpc-js';
import { expect, test } from 'vitest';
import { call as grpcCall, grpcClient, streamEvents } from '../support/grpc-client.ts';
import { long } from '../support/long.ts';
import { call, type Reply, want } from '../support/rest-client.ts';
import { ndjson } from '../support/rest-stream.ts';
import { sharedApp } from '../support/test-app.ts';
import { waitFor } from '../support/wait-for.ts';

const token = 'the-operators-own-token';
const app = sharedApp({ KODAMA_API_TOKEN: token }, undefined, (config) => ({
  ...config,
  tenancy: {
    ...config.tenancy,
    ...{ keysMax: 40, failedKeysPerSecond: 1000, keyTtlMs: 1000, keyUseIntervalMs: 50 },
  },
}));
const bearer = (secret: string) => ({ authorization: `Bearer ${secret}` });
const operator = bearer(token);

let made = 0;

async function makeKey(
  scopes: readonly string[],
  more: object = {},
  giver: Readonly<Record<string, string>> = operator,
): Promise<Reply['body']> {
  made += 1;
  return await want(201, app, 'POST', '/v1/keys', { name: `key-${made}`, scopes, ...more }, giver);
}

test('a key allows what its scopes say, on both edges', async () => {
  const { secret, hint, ...key } = await makeKey(['listeners:read']);
  expect(secret).toMatch(/^kodama_[0-9A-Za-z]{33}$/);
  expect(hint).toBe(`${secret.slice(0, 12)}…${secret.slice(-4)}`);
  await want(200, app, 'GET', '/v1/listeners', undefined, bearer(secret));
  const refused = await want(403, app, 'POST', '/v1/listeners', {}, bearer(secret));
  expect(refused).toMatchObject({ code: 'permission_denied', scope: 'listeners:write' });
  using client = grpcClient(app.grpcAddress, { token: secret });
  const { metadata } = client;
  await grpcCall((done) => client.listeners.ListListeners({}, metadata, done));
  await expect(
    grpcCall((done) => client.listeners.CreateListener({}, metadata, done)),
  ).rejects.toMatchObject({ code: status.PERMISSION_DENIED });
  const self = await want(200, app, 'GET', '/v1/projects/self', undefined, bearer(secret));
  expect(self).toMatchObject({
    ...{ name: 'default', keyId: key.id, keyHint: hint, scopes: ['listeners:read'] },
  });
  const shown = await want(200, app, 'GET', `/v1/keys/${key.id}`, undefined, operator);
  expect({ ...shown, lastUsedAt: null, lastUsedIp: null }).toEqual({ ...key, hint });
  expect(JSON.stringify(shown)).not.toContain(secret);
});

test('read and write stand for those of what is recorded', async () => {
  const { scopes } = await makeKey(['write', 'keys:read', 'read', 'listeners:read']);
  expect(scopes).toEqual([
    ...['listeners:read', 'listeners:write', 'connections:read', 'connections:write'],
    ...['events:read', 'nodes:read', 'nodes:write', 'keys:read'],
  ]);
});

test('nobody gives more than he has', async () => {
  const giver = await makeKey(['keys:read', 'keys:write', 'read'], { ttlMs: 3_600_000 });
  const own = bearer(giver.secret);
  const more = await call(app, 'POST', '/v1/keys', { name: 'more', scopes: ['write'] }, own);
  expect(more).toMatchObject({ status: 403, body: { scope: 'listeners:write' } });
  const longer = { name: 'longer', scopes: ['read'] };
  for (const times of [{}, { ttlMs: 7_200_000 }]) {
    await want(403, app, 'POST', '/v1/keys', { ...longer, ...times }, own);
  }
  const key = await makeKey(['read'], { ttlMs: 1_800_000 }, own);
  expect(key.createdBy).toEqual({ kind: 'key', id: giver.id, hint: giver.hint });
  // A rotation hands out a secret: of a key with more, it would be a theft.
  const strong = await makeKey(['write']);
  await want(403, app, 'POST', `/v1/keys/${strong.id}:rotate`, {}, own);
  await want(403, app, 'POST', '/v1/keys', { name: 'op', scopes: ['read'], project: null }, own);
});

test('a rotation overlaps, and there is no third secret', async () => {
  const key = await makeKey(['read']);
  const path = `/v1/keys/${key.id}`;
  const rotated = await want(200, app, 'POST', `${path}:rotate`, {}, operator);
  expect(rotated.secret).not.toBe(key.secret);
  for (const secret of [key.secret, rotated.secret]) {
    await want(200, app, 'GET', '/v1/listeners', undefined, bearer(secret));
  }
  const again = await call(app, 'POST', `${path}:rotate`, {}, operator);
  expect(again).toMatchObject({ status: 409, body: { code: 'failed_precondition' } });
  const other = await makeKey(['read']);
  const at = `/v1/keys/${other.id}:rotate`;
  const now = await want(200, app, 'POST', at, { overlapMs: 0 }, operator);
  await want(401, app, 'GET', '/v1/listeners', undefined, bearer(other.secret));
  await want(200, app, 'GET', '/v1/listeners', undefined, bearer(now.secret));
});

test('a key that is revoked is dead at once, and its streams end', async () => {
  const key = await makeKey(['read']);
  using stream = streamEvents(app.grpcAddress, {}, {}, { token: key.secret });
  const lines = ndjson(`${app.url}/v1/events?last=0`, { headers: bearer(key.secret) });
  expect((await lines.next()).value).toHaveProperty('synced');
  await stream.synced;
  const waiting = call(
    ...([app, 'GET', '/v1/connections:wait?timeoutMs=60000', undefined] as const),
    bearer(key.secret),
  );
  await want(204, app, 'DELETE', `/v1/keys/${key.id}`, undefined, operator);
  await want(401, app, 'GET', '/v1/listeners', undefined, bearer(key.secret));
  expect(await stream.ended).toMatchObject({ code: status.UNAUTHENTICATED });
  expect((await lines.next()).value.error).toMatchObject({ code: 'unauthenticated' });
  expect(await waiting).toMatchObject({ status: 401, body: { code: 'unauthenticated' } });
  await want(204, app, 'DELETE', `/v1/keys/${key.id}`, undefined, operator);
  const shown = await want(200, app, 'GET', `/v1/keys/${key.id}`, undefined, operator);
  expect(shown.revokedAt).toEqual(expect.any(String));
  // Its name is free.
  await want(201, app, 'POST', '/v1/keys', { name: key.name, scopes: ['read'] }, operator);
});

test('a key that has expired is dead', long, async () => {
  const key = await makeKey(['read'], { ttlMs: 1500 });
  await want(200, app, 'GET', '/v1/listeners', undefined, bearer(key.secret));
  using stream = streamEvents(app.grpcAddress, {}, {}, { token: key.secret });
  expect(await stream.ended).toMatchObject({ code: status.UNAUTHENTICATED });
  await want(401, app, 'GET', '/v1/listeners', undefined, bearer(key.secret));
});

test('an answer is repeated without its secret', async () => {
  const headers = { ...operator, 'idempotency-key': 'one-key' };
  const body = { name: 'once', scopes: ['read'] };
  const first = await want(201, app, 'POST', '/v1/keys', body, headers);
  const again = await call(app, 'POST', '/v1/keys', body, headers);
  expect(again.headers.get('idempotent-replayed')).toBe('true');
  expect(again.body).toEqual({ ...first, secret: null });
});

test('a name is one key’s, and its change is another name', async () => {
  const [one, two] = [await makeKey(['read']), await makeKey(['read'])];
  const path = `/v1/keys/${two.id}`;
  const same = { name: one.name, scopes: ['read'] };
  const message = `key ${one.id} is called ${one.name}`;
  const errors = [{ path: 'name', message }];
  const owned = { owner: one.id, detail: `name: ${message}`, errors };
  expect(await want(409, app, 'POST', '/v1/keys', same, operator)).toMatchObject(owned);
  const renamed = await want(409, app, 'PATCH', path, { name: one.name }, operator);
  expect(renamed).toMatchObject(owned);
  expect(await want(200, app, 'PATCH', path, { name: 'renamed' }, operator)).toMatchObject({
    ...{ name: 'renamed', scopes: two.scopes, hint: two.hint },
  });
});

test('an operator makes keys of no project, which see all projects', async () => {
  const body = { name: 'admin', scopes: ['operator', 'read', 'keys:read'], project: null };
  const key = await want(201, app, 'POST', '/v1/keys', body, operator);
  expect(key.project).toBeNull();
  await want(200, app, 'GET', '/v1/projects', undefined, bearer(key.secret));
  await want(403, app, 'POST', '/v1/listeners', {}, bearer(key.secret));
  const listed = await want(200, app, 'GET', '/v1/keys?operators=true', undefined, operator);
  expect(listed.keys.map(({ id }: Reply['body']) => id)).toEqual([key.id]);
  const own = await makeKey(['keys:read']);
  await want(403, app, 'GET', '/v1/keys?operators=true', undefined, bearer(own.secret));
  await want(404, app, 'GET', `/v1/keys/${key.id}`, undefined, bearer(own.secret));
});

test('when a key was last used is written down', async () => {
  const key = await makeKey(['read']);
  const path = `/v1/keys/${key.id}`;
  expect(key.lastUsedAt).toBeNull();
  await want(200, app, 'GET', '/v1/listeners', undefined, bearer(key.secret));
  const used = await waitFor('its last use', async () => {
    const shown = await want(200, app, 'GET', path, undefined, operator);
    return shown.lastUsedAt === null ? null : shown;
  });
  expect(used.lastUsedIp).toBe('127.0.0.1');
});

test('the metrics want their scope, and the state of the node is an operator’s', async () => {
  const key = await makeKey(['read']);
  const own = bearer(key.secret);
  const refused = await want(403, app, 'GET', '/metrics', undefined, own);
  expect(refused).toMatchObject({ code: 'permission_denied', scope: 'metrics:read' });
  const body = { name: 'prometheus', scopes: ['metrics:read'], project: null };
  const scraper = await want(201, app, 'POST', '/v1/keys', body, operator);
  const text = await want(200, app, 'GET', '/metrics', undefined, bearer(scraper.secret));
  expect(text).toContain('kodama_log_events_total');
  const status = await want(200, app, 'GET', '/v1/status', undefined, own);
  expect(status).toMatchObject({ headSeq: expect.any(Number), version: expect.any(String) });
  for (const field of ['pid', 'workers', 'store']) expect(status).not.toHaveProperty(field);
});

test('no more keys are kept than so many', async () => {
  for (;;) {
    made += 1;
    const body = { name: `key-${made}`, scopes: ['read'] };
    const reply = await call(app, 'POST', '/v1/keys', body, operator);
    if (reply.status === 201) continue;
    expect(reply).toMatchObject({ status: 429, body: { limit: 'keysMax', limitValue: 40 } });
    break;
  }
});
