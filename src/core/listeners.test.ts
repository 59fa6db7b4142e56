import { expect, test } from 'vitest';
import { caller, createListener, makeWorld } from '../../test/support/core-world.ts';
import { MemoryStore } from '../../test/support/memory-store.ts';
import {
  rejection,
  sampleFault,
  sampleLimits,
  sampleListener,
  sampleNewListener,
} from '../../test/support/samples.ts';
import { waitFor } from '../../test/support/wait-for.ts';
import { AppError } from './errors.ts';
import type { ListenerPatch } from './listener.ts';
import type { HostedListener } from './listener-ports.ts';
import { defaultProject } from './project.ts';

type World = Awaited<ReturnType<typeof makeWorld>>;

const dayMs = 86_400_000;
const allOwn = { pageSize: 1000, after: null, bytesMax: 1e9 };

async function create(world: World, given: Partial<HostedListener> = {}) {
  return await createListener(world.control, sampleNewListener(given));
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error = await rejection(promise);
  return error instanceof AppError ? error.code : String(error);
}

test('a create binds, commits and serves, in this order, and answers with what was bound', async () => {
  const world = await makeWorld();
  const listener = await create(world, { name: 'mine', labels: { env: 'ci' } });
  expect(listener).toMatchObject({ name: 'mine', state: 'listening', nodeId: 'node-a', port: 0 });
  expect(listener.laddr).toEqual({ ip: '127.0.0.1', port: 40_000 });
  expect(world.dataPlane.kindsOf(listener.id)).toEqual(['open', 'wish']);
  expect(world.history).toMatchObject([
    { type: 'listener_created', listener: { state: 'pending', laddr: null, sockets: [] } },
    { type: 'listener_listening', listener: { state: 'listening', laddr: listener.laddr } },
  ]);
  const onRecord = { ...listener, revision: 1 };
  expect(await world.control.getListener(caller, 'mine')).toEqual(onRecord);
  expect(await world.control.getListener(caller, listener.id)).toEqual(onRecord);
});

test('nothing is served before it is committed', async () => {
  const world = await makeWorld();
  const gate = Promise.withResolvers<void>();
  world.store.faults.push({ begin: gate.promise });
  const created = create(world);
  await waitFor('the append', () => world.store.appends.length === 1);
  expect(world.dataPlane.served.size).toBe(0);
  gate.resolve();
  const { id } = await created;
  expect(world.dataPlane.served).toEqual(new Set([id]));
});

test('a create waits for no worker to hear of the commit, nor fails where none can', async () => {
  const world = await makeWorld();
  world.dataPlane.gates.wish = new Promise(() => undefined);
  const held = await create(world);
  expect(held.state).toBe('listening');
  expect(world.dataPlane.kindsOf(held.id)).toEqual(['open', 'wish']);
  const err = new AppError('internal', 'not today');
  world.dataPlane.gates.wish = Promise.reject(err);
  expect((await create(world)).state).toBe('listening');
  const line = { level: 'error', fields: { err }, message: 'a new listener is not served yet' };
  await waitFor('a word in the log', () => world.logger.lines.length > 0);
  expect(world.logger.lines).toEqual([line]);
});

test('a private key is kept apart from what is shown', async () => {
  const world = await makeWorld();
  const tls = {
    cert: null,
    key: null,
    clientAuth: 'none',
    ca: null,
    minVersion: 'TLSv1.2',
  } as const;
  const { id } = await create(world, { protocol: 'tls', tls });
  expect(JSON.stringify(world.history)).not.toContain('a key');
  expect(JSON.stringify(await world.control.getListener(caller, id))).not.toContain('a key');
  expect((await world.store.node.readListeners(allOwn))[0]?.secrets).toEqual({ tlsKey: 'a key' });
  expect(world.dataPlane.calls[0]).toMatchObject({ binding: { tlsKey: 'a key' } });
});

test('a create that cannot bind leaves nothing behind', async () => {
  const world = await makeWorld();
  world.dataPlane.openErrors.push(new AppError('permission_denied', 'no'));
  expect(await codeOf(create(world, { name: 'mine', port: 7000 }))).toBe('permission_denied');
  expect([world.set.size, world.history.length, world.dataPlane.bound.size]).toEqual([0, 0, 0]);
  await create(world, { name: 'mine', port: 7000 });
});

test('a batch is all or nothing', async () => {
  const world = await makeWorld();
  const batch = [7001, 7002, 7003].map((port) => sampleNewListener({ port }));
  world.dataPlane.openErrors.push(null, new AppError('port_in_use', 'taken'));
  expect(await codeOf(world.control.createListeners(caller, batch))).toBe('port_in_use');
  expect([world.set.size, world.history.length, world.dataPlane.bound.size]).toEqual([0, 0, 0]);
  const listeners = await world.control.createListeners(caller, batch);
  expect(listeners.map(({ laddr }) => laddr?.port)).toEqual([7001, 7002, 7003]);
  expect(world.store.appends).toHaveLength(1);
});

test('a batch that holds a name or a port twice is refused', async () => {
  const world = await makeWorld();
  const names = [{ name: 'a' }, { name: 'a' }].map(sampleNewListener);
  expect(await codeOf(world.control.createListeners(caller, names))).toBe('already_exists');
  const ports = [{ port: 7000 }, { port: 7000 }].map(sampleNewListener);
  const taken = await rejection(world.control.createListeners(caller, ports));
  expect(taken).toMatchObject({
    code: 'port_in_use',
    message: expect.stringMatching(/ is in use by listener .*, which is being made$/),
  });
  expect(world.set.size).toBe(0);
});

test('a port in use tells who has it', async () => {
  const world = await makeWorld();
  const { id } = await create(world, { port: 7000 });
  const { id: named } = await create(world, { port: 7002, name: 'web' });
  for (const [port, owner, told] of [
    [7000, id, id],
    [7002, named, `web (${named})`],
  ] as const) {
    expect(await rejection(create(world, { port }))).toMatchObject({
      code: 'port_in_use',
      message: `127.0.0.1 port ${port} is in use by listener ${told}`,
      details: { owner },
    });
  }
  world.dataPlane.openErrors.push(new AppError('port_in_use', 'taken', { owner: 'foreign' }));
  expect(await rejection(create(world, { port: 7001 }))).toMatchObject({
    code: 'port_in_use',
    details: { owner: 'foreign' },
  });
  expect(await codeOf(create(world, { port: 8080 }))).toBe('port_reserved');
  expect(await codeOf(create(world, { port: 80 }))).toBe('port_privileged');
});

test('a name is taken on every node, and free again when its listener is closed', async () => {
  const world = await makeWorld();
  const store = new MemoryStore({ database: world.store.database, nodeId: 'node-b' });
  const other = await makeWorld({ store });
  const { id } = await create(world, { name: 'mine' });
  const { id: second } = await create(other, { name: 'second' });
  for (const refused of [
    create(world, { name: 'mine' }),
    create(other, { name: 'mine' }),
    other.control.updateListener(caller, second, { name: 'mine' }),
  ]) {
    expect(await rejection(refused)).toMatchObject({
      code: 'already_exists',
      message: `the name mine is taken by listener ${id}`,
      details: { owner: id, errors: [{ path: 'name' }] },
    });
  }
  await world.control.deleteListener(caller, id, 0);
  await create(other, { name: 'mine' });
});

test('two creates of one name at once on two nodes make one listener', async () => {
  const world = await makeWorld();
  const store = new MemoryStore({ database: world.store.database, nodeId: 'node-b' });
  const other = await makeWorld({ store });
  const outcomes = await Promise.allSettled([world, other].map((w) => create(w, { name: 'mine' })));
  const sorted = outcomes.toSorted((a, b) => (a.status < b.status ? -1 : 1));
  const owner = sorted[0]?.status === 'fulfilled' ? sorted[0].value.id : '';
  expect(sorted).toMatchObject([
    { status: 'fulfilled' },
    { status: 'rejected', reason: { code: 'already_exists', details: { owner } } },
  ]);
  expect(world.set.size + other.set.size).toBe(1);
  expect(world.dataPlane.bound.size + other.dataPlane.bound.size).toBe(1);
});

test('a node holds only so many listeners', async () => {
  const world = await makeWorld({ listenersMax: 2 });
  const batch = [1, 2, 3].map(() => sampleNewListener());
  expect(await codeOf(world.control.createListeners(caller, batch))).toBe('resource_exhausted');
  const outcomes = await Promise.allSettled([1, 2, 3].map(() => create(world)));
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(2);
  expect(world.set.size).toBe(2);
});

test('an expiry that has passed by the time it is taken closes the listener at once', async () => {
  const world = await makeWorld();
  const { id } = await create(world, { expiresAt: world.clock.now() - 1 });
  await waitFor('the end', () => world.set.size === 0);
  expect((await world.control.getListener(caller, id)).state).toBe('closed');
});

test('while the store is away a create is refused and leaves nothing behind', async () => {
  const world = await makeWorld({ limits: { commandTimeoutMs: 5 } });
  world.store.isAway = true;
  expect(await codeOf(create(world))).toBe('unavailable');
  expect([world.set.size, world.dataPlane.bound.size]).toEqual([0, 0]);
});

test('a create that lands late is closed again', async () => {
  const world = await makeWorld({ limits: { commandTimeoutMs: 5 } });
  const gate = Promise.withResolvers<void>();
  world.store.faults.push({ begin: gate.promise });
  expect(await codeOf(create(world, { name: 'mine' }))).toBe('unavailable');
  expect([world.set.size, world.dataPlane.bound.size]).toEqual([0, 0]);
  gate.resolve();
  await waitFor('the end', () => world.history.length === 3);
  expect(world.history.at(-1)).toMatchObject({ type: 'listener_closed' });
  expect(await world.store.listeners.find('mine')).toBeNull();
  expect(await world.store.node.readListeners(allOwn)).toEqual([]);
});

test('a delete by name of what is just being created waits for the create', async () => {
  const world = await makeWorld();
  const gate = Promise.withResolvers<void>();
  world.dataPlane.gates.open = gate.promise;
  const created = create(world, { name: 'mine' });
  await waitFor('the bind', () => world.dataPlane.calls.length === 1);
  const deleted = world.control.deleteListener(caller, 'mine', 0);
  gate.resolve();
  const [{ id }] = await Promise.all([created, deleted]);
  expect(world.typesOf(id)).toEqual(['listener_created', 'listener_listening', 'listener_closed']);
  expect([world.set.size, world.dataPlane.bound.size]).toEqual([0, 0]);
  expect((await world.control.getListener(caller, id)).state).toBe('closed');
});

test('a delete of what could not be created is no error', async () => {
  const world = await makeWorld();
  const gate = Promise.withResolvers<void>();
  world.dataPlane.gates.open = gate.promise;
  world.dataPlane.openErrors.push(new AppError('permission_denied', 'no'));
  const created = codeOf(create(world, { name: 'mine' }));
  await waitFor('the bind', () => world.dataPlane.calls.length === 1);
  const deleted = world.control.deleteListener(caller, 'mine', 0);
  gate.resolve();
  expect(await created).toBe('permission_denied');
  await deleted;
});

test('an update changes what it names and touches nothing else', async () => {
  const world = await makeWorld();
  const before = await create(world, { name: 'mine', labels: { a: '1' } });
  const limits = { maxConnections: 5, idleTimeoutMs: undefined };
  const after = await world.control.updateListener(caller, 'mine', {
    limits,
    faults: [sampleFault],
  });
  expect(after).toEqual({
    ...before,
    ...{ generation: 2, observedGeneration: 2 },
    limits: { ...sampleLimits, maxConnections: 5 },
    faults: [sampleFault],
  });
  const onRecord = { ...after, revision: 2 };
  expect(await world.control.getListener(caller, 'mine')).toEqual(onRecord);
  expect(world.dataPlane.calls.at(-1)).toMatchObject({
    kind: 'wish',
    generation: 2,
    binding: { limits: after.limits, faults: [sampleFault] },
  });
});

test('an update that changes nothing does nothing', async () => {
  const world = await makeWorld();
  const labels = { a: '1', b: '2' };
  const before = await create(world, { name: 'mine', labels, faults: [sampleFault] });
  const { type: _, ...rest } = sampleFault;
  const patches = [
    {},
    { name: 'mine', expiresAt: null },
    { labels: { b: '2', a: '1' }, faults: [{ ...rest, type: 'latency' as const, delayMs: 10 }] },
    { limits: { maxConnections: sampleLimits.maxConnections, allowCidrs: [] } },
  ];
  for (const patch of patches as ListenerPatch[]) {
    expect(await world.control.updateListener(caller, 'mine', patch)).toEqual(before);
  }
  expect(world.typesOf(before.id)).toEqual(['listener_created', 'listener_listening']);
  expect(world.dataPlane.kindsOf(before.id)).toEqual(['open', 'wish']);
});

test('only another spec is another generation, and goes to the workers', async () => {
  const world = await makeWorld();
  const { id } = await create(world);
  const renamed = await world.control.updateListener(caller, id, { name: 'mine' });
  expect(renamed).toMatchObject({ name: 'mine', generation: 1 });
  expect(world.dataPlane.kindsOf(id)).toEqual(['open', 'wish']);
  const labelled = await world.control.updateListener(caller, id, { labels: { a: '1' } });
  expect(labelled).toMatchObject({ name: 'mine', generation: 2 });
});

const large = (bytes: number) => ({ text: 'x'.repeat(bytes) });

test('an update may make a spec as large as a create may, and names what is too large', async () => {
  const world = await makeWorld({ specBytesMax: 2000 });
  const { id } = await create(world, { labels: large(100) });
  await world.control.updateListener(caller, id, { labels: large(1000) });
  const error = await rejection(world.control.updateListener(caller, id, { labels: large(2000) }));
  expect(error).toMatchObject({
    code: 'invalid_argument',
    details: { errors: [{ path: 'labels', message: expect.stringContaining('at most 2000') }] },
  });
  expect((await world.control.getListener(caller, id)).labels).toEqual(large(1000));
  // All of it counts, not what the patch brings.
  const faults = Array.from({ length: 8 }, () => sampleFault);
  expect(await codeOf(world.control.updateListener(caller, id, { faults }))).toBe(
    'invalid_argument',
  );
});

test('a listener from before the bound can change, and only not grow', async () => {
  const world = await makeWorld();
  const { id } = await create(world, { labels: large(5000) });
  const bounded = await makeWorld({
    store: new MemoryStore({ database: world.store.database }),
    specBytesMax: 2000,
    nodeBytesMax: 2000,
  });
  await bounded.recovery.recover();
  await bounded.control.updateListener(caller, id, { name: 'mine', labels: large(4000) });
  expect(await codeOf(bounded.control.updateListener(caller, id, { labels: large(4001) }))).toBe(
    'invalid_argument',
  );
  await bounded.control.deleteListener(caller, id, 0);
});

test('all specs of a node are bounded in sum, and what ends gives its room back', async () => {
  const world = await makeWorld({ nodeBytesMax: 10_000 });
  const tooMany = {
    code: 'resource_exhausted',
    details: { limit: 'specBytesMax', limitValue: 10_000 },
  };
  const first = await create(world, { labels: large(4000) });
  const second = await create(world, { labels: large(4000) });
  const other = sampleNewListener({ labels: large(4000) });
  expect(await rejection(createListener(world.control, other))).toMatchObject(tooMany);
  const grow = () => world.control.updateListener(caller, second.id, { labels: large(6000) });
  expect(await rejection(grow())).toMatchObject(tooMany);
  // It takes no room when it cannot be committed.
  world.store.faults.push({ refusal: new AppError('internal', 'no') });
  const half = { labels: large(5000) };
  expect(await codeOf(world.control.updateListener(caller, second.id, half))).toBe('internal');
  await world.control.updateListener(caller, first.id, half);
  await world.control.deleteListener(caller, first.id, 0);
  await grow();
  expect(world.set.size).toBe(1);
  expect(await codeOf(create(world, { labels: large(4000) }))).toBe('resource_exhausted');
});

test('a rename moves the name', async () => {
  const world = await makeWorld();
  const { id } = await create(world, { name: 'old' });
  await create(world, { name: 'taken' });
  expect(await codeOf(world.control.updateListener(caller, id, { name: 'taken' }))).toBe(
    'already_exists',
  );
  await world.control.updateListener(caller, 'old', { name: 'new' });
  expect(await codeOf(world.control.getListener(caller, 'old'))).toBe('not_found');
  await world.control.updateListener(caller, 'new', { name: null });
  expect(await codeOf(world.control.updateListener(caller, 'new', {}))).toBe('not_found');
  await create(world, { name: 'old' });
});

test('an update that cannot be committed is none, and nobody was told of it', async () => {
  const world = await makeWorld();
  const { id } = await create(world);
  world.store.faults.push({ refusal: new AppError('already_exists', 'the name is taken') });
  const patch = { name: 'new', limits: { maxConnections: 5 } };
  expect(await codeOf(world.control.updateListener(caller, id, patch))).toBe('already_exists');
  expect(world.set.get(id)?.listener).toMatchObject({ name: null, limits: sampleLimits });
  expect(world.dataPlane.kindsOf(id)).toEqual(['open', 'wish']);
});

test('an update holds for workers once it is committed', async () => {
  const world = await makeWorld();
  const { id } = await create(world);
  const gate = Promise.withResolvers<void>();
  world.store.faults.push({ begin: gate.promise });
  const updated = world.control.updateListener(caller, id, { limits: { maxConnections: 5 } });
  await waitFor('the append', () => world.store.appends.length === 2);
  expect(world.dataPlane.kindsOf(id)).toEqual(['open', 'wish']);
  gate.resolve();
  await updated;
  expect(world.dataPlane.kindsOf(id)).toEqual(['open', 'wish', 'wish']);
});

test('an update that lands late is undone', async () => {
  const world = await makeWorld({ limits: { commandTimeoutMs: 5 } });
  const before = await create(world);
  const gate = Promise.withResolvers<void>();
  world.store.faults.push({ begin: gate.promise });
  const patch = { limits: { maxConnections: 5 } };
  expect(await codeOf(world.control.updateListener(caller, before.id, patch))).toBe('unavailable');
  gate.resolve();
  await waitFor('the correction', () => world.history.length === 4);
  // What landed has its generation for good: what holds has another.
  const onRecord = { ...before, generation: 3, observedGeneration: 3, revision: 3 };
  await waitFor('its wish', async () => {
    const { observedGeneration } = await world.control.getListener(caller, before.id);
    return observedGeneration === 3;
  });
  expect(await world.control.getListener(caller, before.id)).toEqual(onRecord);
  expect(world.dataPlane.kindsOf(before.id)).toEqual(['open', 'wish', 'wish']);
  expect(world.dataPlane.calls.at(-1)).toMatchObject({
    ...{ generation: 3, binding: { limits: before.limits } },
  });
  await world.control.updateListener(caller, before.id, patch);
  expect(world.dataPlane.calls.at(-1)).toMatchObject({ generation: 4 });
});

test('a listener ends by itself at its expiry', async () => {
  const world = await makeWorld();
  const expiresAt = world.clock.now() + 5000;
  const { id } = await create(world, { expiresAt });
  world.clock.move(5);
  await waitFor('the expiry', () => world.set.size === 0);
  expect(world.typesOf(id).at(-1)).toBe('listener_closed');
});

test('a clock that is set back puts an expiry off with it', async () => {
  const world = await makeWorld();
  const { id } = await create(world, { expiresAt: world.clock.now() + 10_000 });
  world.clock.move(-60_000);
  const other = await create(world, { expiresAt: world.clock.now() + 20_000 });
  await waitFor('a look at the other', () => world.set.get(other.id)?.expiry !== null);
  world.clock.move(20);
  await waitFor('the end of the other', () => world.set.get(other.id) === null);
  expect(world.set.get(id)?.listener.state).toBe('listening');
  await world.control.deleteListener(caller, id, 0);
});

test('an expiry further away than a timer reaches does not come early', async () => {
  const world = await makeWorld();
  const expiresAt = world.clock.now() + 300 * dayMs * 1000;
  const { id } = await create(world, { expiresAt });
  await create(world, { expiresAt: world.clock.now() + 5000 });
  world.clock.move(5);
  await waitFor('the nearer expiry', () => world.set.size === 1);
  expect(world.set.get(id)?.listener.state).toBe('listening');
  await world.control.deleteListener(caller, id, 0);
});

test('a change that failed leaves no generation behind that nobody serves', async () => {
  const world = await makeWorld({ limits: { commandTimeoutMs: 20 } });
  const { id } = await create(world);
  world.store.isAway = true;
  const labels = { a: '1' };
  expect(await codeOf(world.control.updateListener(caller, id, { labels }))).toBe('unavailable');
  world.store.isAway = false;
  await waitFor('the store', async () => {
    const renaming = world.control.updateListener(caller, id, { name: 'on' });
    return await renaming.catch(() => null);
  });
  const renamed = await world.control.getListener(caller, id);
  expect(renamed).toMatchObject({ name: 'on', generation: 1, observedGeneration: 1 });
  const changed = await world.control.updateListener(caller, id, { labels });
  expect(changed.generation).toBeGreaterThan(2);
  expect(changed.observedGeneration).toBe(changed.generation);
});

test('a change behind one that lands late is not undone with it', async () => {
  const world = await makeWorld({ limits: { commandTimeoutMs: 5 } });
  const { id } = await create(world);
  const gate = Promise.withResolvers<void>();
  world.store.faults.push({ begin: gate.promise });
  const late = { labels: { late: '1' } };
  expect(await codeOf(world.control.updateListener(caller, id, late))).toBe('unavailable');
  const labels = { next: '1' };
  const next = world.control.updateListener(caller, id, { labels }).then(
    () => 'done',
    () => 'failed',
  );
  gate.resolve();
  const outcome = await next;
  await waitFor('the correction', () => world.typesOf(id).length >= (outcome === 'done' ? 5 : 6));
  const listener = await world.control.getListener(caller, id);
  expect(listener.labels).toEqual(outcome === 'done' ? labels : {});
  await waitFor('what it serves', async () => {
    const { generation, observedGeneration } = await world.control.getListener(caller, id);
    return generation === observedGeneration;
  });
});

test('an expiry that is put off as it is over does not come', async () => {
  const world = await makeWorld();
  const { id } = await create(world, { expiresAt: world.clock.now() + 20_000 });
  const entry = world.set.get(id);
  const commit = Promise.withResolvers<void>();
  world.store.faults.push({ begin: commit.promise });
  const later = world.clock.now() + 3_600_000_000;
  const putOff = world.control.updateListener(caller, id, { expiresAt: later });
  await waitFor('its turn', () => world.store.faults.length === 0);
  const { turn } = entry ?? {};
  world.clock.move(20);
  await waitFor('the expiry behind it', () => entry?.turn !== turn);
  commit.resolve();
  expect(await putOff).toMatchObject({ expiresAt: later, state: 'listening' });
  await entry?.turn;
  expect(entry?.listener.state).toBe('listening');
  expect(world.dataPlane.kindsOf(id)).not.toContain('endWish');
  await world.control.deleteListener(caller, id, 0);
});

test('an expiry can be put off and taken away', async () => {
  const world = await makeWorld();
  const { id } = await create(world, { expiresAt: world.clock.now() + 20_000 });
  await world.control.updateListener(caller, id, { expiresAt: null });
  await create(world, { expiresAt: world.clock.now() + 40_000 });
  world.clock.move(40);
  await waitFor('the other expiry', () => world.set.size === 1);
  expect(world.set.get(id)?.listener.expiresAt).toBeNull();
});

test('a port of any choice is drawn from the range, each once, until none is free', async () => {
  const world = await makeWorld({ drawnFrom: { from: 20_000, to: 20_004 } });
  const { control, dataPlane } = world;
  const inUse = new AppError('port_in_use', 'in use', { owner: 'foreign' });
  dataPlane.openErrors.push(inUse);
  const ask = sampleNewListener({ port: 0 });
  const made = await control.createListeners(caller, [ask, ask]);
  const ports = made.map(({ laddr, port }) => [port, laddr?.port]);
  // Somebody else had the first.
  expect(ports.toSorted()).toEqual([
    [0, 20_001],
    [0, 20_002],
  ]);
  await control.deleteListener(caller, made[0]?.id ?? '', 0);
  const { laddr } = await createListener(control, ask);
  expect(laddr?.port).toBe(20_003);
  await control.createListeners(caller, [ask, ask, ask]);
  await expect(createListener(control, ask)).rejects.toMatchObject({
    code: 'resource_exhausted',
    details: { limit: 'listenPorts' },
  });
  expect(dataPlane.bound.size).toBe(5);
});

test('a create beyond the quota of its project binds nothing', async () => {
  const world = await makeWorld();
  world.store.database.limit(defaultProject, { listeners: 2 });
  await world.projects.start(() => undefined);
  await create(world);
  const refused = world.control.createListeners(caller, [sampleNewListener(), sampleNewListener()]);
  await expect(refused).rejects.toMatchObject({
    code: 'resource_exhausted',
    details: { limit: 'listeners', limitValue: 2 },
  });
  expect(world.dataPlane.calls.filter(({ kind }) => kind === 'open')).toHaveLength(1);
  await create(world);
  await world.projects[Symbol.asyncDispose]();
});

test('a port that rests is drawn by its own project only', async () => {
  const world = await makeWorld({ drawnFrom: { from: 20_000, to: 20_001 } });
  world.store.database.addProject('other');
  const other = { ...caller, project: 'other' };
  const ask = [sampleNewListener({ port: 0 })];
  const [first] = await world.control.createListeners(other, ask);
  await world.control.deleteListener(other, first?.id ?? '', 0);
  expect((await create(world, { port: 0 })).laddr?.port).toBe(20_001);
  expect(await codeOf(create(world, { port: 0 }))).toBe('resource_exhausted');
  expect(await codeOf(create(world, { port: 20_000 }))).toBe('port_in_use');
  const [again] = await world.control.createListeners(other, ask);
  expect(again?.laddr?.port).toBe(20_000);
});

test('the kernel is asked for another port where the one that it gave rests', async () => {
  const world = await makeWorld();
  const project = world.store.database.addProject('other');
  const laddr = { ip: '127.0.0.1', port: 40_000 };
  world.restingPorts.add(sampleListener({ project, laddr }));
  const listener = await create(world, { port: 0 });
  expect(listener.laddr?.port).toBe(40_001);
  expect(world.dataPlane.kindsOf(listener.id)).toEqual(['open', 'release', 'open', 'wish']);
});
