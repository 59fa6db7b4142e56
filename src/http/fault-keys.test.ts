/** Faults that are added under an Idempotency-Key whose run was lost. */
import { expect, test } from 'vitest';
import { call, want } from '../../test/support/rest-client.ts';
import { restEdge } from '../../test/support/rest-edge.ts';
import { AppError } from '../core/errors.ts';

const key = { 'idempotency-key': 'k' };
const away = () => Promise.reject(new AppError('unavailable', 'away'));

/** The thing, of which these methods fail. */
function without<Thing extends object>(thing: Thing, failing: keyof Thing): Thing {
  return new Proxy(thing, {
    get(target, name) {
      const method: unknown = Reflect.get(target, name);
      if (typeof method !== 'function') return method;
      return name === failing ? away : method.bind(target);
    },
  });
}

test.each([
  { type: 'latency', delayMs: 1 },
  { type: 'latency', delayMs: 1, name: 'slow' },
])('a run that was lost after it had added its fault finds it: %o', async (fault) => {
  await using edge = await restEdge();
  const { store, control } = edge;
  const idempotencyKeys = without(store.idempotencyKeys, 'keep');
  await using first = await restEdge({ idempotencyKeys, control });
  const { id } = await want(201, edge, 'POST', '/v1/listeners', { labels: { a: 'b' } });
  const path = `/v1/listeners/${id}/faults`;
  const made = await want(200, first, 'POST', path, fault, key);
  expect(made.faults).toMatchObject([{ name: fault.name ?? 'latency' }]);
  await store.nodes.takeOwn();
  expect(await want(200, edge, 'POST', path, fault, key)).toEqual(made);
  const replayed = await call(edge, 'POST', path, fault, key);
  expect(replayed.headers.get('idempotent-replayed')).toBe('true');
});

test('a run that was lost before it had added its fault adds it, beside others of its type', async () => {
  await using edge = await restEdge();
  const { store } = edge;
  const idempotencyKeys = without(store.idempotencyKeys, 'release');
  const control = without(edge.control, 'updateFaults');
  await using first = await restEdge({ idempotencyKeys, control });
  const faults = [{ type: 'latency', delayMs: 2 }];
  const { id } = await want(201, edge, 'POST', '/v1/listeners', { faults });
  const path = `/v1/listeners/${id}/faults`;
  const fault = { type: 'latency', delayMs: 1 };
  await want(503, first, 'POST', path, fault, key);
  const clock = { now: () => Date.now() * 1000 + 61_000_000 };
  const keys = store.idempotencyKeys;
  await using later = await restEdge({ idempotencyKeys: keys, control: edge.control, clock });
  const made = await want(200, later, 'POST', path, fault, key);
  expect(made.faults).toMatchObject([{ name: 'latency' }, { name: 'latency-2', delayMs: 1 }]);
});

test('a close by labels whose run was lost closes nothing that was made since', async () => {
  await using edge = await restEdge();
  const { store, control } = edge;
  const idempotencyKeys = without(store.idempotencyKeys, 'keep');
  await using first = await restEdge({ idempotencyKeys, control });
  const labels = { run: 'one' };
  const { id } = await want(201, edge, 'POST', '/v1/listeners', { labels });
  const path = '/v1/listeners:close';
  expect(await want(200, first, 'POST', path, { labels }, key)).toMatchObject({ closed: [id] });
  const since = await want(201, edge, 'POST', '/v1/listeners', { labels });
  await store.nodes.takeOwn();
  expect(await want(200, edge, 'POST', path, { labels }, key)).toMatchObject({ closed: [] });
  const left = await want(200, edge, 'GET', `/v1/listeners/${since.id}`);
  expect(left).toMatchObject({ state: 'listening' });
});
