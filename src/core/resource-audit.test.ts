/** Which entry, and which actor, each change of a listener or connection leaves, in the append that commits it. */
import { expect, test } from 'vitest';
import { caller, createListener, makeWorld } from '../../test/support/core-world.ts';
import { MemoryDatabase } from '../../test/support/memory-database.ts';
import { MemoryStore } from '../../test/support/memory-store.ts';
import { sampleConnection, sampleNewListener } from '../../test/support/samples.ts';
import { opened, sampleConnection as storedConnection } from '../../test/support/store-samples.ts';
import { waitFor } from '../../test/support/wait-for.ts';
import type { Caller } from './caller.ts';
import { defaultProject } from './project.ts';
import { formatTime } from './time.ts';
import type { Append } from './writer.ts';

type World = Awaited<ReturnType<typeof makeWorld>>;

const by = (id: string, operation: string): Caller => ({
  ...caller,
  ...{ operation, actor: { kind: 'key', id, hint: `hint of ${id}` } },
});
const actorOf = (id: string) => ({ kind: 'key', id, hint: `hint of ${id}` });
const entriesOf = ({ store }: World) => store.database.audit.entries;
const told = (world: World) =>
  entriesOf(world).map(({ caller: of, operation, change }) => [
    of.actor.id,
    operation,
    change?.after?.state ?? null,
  ]);
/** With each append its events and entries. */
const sums = ({ appends }: MemoryStore) =>
  appends.map(({ entries }: Append) => [
    entries.flatMap(({ events }) => events.map(({ type }) => type)),
    entries.flatMap(({ audit }) => audit.map(({ operation }) => operation)),
  ]);

test('an entry is in the very append that commits its change', async () => {
  const world = await makeWorld();
  const { id } = await createListener(world.control, sampleNewListener({ name: 'one' }));
  await world.control.updateListener(by('a', 'updateListener'), id, { name: 'two' });
  await world.control.deleteListener(by('b', 'deleteListener'), id, 0);
  expect(sums(world.store)).toEqual([
    [['listener_created', 'listener_listening'], ['any']],
    [['listener_updated'], ['updateListener']],
    [['listener_closed'], ['deleteListener']],
  ]);
  const { change, resource } = entriesOf(world)[1] ?? {};
  expect(change).toEqual({ before: { name: 'one' }, after: { name: 'two' }, cut: [] });
  expect(resource).toEqual({ kind: 'listener', id, name: 'two' });
});

test('what was refused, or changes nothing, leaves no entry', async () => {
  const world = await makeWorld();
  const { id } = await createListener(world.control, sampleNewListener({ name: 'one' }));
  await world.control.updateListener(caller, id, { name: 'one' });
  world.store.isAway = true;
  await expect(world.control.updateListener(caller, id, { name: 'two' })).rejects.toThrow();
  world.store.isAway = false;
  const taken = createListener(world.control, sampleNewListener({ name: 'one' }));
  await expect(taken).rejects.toMatchObject({ code: 'already_exists' });
  expect(entriesOf(world)).toHaveLength(1);
});

test('of those who delete at once the first has the entry, and is the actor', async () => {
  const world = await makeWorld();
  const { id } = await createListener(world.control, sampleNewListener());
  await Promise.all(['a', 'b'].map((one) => world.control.deleteListener(by(one, 'one'), id, 0)));
  await world.control.deleteListener(by('c', 'late'), id, 0);
  expect(told(world).slice(1)).toEqual([['a', 'one', 'closed']]);
  expect(world.history.at(-1)).toMatchObject({ type: 'listener_closed', actor: actorOf('a') });
});

test('a drain is audited as it begins, and again who cuts it short', async () => {
  const world = await makeWorld();
  const { id } = await createListener(world.control, sampleNewListener());
  const gate = Promise.withResolvers<void>();
  world.dataPlane.gates.endWish = gate.promise;
  const drains = () =>
    world.dataPlane.calls.flatMap((call) => (call.kind === 'endWish' ? [call.drainMs] : []));
  const drained = world.control.deleteListener(by('a', 'drain'), id, 5000);
  await waitFor('the drain', () => told(world).length === 2);
  const again = world.control.deleteListener(by('b', 'drain'), id, 9000);
  const sooner = world.control.deleteListener(by('d', 'sooner'), id, 1000);
  await waitFor('what makes it sooner', () => drains().length === 2);
  const { expiresAt } = await world.control.getListener(caller, id);
  const later = world.control.deleteListener(by('b', 'drain'), id, 4000);
  const cut = world.control.deleteListener(by('c', 'cut'), id, 0);
  await waitFor('what cuts it', () => drains().length === 3);
  expect(drains()).toEqual([5000, 1000, 0]);
  gate.resolve();
  await Promise.all([drained, again, sooner, later, cut]);
  expect(told(world).slice(1)).toEqual([
    ['a', 'drain', 'draining'],
    ['d', 'sooner', null],
    ['c', 'cut', 'closed'],
  ]);
  const shown = expiresAt === null ? null : formatTime(expiresAt);
  expect(entriesOf(world)[2]?.change?.after).toEqual({ expiresAt: shown });
  expect(world.history.at(-1)).toMatchObject({ type: 'listener_closed', actor: actorOf('c') });
});

test('a late change that is taken back is nobody’s', async () => {
  const world = await makeWorld({ limits: { commandTimeoutMs: 20 } });
  const { id } = await createListener(world.control, sampleNewListener({ name: 'one' }));
  const gate = Promise.withResolvers<void>();
  world.store.faults.push({ begin: gate.promise });
  const late = world.control.updateListener(by('a', 'update'), id, { name: 'two' });
  await expect(late).rejects.toMatchObject({ code: 'unavailable' });
  gate.resolve();
  await waitFor('both', () => world.typesOf(id).length === 4);
  const [, , changed, corrected] = world.history;
  expect(changed).toMatchObject({ actor: actorOf('a'), listener: { name: 'two' } });
  expect(corrected).toMatchObject({ listener: { name: 'one' } });
  expect(corrected).not.toHaveProperty('actor');
  // It was on record for a moment, and so is its entry.
  expect(told(world)).toHaveLength(2);
});

test('a close of a connection has its entry with the end that was asked for', async () => {
  const world = await makeWorld();
  const { id: listenerId } = await createListener(world.control, sampleNewListener());
  const [asked, other] = [1, 2].map((number) =>
    sampleConnection({ id: `01987c5e-0000-7000-8000-00000000000${number}`, listenerId }),
  );
  if (asked === undefined || other === undefined) throw new TypeError('two of them');
  const { recorder } = world;
  const connections = [asked, other];
  await recorder.record(
    'worker',
    connections.map((connection) => ({ kind: 'opened', connection })),
  );
  for (const { id } of connections) {
    recorder.askClose(by('a', 'closeConnection'), id, 'fin');
    recorder.askClose(by('b', 'closeConnection'), id, 'fin');
    recorder.askClose(by('c', 'closeConnection'), id, 'rst');
  }
  const end = { closedAt: 5, closeInitiator: 'operator', error: null } as const;
  const closed = (connection: typeof asked, closeReason: 'operator_fin' | 'peer_fin') =>
    ({ kind: 'closed', connection: { ...connection, ...end, closeReason } }) as const;
  await recorder.record('worker', [closed(asked, 'operator_fin'), closed(other, 'peer_fin')]);
  expect(told(world).slice(1)).toEqual([['a', 'closeConnection', 'closed']]);
  const last = sums(world.store).filter(([types]) => types?.includes('connection_closed'));
  expect(last.flatMap(([, operations]) => operations)).toEqual(['closeConnection']);
  const [alone] = world.store.appends.flatMap(({ entries }) =>
    entries.filter(({ audit, events }) => audit.length > 0 && 'connection' in (events[0] ?? {})),
  );
  expect(alone?.events).toMatchObject([
    { type: 'connection_closed', connection: { id: asked.id } },
  ]);
});

test('what is done for a node that is gone has its entries too', async () => {
  const database = new MemoryDatabase();
  const gone = new MemoryStore({ database, nodeId: 'node-b' });
  const first = await makeWorld({ store: gone });
  const listener = await createListener(first.control, sampleNewListener());
  const connection = storedConnection({ nodeId: 'node-b', listenerId: listener.id });
  await first.eventLog.of(defaultProject).append([opened(connection)]);
  gone.leave();
  const world = await makeWorld({ store: new MemoryStore({ database }) });
  await world.control.closeConnection(by('a', 'closeConnection'), connection.id, 'fin');
  await world.control.deleteListener(by('b', 'deleteListener'), listener.id, 0);
  const entries = database.audit.entries.map(({ operation, resource, change }) => [
    ...[operation, resource?.kind, change?.after?.state],
  ]);
  expect(entries).toContainEqual(['closeConnection', 'connection', 'closed']);
  expect(entries).toContainEqual(['deleteListener', 'listener', 'closed']);
  expect(entries).toHaveLength(3);
  expect(world.history.at(-1)).toMatchObject({ type: 'listener_closed', actor: actorOf('b') });
});
