/** Two replicas on a real PostgreSQL that act in the place of nodes whose processes are gone. */
import { randomUUID } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { defaultProject, type ProjectRef } from '../../src/core/project.ts';
import { PostgresStore } from '../../src/postgres/postgres-store.ts';
import { caller } from '../support/core-world.ts';
import { type Replica, startReplica } from '../support/replica.ts';
import { keepingLogger } from '../support/samples.ts';
import { readAll } from '../support/store-ground.ts';
import {
  append,
  listenerEvent,
  opened,
  sampleAuditEntry,
  sampleConnection,
  sampleListener,
} from '../support/store-samples.ts';
import { makeDatabase } from '../support/test-database.ts';
import { waitFor } from '../support/wait-for.ts';

const resources = new AsyncDisposableStack();
const logs = [keepingLogger(), keepingLogger()] as const;
let url: string;
let a: Replica;
let b: Replica;

beforeAll(async () => {
  ({ url } = resources.use(await makeDatabase()));
  [a, b] = await Promise.all([
    startReplica(url, 'a', {}, logs[0]),
    startReplica(url, 'b', {}, logs[1]),
  ]);
  resources.use(a);
  resources.use(b);
});
afterAll(() => resources.disposeAsync());

/** A node that is gone, and left so many listeners with a connection each in every project. */
async function leave(count: number, projects: readonly ProjectRef[] = [defaultProject]) {
  const nodeId = `gone-${randomUUID()}`;
  const left = projects.flatMap((project) =>
    Array.from({ length: count }, () => {
      const listener = sampleListener({ id: uuidv7(), project, nodeId, nodeName: nodeId });
      const connection = { id: uuidv7(), listenerId: listener.id, nodeId };
      return { project, listener, connection: sampleConnection(connection) };
    }),
  );
  {
    await using store = await PostgresStore.open({
      ...{ connectionString: url, nodeId, log: keepingLogger() },
    });
    const node = await store.nodes.takeOwn();
    for (const [at, { project, listener, connection }] of left.entries()) {
      const events = [listenerEvent('listener_created', listener), opened(connection)];
      await node.append(append(at + 1, events, { project }));
    }
  }
  await waitFor('its end', async () => (await a.store.nodes.whereIs(nodeId)) === 'gone');
  return { nodeId, left };
}

/** What ended of that which a node left, as often as it did. */
async function ends(project: ProjectRef, nodeId: string) {
  const events = await readAll(a.store.of(project));
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, at) => at + 1));
  const ended = events.flatMap((event) => {
    if (event.type === 'connection_closed') return event.connection;
    return event.type === 'listener_closed' ? event.listener : [];
  });
  return ended.filter((one) => one.nodeId === nodeId).map(({ id }) => id);
}

/** What a replica has logged of a node. */
const linesOf = ({ lines }: (typeof logs)[number], nodeId: string) =>
  lines.filter(({ fields }) => 'node' in fields && fields.node === nodeId);

test('a place that another replica has taken is taken again, and each thing ends once', async () => {
  const { nodeId, left } = await leave(3);
  const [one, two, three] = left;
  if (one === undefined || two === undefined || three === undefined) expect.fail('three were left');
  expect(await a.control.deleteListener(caller, one.listener.id, 0)).toBe(true);
  const closed = await b.control.closeConnection(caller, two.connection.id, 'fin');
  expect(closed).toMatchObject({ closeReason: 'interrupted', closeInitiator: 'system' });
  // Each finds in the append that the place is not its own any more.
  expect(await a.control.deleteListener(caller, two.listener.id, 0)).toBe(true);
  expect(await b.control.deleteListener(caller, three.listener.id, 0)).toBe(true);
  expect(logs.map((log) => linesOf(log, nodeId).length)).toEqual([2, 2]);
  expect(await ends(defaultProject, nodeId)).toEqual(
    left.flatMap(({ connection, listener }) => [connection.id, listener.id]),
  );
  expect(await b.store.of(defaultProject).listeners.find(two.listener.id)).toMatchObject({
    ...{ state: 'closed', openConnections: 0, totalConnections: 1, sockets: [] },
  });
});

test('of two that take it from each other neither is refused for good, and each thing ends once', async () => {
  const { nodeId, left } = await leave(20);
  const deletes = left.flatMap(({ listener }) =>
    [a, b].map(({ control }) => control.deleteListener(caller, listener.id, 0)),
  );
  const outcomes = await Promise.allSettled(deletes);
  for (const outcome of outcomes.filter(({ status }) => status === 'rejected')) {
    expect(outcome).toMatchObject({ reason: { code: 'unavailable' } });
  }
  for (const { listener } of left) await a.control.deleteListener(caller, listener.id, 0);
  expect((await ends(defaultProject, nodeId)).sort()).toEqual(
    left.flatMap(({ connection, listener }) => [connection.id, listener.id]).sort(),
  );
});

test('who knows that there can be no other node lets go of all that others left, once', async () => {
  const given = { displayName: null, quotas: {}, bindHosts: null, id: uuidv7() };
  const { ref } = await a.store.tenancy.projects.create(
    { ...given, name: 'other' },
    systemClock().now(),
    () => sampleAuditEntry(),
  );
  const projects = [defaultProject, ref];
  await waitFor('word of it', async () => (await b.store.projects.all()).includes(ref));
  const nodes = [await leave(2, projects), await leave(1, projects)];
  await b.control.goneNodes.letGo();
  await b.control.goneNodes.letGo();
  for (const { nodeId, left } of nodes) {
    for (const project of projects) {
      const own = left.filter((one) => one.project === project);
      expect((await ends(project, nodeId)).sort()).toEqual(
        own.flatMap(({ connection, listener }) => [connection.id, listener.id]).sort(),
      );
    }
    const [{ connection }] = left as [(typeof left)[0]];
    expect(await a.store.of(defaultProject).connections.find(connection.id)).toMatchObject({
      ...{ state: 'closed', closeReason: 'interrupted', closeInitiator: 'system' },
    });
    expect(linesOf(logs[1], nodeId).filter(({ level }) => level === 'warn')).toMatchObject([
      {
        message: 'let go of what another node left: no other node can use this database',
        fields: { connections: left.length, listeners: left.map(({ listener }) => listener.id) },
      },
    ]);
  }
  expect(await b.store.nodes.others()).toEqual([]);
});
