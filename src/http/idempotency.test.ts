import { expect, test } from 'vitest';
import { long } from '../../test/support/long.ts';
import { call, want } from '../../test/support/rest-client.ts';
import { restEdge } from '../../test/support/rest-edge.ts';
import { waitFor } from '../../test/support/wait-for.ts';
import { AppError } from '../core/errors.ts';

const key = (value: string) => ({ 'idempotency-key': value });

test('a create that is repeated under its key answers the same and has one effect', async () => {
  await using edge = await restEdge();
  const first = await call(edge, 'POST', '/v1/listeners', { name: 'a' }, key('k'));
  const again = await call(edge, 'POST', '/v1/listeners', { name: 'a' }, key('k'));
  expect([first.status, again.status]).toEqual([201, 201]);
  expect(again.body).toEqual(first.body);
  expect(again.headers.get('location')).toBe(first.headers.get('location'));
  expect(first.headers.get('idempotent-replayed')).toBeNull();
  expect(again.headers.get('idempotent-replayed')).toBe('true');
  const { listeners } = await want(200, edge, 'GET', '/v1/listeners');
  expect(listeners).toHaveLength(1);
});

test('an answer outlives what it was about', async () => {
  await using edge = await restEdge();
  const first = await want(201, edge, 'POST', '/v1/listeners', {}, key('k'));
  await want(204, edge, 'DELETE', `/v1/listeners/${first.id}`);
  expect(await want(201, edge, 'POST', '/v1/listeners', {}, key('k'))).toEqual(first);
});

test('no body and the empty body are one request; how a body is spelt makes no other', async () => {
  await using edge = await restEdge();
  const first = await want(201, edge, 'POST', '/v1/listeners', undefined, key('k'));
  expect(await want(201, edge, 'POST', '/v1/listeners', {}, key('k'))).toEqual(first);
  const spelt = { protocol: 'tcp', mode: 'echo' };
  expect(await want(201, edge, 'POST', '/v1/listeners', spelt, key('k'))).toEqual(first);
});

test('labels have no order: in another one it is the same request', async () => {
  await using edge = await restEdge();
  const one = { name: 'a', labels: { team: 'x', env: 'ci' } };
  const first = await want(201, edge, 'POST', '/v1/listeners', one, key('k'));
  const other = { labels: { env: 'ci', team: 'x' }, name: 'a' };
  expect(await want(201, edge, 'POST', '/v1/listeners', other, key('k'))).toEqual(first);
  const more = { ...other, labels: { env: 'x', team: 'ci' } };
  await want(422, edge, 'POST', '/v1/listeners', more, key('k'));
});

test('the key with another body is a mismatch', async () => {
  await using edge = await restEdge();
  await want(201, edge, 'POST', '/v1/listeners', { name: 'a' }, key('k'));
  const refused = await call(edge, 'POST', '/v1/listeners', { name: 'b' }, key('k'));
  expect(refused).toMatchObject({ status: 422, body: { code: 'idempotency_mismatch' } });
});

test('the same key on another path is another key', async () => {
  await using edge = await restEdge();
  await want(201, edge, 'POST', '/v1/listeners', {}, key('k'));
  const batch = { listeners: [{}] };
  await want(201, edge, 'POST', '/v1/listeners:batch', batch, key('k'));
  const again = await call(edge, 'POST', '/v1/listeners:batch', batch, key('k'));
  expect(again.headers.get('idempotent-replayed')).toBe('true');
});

test('a repeated reset takes no fault away that came after the first', async () => {
  await using edge = await restEdge();
  const { id } = await want(201, edge, 'POST', '/v1/listeners', { faults: [{ type: 'refuse' }] });
  const reset = () => call(edge, 'POST', `/v1/listeners/${id}/faults:reset`, undefined, key('k'));
  const first = await reset();
  expect(first).toMatchObject({ status: 200, body: { faults: [] } });
  await want(200, edge, 'POST', `/v1/listeners/${id}/faults`, { type: 'blackhole' });
  const again = await reset();
  expect(again.body).toEqual(first.body);
  expect(again.headers.get('idempotent-replayed')).toBe('true');
  expect(await want(200, edge, 'GET', `/v1/listeners/${id}`)).toMatchObject({
    faults: [{ type: 'blackhole' }],
  });
});

test('however the path is spelt, a key is one', async () => {
  await using edge = await restEdge();
  const first = await want(201, edge, 'POST', '/v1/listeners', {}, key('k'));
  for (const path of ['/v1/listeners?', '/v1/%6cisteners', '/v1/listener%73?']) {
    expect(await want(201, edge, 'POST', path, {}, key('k'))).toEqual(first);
  }
  const refused = await want(400, edge, 'POST', '/v1/listeners?a=1', {}, key('k'));
  expect(refused.errors).toMatchObject([{ path: 'a' }]);
  const { listeners } = await want(200, edge, 'GET', '/v1/listeners');
  expect(listeners).toHaveLength(1);
});

test('with too many keys kept a new one is refused by the name of the limit', async () => {
  await using edge = await restEdge({ idempotency: { idempotencyKeysMax: 1 } });
  const first = await want(201, edge, 'POST', '/v1/listeners', {}, key('k'));
  const refused = await call(edge, 'POST', '/v1/listeners', {}, key('other'));
  expect(refused).toMatchObject({ status: 429, body: { limit: 'idempotencyKeysMax' } });
  expect(await want(201, edge, 'POST', '/v1/listeners', {}, key('k'))).toEqual(first);
  await want(201, edge, 'POST', '/v1/listeners', {});
});

test('while the first call runs, the second is told so', async () => {
  await using edge = await restEdge();
  const gate = Promise.withResolvers<void>();
  edge.dataPlane.gates.open = gate.promise;
  const first = call(edge, 'POST', '/v1/listeners', {}, key('k'));
  await waitFor('the bind', () => edge.dataPlane.calls.length === 1);
  const second = await call(edge, 'POST', '/v1/listeners', {}, key('k'));
  expect(second).toMatchObject({ status: 409, body: { code: 'failed_precondition' } });
  gate.resolve();
  expect(await first).toMatchObject({ status: 201 });
});

test('a refusal is kept as the answer', async () => {
  await using edge = await restEdge();
  edge.dataPlane.openErrors.push(new AppError('port_in_use', 'taken', { owner: 'foreign' }));
  const first = await call(edge, 'POST', '/v1/listeners', { port: 4000 }, key('k'));
  const again = await call(edge, 'POST', '/v1/listeners', { port: 4000 }, key('k'));
  expect(first).toMatchObject({ status: 409, body: { code: 'port_in_use', owner: 'foreign' } });
  const { requestId } = again.body;
  expect(again).toMatchObject({ status: 409, body: { ...first.body, requestId } });
  expect(again.headers.get('idempotent-replayed')).toBe('true');
  expect(again.headers.get('content-type')).toContain('application/problem+json');
});

test.each([
  ['a failure', new Error('a bug'), 500],
  ['an outage', new AppError('unavailable', 'away'), 503],
  ['a limit', new AppError('resource_exhausted', 'full'), 429],
  [
    'what says when to try again',
    new AppError('failed_precondition', 'not yet', { retryAfterMs: 1000 }),
    409,
  ],
])('%s leaves the key free', async (_, error, status) => {
  await using edge = await restEdge();
  edge.dataPlane.openErrors.push(error);
  expect(await call(edge, 'POST', '/v1/listeners', {}, key('k'))).toMatchObject({ status });
  expect(await call(edge, 'POST', '/v1/listeners', {}, key('k'))).toMatchObject({ status: 201 });
});

test.each<[string, object]>([
  ['a port that is none', { port: -1 }],
  ['a time that is over', { expiresAt: '2026-01-01T00:00:00Z' }],
  ['a certificate that is none', { protocol: 'tls', tls: { cert: 'a', key: 'b' } }],
])('input that is not valid does not use the key up: %s', async (_, wrong) => {
  await using edge = await restEdge();
  await want(400, edge, 'POST', '/v1/listeners', wrong, key('k'));
  await want(201, edge, 'POST', '/v1/listeners', {}, key('k'));
});

test('nor does a fault that does not suit its listener', async () => {
  await using edge = await restEdge();
  const { id } = await want(201, edge, 'POST', '/v1/listeners', {});
  const path = `/v1/listeners/${id}/faults`;
  await want(400, edge, 'POST', path, { type: 'drop' }, key('k'));
  expect(await want(200, edge, 'POST', path, { type: 'refuse' }, key('k'))).toMatchObject({ id });
});

test.each(['', ' ', 'with space', 'ünicode', 'x'.repeat(256)])(
  'a key that is none is refused: %j',
  async (value) => {
    await using edge = await restEdge();
    const refused = await call(edge, 'POST', '/v1/listeners', {}, key(value));
    expect(refused).toMatchObject({
      status: 400,
      body: { errors: [{ path: 'Idempotency-Key' }] },
    });
  },
);

test('after its time a key is free again', async () => {
  let now = 1_700_000_000_000_000;
  await using edge = await restEdge({
    clock: { now: () => now },
    idempotency: { idempotencyTtlMs: 1000 },
  });
  const before = await want(201, edge, 'POST', '/v1/listeners', {}, key('k'));
  // The store keeps the real time of the call, which is later than the key's end.
  now = Date.now() * 1000 + 10_000_000;
  const after = await want(201, edge, 'POST', '/v1/listeners', {}, key('k'));
  expect(after.id).not.toBe(before.id);
});

test('neither keys nor answers are logged', async () => {
  await using edge = await restEdge();
  await want(201, edge, 'POST', '/v1/listeners', { name: 'unlogged' }, key('unlogged-key'));
  await waitFor('the line', () => edge.log.some(({ msg }) => msg === 'request'));
  expect(JSON.stringify(edge.log)).not.toContain('unlogged');
});

test('a run that was lost before its effect is run again', async () => {
  await using edge = await restEdge();
  edge.dataPlane.gates.open = new Promise(() => undefined);
  const gone = new AbortController();
  const headers = { 'content-type': 'application/json', ...key('k') };
  const request = { method: 'POST', body: '{"name":"a"}', headers, signal: gone.signal };
  const lost = fetch(`${edge.url}/v1/listeners`, request).catch(() => null);
  await waitFor('the bind', () => edge.dataPlane.calls.length === 1);
  gone.abort();
  await lost;
  const { store } = edge;
  await using next = await restEdge({ idempotencyKeys: store.idempotencyKeys });
  await want(409, next, 'POST', '/v1/listeners', { name: 'a' }, key('k'));
  await store.nodes.takeOwn();
  await want(422, next, 'POST', '/v1/listeners', { name: 'b' }, key('k'));
  await want(201, next, 'POST', '/v1/listeners', { name: 'a' }, key('k'));
});

test.each([
  ['/v1/listeners', { name: 'a' }],
  ['/v1/listeners:batch', { listeners: [{ name: 'a' }, { name: 'b' }, {}] }],
])('a run that was lost after its effect finds what it made: %s', async (path, body) => {
  await using edge = await restEdge();
  const { store } = edge;
  // The process ends between the commit and the answer: the key never hears of it.
  const forgetful = new Proxy(store.idempotencyKeys, {
    get: (target, name) =>
      name === 'keep'
        ? () => Promise.reject(new AppError('unavailable', 'away'))
        : Reflect.get(target, name).bind(target),
  });
  await using first = await restEdge({ idempotencyKeys: forgetful, control: edge.control });
  const made = await want(201, first, 'POST', path, body, key('k'));
  await want(409, edge, 'POST', path, body, key('k'));
  await store.nodes.takeOwn();
  const again = await call(edge, 'POST', path, body, key('k'));
  expect(again).toMatchObject({ status: 201, body: made });
  const { listeners } = await want(200, edge, 'GET', '/v1/listeners');
  expect(listeners).toHaveLength('id' in made ? 1 : 3);
  const replayed = await call(edge, 'POST', path, body, key('k'));
  expect(replayed.headers.get('idempotent-replayed')).toBe('true');
  expect(replayed.body).toEqual(made);
});

test('a lost run that can not be looked for yet is looked for by the next, and made once', async () => {
  await using edge = await restEdge();
  const { store } = edge;
  let isForgetful = true;
  const forgetful = new Proxy(store.idempotencyKeys, {
    get: (target, name) =>
      name === 'keep' && isForgetful
        ? () => Promise.reject(new AppError('unavailable', 'away'))
        : Reflect.get(target, name).bind(target),
  });
  let isAway = false;
  const control = new Proxy(edge.control, {
    get: (target, name) =>
      name === 'getListener' && isAway
        ? () => Promise.reject(new AppError('unavailable', 'away'))
        : Reflect.get(target, name).bind(target),
  });
  await using other = await restEdge({ idempotencyKeys: forgetful, control });
  const made = await want(201, other, 'POST', '/v1/listeners', {}, key('k'));
  await store.nodes.takeOwn();
  isAway = true;
  await want(503, other, 'POST', '/v1/listeners', {}, key('k'));
  isAway = false;
  isForgetful = false;
  expect(await want(201, other, 'POST', '/v1/listeners', {}, key('k'))).toEqual(made);
});

test('a run that takes longer than any may is taken for lost', long, async () => {
  let now = Date.now() * 1000;
  await using edge = await restEdge({ clock: { now: () => now } });
  edge.dataPlane.gates.open = new Promise(() => undefined);
  const lost = call(edge, 'POST', '/v1/listeners', {}, key('k')).catch(() => null);
  await waitFor('the bind', () => edge.dataPlane.calls.length === 1);
  edge.dataPlane.gates.open = Promise.resolve();
  await want(409, edge, 'POST', '/v1/listeners', {}, key('k'));
  // Of the run the store keeps the real time, which is later than the test's beginning.
  now = Date.now() * 1000 + 61_000_000;
  // Its listener is still being made, in this very process.
  const { body } = await call(edge, 'POST', '/v1/listeners', {}, key('k'));
  expect(body).toMatchObject({ code: 'unavailable', detail: 'it is being made' });
  await edge.server.stop();
  await lost;
});
