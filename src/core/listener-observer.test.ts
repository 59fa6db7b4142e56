import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { caller, createListener, makeWorld } from '../../test/support/core-world.ts';
import { rejection, sampleId, sampleNewListener } from '../../test/support/samples.ts';
import { waitFor } from '../../test/support/wait-for.ts';
import { AppError } from './errors.ts';

type World = Awaited<ReturnType<typeof makeWorld>>;

async function create(world: World) {
  return await createListener(world.control, sampleNewListener());
}

const newSockets = [{ pid: 200, fd: 9 }];
const laddr = { ip: '127.0.0.1', port: 7000 };
const reason = { code: 'port_in_use', message: 'taken' };

test('a listener whose worker is lost listens on the sockets of the successor', async () => {
  const world = await makeWorld();
  const before = await create(world);
  world.dataPlane.loseWorker();
  await waitFor('the event', () => world.history.length === 3);
  const after = await world.control.getListener(caller, before.id);
  const { sockets } = world.dataPlane.bound.get(before.id) ?? {};
  expect(after).toEqual({ ...before, sockets, revision: 2 });
  expect(after.sockets).not.toEqual(before.sockets);
  expect(world.typesOf(before.id).slice(2)).toEqual(['listener_listening']);
});

test('one that the successor can not bind is failed, and listens when it can', async () => {
  const world = await makeWorld();
  const { id } = await create(world);
  world.dataPlane.openErrors.push(new AppError('port_in_use', 'taken'));
  world.dataPlane.loseWorker();
  await waitFor('the events', () => world.history.length === 4);
  expect(world.typesOf(id).slice(2)).toEqual(['listener_failed', 'listener_listening']);
  expect(world.history[2]).toMatchObject({ listener: { state: 'failed', sockets: [], reason } });
  // Whoever is told of it asks for nothing.
  expect(world.dataPlane.kindsOf(id)).toEqual(['open', 'wish']);
});

test('what is on record already is not told again', async () => {
  const world = await makeWorld();
  const { id, laddr: own, sockets } = await create(world);
  if (own === null) throw new TypeError('it is bound');
  const told = { listenerId: id, generation: 1 };
  world.observer.observe({ ...told, state: 'bound', laddr: own, sockets });
  world.observer.observe({ ...told, state: 'failed', reason });
  world.observer.observe({ ...told, state: 'failed', reason: { ...reason, message: 'still' } });
  await world.observer.settled();
  expect(world.typesOf(id).slice(2)).toEqual(['listener_failed']);
});

test('which generation its node serves is known, also where nothing else changes', async () => {
  const world = await makeWorld();
  const { id, generation, observedGeneration } = await create(world);
  expect([generation, observedGeneration]).toEqual([1, 1]);
  const shown = async () => {
    const listener = await world.control.getListener(caller, id);
    return [listener.generation, listener.observedGeneration];
  };
  const update = (maxConnections: number) =>
    world.control.updateListener(caller, id, { limits: { maxConnections } });
  expect(await update(5)).toMatchObject({ generation: 2, observedGeneration: 2 });
  expect(await shown()).toEqual([2, 2]);
  expect(world.typesOf(id).slice(2)).toEqual(['listener_updated']);
  // A node that is slow tells later.
  world.dataPlane.isUp = false;
  expect(await update(6)).toMatchObject({ generation: 3, observedGeneration: 2 });
  expect(await shown()).toEqual([3, 2]);
  const failed = { listenerId: id, state: 'failed', reason } as const;
  world.observer.observe({ ...failed, generation: 2 });
  await world.observer.settled();
  expect(await shown()).toEqual([3, 2]);
  world.observer.observe({ ...failed, generation: 3 });
  await world.observer.settled();
  expect(await shown()).toEqual([3, 3]);
  expect(world.history.at(-1)).toMatchObject({ listener: { observedGeneration: 3 } });
});

test('which generation its node serves is written once the store is there again', async () => {
  const world = await makeWorld();
  const { id } = await create(world);
  world.store.lostObserved = 1;
  const change = { limits: { maxConnections: 5 } };
  expect(await world.control.updateListener(caller, id, change)).toMatchObject({ generation: 2 });
  expect(world.store.lostObserved).toBe(0);
  await waitFor('it on record', async () => {
    return (await world.control.getListener(caller, id)).observedGeneration === 2;
  });
});

test('what was observed of an earlier generation, or of no listener here, says nothing', async () => {
  const world = await makeWorld();
  const { id } = await create(world);
  await world.control.updateListener(caller, id, { limits: { maxConnections: 5 } });
  const bound = { state: 'bound', laddr, sockets: newSockets } as const;
  world.observer.observe({ listenerId: id, generation: 1, ...bound });
  world.observer.observe({ listenerId: id, generation: 1, state: 'failed', reason });
  world.observer.observe({ listenerId: id, generation: 1, state: 'gone' });
  world.observer.observe({ listenerId: sampleId(5), generation: 1, ...bound });
  await world.observer.settled();
  expect(world.typesOf(id).slice(2)).toEqual(['listener_updated']);
  expect(world.fatal).toEqual([]);
});

test('a worker that is lost during a create is told after the create', async () => {
  const world = await makeWorld();
  const gate = Promise.withResolvers<void>();
  world.dataPlane.openGates.push(Promise.resolve(), gate.promise);
  const batch = [1, 2].map(() => sampleNewListener());
  const created = world.control.createListeners(caller, batch);
  await waitFor('the first bind', () => world.dataPlane.bound.size === 1);
  const [[id, before] = []] = world.dataPlane.bound;
  if (id === undefined) throw new TypeError('one is bound');
  world.store.faults.push({ begin: gate.promise });
  gate.resolve();
  await waitFor('the append', () => world.store.appends.length === 1);
  world.dataPlane.loseWorker();
  await created;
  await waitFor('the event', () => world.typesOf(id).length === 3);
  const types = ['listener_created', 'listener_listening', 'listener_listening'];
  expect(world.typesOf(id)).toEqual(types);
  const { sockets } = await world.control.getListener(caller, id);
  expect(sockets).toEqual(world.dataPlane.bound.get(id)?.sockets);
  expect(sockets).not.toEqual(before?.sockets);
});

test('a worker that is lost while a listener is closed changes nothing any more', async () => {
  const world = await makeWorld();
  const { id } = await create(world);
  const gate = Promise.withResolvers<void>();
  world.dataPlane.gates.endWish = gate.promise;
  const deleted = world.control.deleteListener(caller, id, 5000);
  await waitFor('the drain', () => world.dataPlane.kindsOf(id).includes('endWish'));
  world.observer.observe({ listenerId: id, generation: 1, state: 'failed', reason });
  gate.resolve();
  await deleted;
  expect(world.typesOf(id).slice(2)).toEqual(['listener_updated', 'listener_closed']);
});

test('an observation that waits for the store holds up no delete', async () => {
  const world = await makeWorld({ limits: { commandTimeoutMs: 5 } });
  const { id } = await create(world);
  world.store.isAway = true;
  world.observer.observe({ listenerId: id, generation: 1, state: 'failed', reason });
  const refused = await rejection(world.control.deleteListener(caller, id, 0));
  expect(refused).toMatchObject({ code: 'unavailable' });
  expect(world.dataPlane.bound.has(id)).toBe(false);
  world.store.isAway = false;
  await world.observer.settled();
  expect(world.typesOf(id).slice(2)).toEqual(['listener_failed', 'listener_closed']);
});

const action = fc.oneof(
  { weight: 3, arbitrary: fc.constant('update' as const) },
  { weight: 3, arbitrary: fc.constant('lose' as const) },
  { weight: 3, arbitrary: fc.constant('refuse' as const) },
  { weight: 3, arbitrary: fc.constant('stale' as const) },
  { weight: 2, arbitrary: fc.constant('away' as const) },
  { weight: 6, arbitrary: fc.constant('pause' as const) },
  { weight: 1, arbitrary: fc.constant('delete' as const) },
);
type Action = typeof action extends fc.Arbitrary<infer Value> ? Value : never;

async function act(world: World, id: string, one: Action): Promise<unknown> {
  const { control, dataPlane, observer, store, set } = world;
  const told = { listenerId: id, generation: (set.get(id)?.wished ?? 1) - 1 };
  switch (one) {
    case 'update':
      return await control.updateListener(caller, id, { labels: { n: String(Math.random()) } });
    case 'delete':
      return await control.deleteListener(caller, id, 5);
    case 'lose':
      return dataPlane.loseWorker();
    case 'refuse':
      return dataPlane.openErrors.push(new AppError('port_in_use', 'taken'));
    case 'stale':
      observer.observe({ ...told, state: 'failed', reason });
      return observer.observe({ ...told, state: 'gone' });
    case 'away':
      store.isAway = !store.isAway;
      return;
    case 'pause':
      return;
  }
}

test('whatever comes in whatever order, what is on record is in the end what is observed', async () => {
  const actions = fc.array(action, { maxLength: 15 });
  await fc.assert(
    fc.asyncProperty(actions, async (all) => {
      const world = await makeWorld({ limits: { retryMinMs: 0, retryMaxMs: 1 } });
      const { id } = await create(world);
      const acts: Promise<unknown>[] = [];
      for (const one of all) {
        acts.push(act(world, id, one).catch((error: unknown) => error));
        if (one === 'pause') await new Promise((next) => setImmediate(next));
      }
      world.store.isAway = false;
      const outcomes = await Promise.all(acts);
      expect(outcomes.filter((outcome) => outcome instanceof TypeError)).toEqual([]);
      await expectFixedPoint(world, id);
      expect(world.fatal).toEqual([]);
    }),
    { numRuns: 150 },
  );
});

async function expectFixedPoint(world: World, id: string): Promise<void> {
  const { dataPlane, store, set, typesOf } = world;
  const listener = async () => await store.listeners.find(id);
  await waitFor('the fixed point', async () => {
    const bound = dataPlane.bound.get(id);
    if (set.get(id) === null) return bound === undefined;
    return isDeepStrictEqual((await listener())?.sockets, bound?.sockets);
  });
  const types = typesOf(id);
  const closed = types.filter((type) => type === 'listener_closed');
  expect(closed).toEqual(set.get(id) === null ? [types.at(-1)] : []);
  if (closed.length > 0) return;
  expect(await listener()).toMatchObject({ state: 'listening', reason: null });
  const wish = dataPlane.calls.findLast(({ kind }) => kind === 'wish');
  expect(wish).toMatchObject({ generation: set.get(id)?.wished });
}
