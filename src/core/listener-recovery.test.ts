import { expect, test } from 'vitest';
import { caller, createListener, makeWorld } from '../../test/support/core-world.ts';
import { MemoryStore } from '../../test/support/memory-store.ts';
import {
  handClock,
  sampleConnection,
  sampleId,
  sampleNewListener,
} from '../../test/support/samples.ts';
import { waitFor } from '../../test/support/wait-for.ts';
import { AppError } from './errors.ts';
import type { HostedListener } from './listener-ports.ts';
import { defaultProject } from './project.ts';

type World = Awaited<ReturnType<typeof makeWorld>>;

async function create(world: World, given: Partial<HostedListener> = {}) {
  return await createListener(world.control, sampleNewListener(given));
}

/** The next process of the same node. */
async function restart(world: World, clock = world.clock): Promise<World> {
  return await makeWorld({ store: new MemoryStore({ database: world.store.database }), clock });
}

const inUse = () => new AppError('port_in_use', 'taken', { owner: 'foreign' });

test('a start binds again what should be listening, with ids, names and ports as they were', async () => {
  const first = await makeWorld();
  const listener = await create(first, { name: 'mine', labels: { a: '1' } });
  const closed = await create(first);
  await first.control.deleteListener(caller, closed.id, 0);
  const second = await restart(first);
  await second.recovery.recover();
  const port = listener.laddr?.port;
  expect(second.dataPlane.calls).toMatchObject([
    { kind: 'wish', listenerId: listener.id, generation: 1, binding: { port, tlsKey: null } },
  ]);
  expect(await second.control.getListener(caller, 'mine')).toMatchObject({
    id: listener.id,
    labels: { a: '1' },
    state: 'listening',
    laddr: listener.laddr,
    reason: null,
  });
  await second.control.deleteListener(caller, 'mine', 0);
});

test('a start reads its listeners page by page, and binds so many at once', async () => {
  const first = await makeWorld();
  const labels = { large: 'x'.repeat(5000) };
  const ids: string[] = [];
  for (let count = 0; count < 20; count += 1) ids.push((await create(first, { labels })).id);
  const store = new MemoryStore({ database: first.store.database });
  const pages: number[] = [];
  const read = store.node.readListeners;
  store.node.readListeners = async (page) => {
    const items = await read(page);
    pages.push(items.length);
    return items;
  };
  const second = await makeWorld({
    ...{ store, clock: first.clock, pageBytesMax: 8000, bindsAtOnceMax: 4 },
    // What there is already is above its bounds.
    ...{ specBytesMax: 10, nodeBytesMax: 10, listenersMax: 1 },
  });
  const gate = Promise.withResolvers<void>();
  second.dataPlane.gates.wish = gate.promise;
  const recovered = second.recovery.recover();
  await waitFor('the first binds', () => second.dataPlane.calls.length > 0);
  expect(second.dataPlane.calls).toHaveLength(4);
  gate.resolve();
  await recovered;
  expect([...second.dataPlane.served].sort()).toEqual(ids.sort());
  expect(pages).toEqual([...Array(10).fill(2), 0]);
});

test('a private key survives the restart', async () => {
  const first = await makeWorld();
  const tls = {
    cert: null,
    key: null,
    clientAuth: 'none',
    ca: null,
    minVersion: 'TLSv1.3',
  } as const;
  await create(first, { protocol: 'tls', tls });
  const second = await restart(first);
  await second.recovery.recover();
  expect(second.dataPlane.calls[0]).toMatchObject({ binding: { tlsKey: 'a key' } });
});

test('one whose key cannot be read is failed and not bound; it can be changed and deleted', async () => {
  const first = await makeWorld();
  const { id } = await create(first);
  const unreadable = { code: 'secret_key_missing', message: 'not there' };
  const row = first.store.database.listeners.get(id);
  if (row === undefined) throw new TypeError('it is on record');
  first.store.database.listeners.set(id, { ...row, secrets: { tlsKey: null, unreadable } });
  const second = await restart(first);
  await second.recovery.recover();
  const failed = { state: 'failed', reason: unreadable, sockets: [] };
  expect(await second.control.getListener(caller, id)).toMatchObject(failed);
  await second.control.updateListener(caller, id, { limits: { maxConnections: 5 } });
  expect(await second.control.getListener(caller, id)).toMatchObject(failed);
  expect(second.dataPlane.kindsOf(id)).toEqual([]);
  // What is on record already is not told again.
  const third = await restart(second);
  await third.recovery.recover();
  await third.control.deleteListener(caller, id, 0);
  const types = ['listener_failed', 'listener_updated', 'listener_closed'];
  expect(third.typesOf(id).slice(2)).toEqual(types);
});

test('connections that an earlier run left open are closed as interrupted before anything listens', async () => {
  const first = await makeWorld();
  const { id } = await create(first);
  const connections = [1, 2].map((n) => sampleConnection({ id: sampleId(n), listenerId: id }));
  await first.recorder.record(
    'worker-1',
    connections.map((connection) => ({ kind: 'opened', connection })),
  );
  const second = await restart(first);
  await second.recovery.recover();
  const types = second.history.slice(4).map(({ type }) => type);
  expect(types).toEqual(['connection_closed', 'connection_closed', 'listener_listening']);
  expect(await second.store.node.readOpenConnections(defaultProject, null, 10)).toEqual([]);
  expect(second.recorder.counts.of(id)).toEqual({ open: 0, total: 2 });
});

test('what cannot be bound is failed with its reason, and listens when that is possible', async () => {
  const first = await makeWorld();
  const { id } = await create(first);
  const second = await restart(first);
  second.dataPlane.openErrors.push(inUse(), inUse(), inUse());
  await second.recovery.recover();
  expect(second.typesOf(id).slice(2)).toEqual(['listener_failed']);
  expect(await second.control.getListener(caller, id)).toMatchObject({
    state: 'failed',
    sockets: [],
    reason: { code: 'port_in_use', message: 'taken' },
  });
  await waitFor('the bind', () => second.typesOf(id).length === 4);
  expect(second.typesOf(id).slice(2)).toEqual(['listener_failed', 'listener_listening']);
  expect(await second.control.getListener(caller, id)).toMatchObject({
    state: 'listening',
    reason: null,
  });
});

test('a listener that keeps failing can be changed and deleted, and is then left alone', async () => {
  const first = await makeWorld();
  const { id } = await create(first);
  const second = await restart(first);
  second.dataPlane.openErrors.push(...Array.from({ length: 10_000 }, inUse));
  await second.recovery.recover();
  await second.control.updateListener(caller, id, { limits: { maxConnections: 5 } });
  await second.control.deleteListener(caller, id, 0);
  const types = ['listener_failed', 'listener_updated', 'listener_closed'];
  expect(second.typesOf(id).slice(2)).toEqual(types);
  expect(second.dataPlane.kindsOf(id)).toEqual(['wish', 'wish', 'endWish']);
  expect(second.logger.lines.filter(({ level }) => level === 'error')).toEqual([]);
});

test('a listener that was draining is closed at the next start', async () => {
  const first = await makeWorld();
  const { id } = await create(first);
  first.dataPlane.gates.endWish = new Promise(() => undefined);
  void first.control.deleteListener(caller, id, 5000);
  await waitFor(
    'the drain',
    async () => (await first.store.listeners.find(id))?.state === 'draining',
  );
  const second = await restart(first);
  await second.recovery.recover();
  expect(second.typesOf(id).at(-1)).toBe('listener_closed');
  expect(second.dataPlane.bound.size).toBe(0);
});

test('a listener that expired between two runs is closed, and does not come back', async () => {
  const first = await makeWorld();
  const { id } = await create(first, { expiresAt: first.clock.now() + 3_600_000_000 });
  const clock = handClock(first.clock.now() + 2 * 3_600_000_000);
  const second = await restart(first, clock);
  const gate = Promise.withResolvers<void>();
  second.dataPlane.gates.wish = gate.promise;
  const recovered = second.recovery.recover();
  await waitFor('the bind', () => second.dataPlane.calls.length > 0);
  await waitFor('the expiry', () => second.set.size === 0, 20).catch(() => undefined);
  gate.resolve();
  await recovered;
  await waitFor('the end', () => second.set.size === 0);
  expect(second.typesOf(id).at(-1)).toBe('listener_closed');
  expect(second.dataPlane.bound.size).toBe(0);
});
