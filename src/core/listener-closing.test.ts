import { expect, test } from 'vitest';
import { caller, createListener, makeWorld } from '../../test/support/core-world.ts';
import { MemoryStore } from '../../test/support/memory-store.ts';
import { rejection, sampleId, sampleNewListener } from '../../test/support/samples.ts';
import { waitFor } from '../../test/support/wait-for.ts';
import { AppError } from './errors.ts';

type World = Awaited<ReturnType<typeof makeWorld>>;

async function create(world: World) {
  return await createListener(world.control, sampleNewListener({ name: 'mine', port: 7000 }));
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error = await rejection(promise);
  return error instanceof AppError ? error.code : String(error);
}

function isClose({ kind }: { readonly kind: string }): boolean {
  return kind === 'endWish';
}

function endsOf(world: World, id: string) {
  return world.typesOf(id).filter((type) => type === 'listener_closed');
}

test('a delete answers when the port is free and the end is committed', async () => {
  const world = await makeWorld();
  const { id } = await create(world);
  const gate = Promise.withResolvers<void>();
  world.dataPlane.gates.endWish = gate.promise;
  const deleted = world.control.deleteListener(caller, 'mine', 0);
  await waitFor('the close', () => world.dataPlane.kindsOf(id).includes('endWish'));
  expect(endsOf(world, id)).toHaveLength(0);
  gate.resolve();
  await deleted;
  expect(endsOf(world, id)).toHaveLength(1);
  expect(await world.control.getListener(caller, id)).toMatchObject({
    state: 'closed',
    sockets: [],
    closedAt: world.clock.now(),
    laddr: { ip: '127.0.0.1', port: 7000 },
  });
  await create(world);
});

test('a delete is idempotent, by id, also when two come at once', async () => {
  const world = await makeWorld();
  const { id } = await create(world);
  await Promise.all([1, 2, 3].map(() => world.control.deleteListener(caller, id, 0)));
  await world.control.deleteListener(caller, id, 0);
  expect(endsOf(world, id)).toHaveLength(1);
  expect(await codeOf(world.control.deleteListener(caller, 'mine', 0))).toBe('not_found');
  expect(await codeOf(world.control.deleteListener(caller, sampleId(5), 0))).toBe('not_found');
});

test('what another node has is its own to change, and nobody who has its place answers here', async () => {
  const world = await makeWorld();
  const store = new MemoryStore({ database: world.store.database, nodeId: 'node-b' });
  const other = await makeWorld({ store });
  const { id } = await create(world);
  expect(await codeOf(other.control.deleteListener(caller, id, 0))).toBe('unavailable');
  expect(await codeOf(other.control.updateListener(caller, 'mine', {}))).toBe('unavailable');
  await world.control.deleteListener(caller, id, 0);
  expect(await codeOf(other.control.updateListener(caller, id, {}))).toBe('failed_precondition');
  expect(await other.control.deleteListener(caller, id, 0)).toBe(true);
});

test('a draining listener says so until it is closed', async () => {
  const world = await makeWorld();
  const { id } = await create(world);
  const gate = Promise.withResolvers<void>();
  world.dataPlane.gates.endWish = gate.promise;
  const deleted = world.control.deleteListener(caller, id, 5000);
  await waitFor('the close', () => world.dataPlane.kindsOf(id).includes('endWish'));
  expect(await world.control.getListener(caller, id)).toMatchObject({ state: 'draining' });
  expect(world.dataPlane.calls.at(-1)).toMatchObject({ kind: 'endWish', drainMs: 5000 });
  expect(await codeOf(world.control.updateListener(caller, id, {}))).toBe('failed_precondition');
  gate.resolve();
  await deleted;
  expect(world.typesOf(id).slice(2)).toEqual(['listener_updated', 'listener_closed']);
});

test('a delete while it drains makes the drain end sooner', async () => {
  const world = await makeWorld();
  const { id } = await create(world);
  const gate = Promise.withResolvers<void>();
  world.dataPlane.gates.endWish = gate.promise;
  const deletes = [world.control.deleteListener(caller, id, 5000)];
  await waitFor('the drain', () => world.dataPlane.kindsOf(id).includes('endWish'));
  deletes.push(world.control.deleteListener(caller, id, 0));
  await waitFor('the second close', () => world.dataPlane.calls.filter(isClose).length === 2);
  expect(world.dataPlane.calls.at(-1)).toMatchObject({ kind: 'endWish', drainMs: 0 });
  gate.resolve();
  await Promise.all(deletes);
  expect(endsOf(world, id)).toHaveLength(1);
});

test('however often a drain is asked for, it is one, and nothing is kept of callers who leave', async () => {
  const world = await makeWorld();
  const { id } = await create(world);
  const gate = Promise.withResolvers<void>();
  world.dataPlane.gates.endWish = gate.promise;
  const gone = world.set.get(id)?.gone;
  const stays = world.control.deleteListener(caller, id, 5000);
  await waitFor('the drain', () => gone?.waiting === 1);
  for (let count = 0; count < 20; count += 1) {
    const leaving = new AbortController();
    const by = { ...caller, signal: leaving.signal };
    const deleted = world.control.deleteListener(by, id, 5000 + count);
    await waitFor('its place', () => gone?.waiting === 2);
    leaving.abort(new AppError('unavailable', 'the caller went away'));
    expect(await codeOf(deleted)).toBe('unavailable');
    expect(gone?.waiting).toBe(1);
  }
  expect(world.dataPlane.calls.filter(isClose)).toHaveLength(1);
  gate.resolve();
  await stays;
  expect(gone?.waiting).toBe(0);
  expect(endsOf(world, id)).toHaveLength(1);
});

test('a drain is bounded', async () => {
  const world = await makeWorld();
  const { id } = await create(world);
  await world.control.deleteListener(caller, id, Number.MAX_SAFE_INTEGER);
  expect(world.dataPlane.calls.at(-1)).toMatchObject({ drainMs: 60_000 });
});

test('a drain that cannot be committed has not begun', async () => {
  const world = await makeWorld({ limits: { commandTimeoutMs: 5 } });
  const { id } = await create(world);
  world.store.isAway = true;
  expect(await codeOf(world.control.deleteListener(caller, id, 5000))).toBe('unavailable');
  expect(world.set.get(id)?.listener.state).toBe('listening');
  expect(world.dataPlane.bound.has(id)).toBe(true);
  world.store.isAway = false;
  await waitFor('the store', () => world.eventLog.writers.failure === null);
  await world.control.deleteListener(caller, id, 0);
  expect(endsOf(world, id)).toHaveLength(1);
});

test('what is closed while the store is away is closed in the record when it is back', async () => {
  const world = await makeWorld({ limits: { commandTimeoutMs: 5 } });
  const { id } = await create(world);
  world.store.isAway = true;
  expect(await codeOf(world.control.deleteListener(caller, id, 0))).toBe('unavailable');
  expect(world.dataPlane.bound.has(id)).toBe(false);
  world.store.isAway = false;
  await waitFor('the end', () => endsOf(world, id).length > 0);
  await waitFor('the name and port', () => world.set.size === 0);
  expect((await world.control.getListener(caller, id)).state).toBe('closed');
  await create(world);
  expect(endsOf(world, id)).toHaveLength(1);
});

test('who deletes again while the end waits for the store makes no second end', async () => {
  const world = await makeWorld({ limits: { commandTimeoutMs: 5 } });
  const { id } = await create(world);
  const gate = Promise.withResolvers<void>();
  world.store.faults.push({ begin: gate.promise });
  const deletes = [1, 2, 3].map(() => codeOf(world.control.deleteListener(caller, id, 0)));
  expect(await Promise.all(deletes)).toEqual(['unavailable', 'unavailable', 'unavailable']);
  gate.resolve();
  await waitFor('the end', () => world.set.size === 0);
  await world.control.deleteListener(caller, id, 0);
  expect(endsOf(world, id)).toHaveLength(1);
});

test('what is being closed can no longer be changed', async () => {
  const world = await makeWorld({ limits: { commandTimeoutMs: 5 } });
  const { id } = await create(world);
  const gate = Promise.withResolvers<void>();
  world.store.faults.push({ begin: gate.promise });
  expect(await codeOf(world.control.deleteListener(caller, id, 0))).toBe('unavailable');
  expect(await codeOf(world.control.updateListener(caller, id, {}))).toBe('failed_precondition');
  // The end is told again, and so is what was before.
  const reason = { code: 'unavailable', message: 'the worker is gone' };
  world.observer.observe({ listenerId: id, generation: 1, state: 'failed', reason });
  world.observer.observe({ listenerId: id, generation: 2, state: 'gone' });
  gate.resolve();
  await waitFor('the end', () => world.set.size === 0);
  expect(world.typesOf(id).slice(2)).toEqual(['listener_closed']);
});

test('a change that lands late does not bring back what was closed meanwhile', async () => {
  const world = await makeWorld({ limits: { commandTimeoutMs: 5 } });
  const { id } = await create(world);
  const gate = Promise.withResolvers<void>();
  world.store.faults.push({ begin: gate.promise });
  expect(await codeOf(world.control.updateListener(caller, id, { labels: { a: '1' } }))).toBe(
    'unavailable',
  );
  expect(await codeOf(world.control.deleteListener(caller, id, 0))).toBe('unavailable');
  gate.resolve();
  await waitFor('the end', () => world.set.size === 0);
  await world.eventLog.drain(new AbortController().signal);
  expect(world.typesOf(id).slice(2)).toEqual(['listener_updated', 'listener_closed']);
  expect((await world.control.getListener(caller, id)).state).toBe('closed');
});

test('of a node that is lost the log warns, and tells of one that was removed', async () => {
  const world = await makeWorld();
  const store = new MemoryStore({ database: world.store.database, nodeId: 'node-b' });
  const { id } = await create(await makeWorld({ store }));
  store.leave();
  await world.control.goneNodes.lose('node-b', { isRemoved: false });
  expect(await world.control.getListener(caller, id)).toMatchObject({ state: 'failed' });
  await world.control.goneNodes.lose('node-b', { isRemoved: true });
  expect(await world.control.getListener(caller, id)).toMatchObject({ state: 'closed' });
  // What is committed in place of another is counted by who does it.
  const types = world.commits.flatMap(({ events }) => events.map(({ type }) => type));
  expect(types).toEqual(['listener_failed', 'listener_closed']);
  const told = world.logger.lines.filter(({ fields }) => 'closed' in fields);
  expect(told).toMatchObject([
    { level: 'warn', message: 'a node is lost', fields: { failed: ['mine'], closed: [] } },
    { level: 'info', message: 'a node was removed', fields: { failed: [], closed: ['mine'] } },
  ]);
});
