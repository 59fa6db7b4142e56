/** A node's sessions over two replicas of one database: what is told is on record once, whoever has the node's place. */
import { Client } from 'pg';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { everyEvent } from '../../src/core/event-filter.ts';
import { defaultProject, projectRef } from '../../src/core/project.ts';
import { caller } from '../support/core-world.ts';
import { long } from '../support/long.ts';
import { addNode, FakeAgent, type Replica, startReplica } from '../support/replica.ts';
import { sampleLimits, sampleNewListener } from '../support/samples.ts';
import { makeDatabase } from '../support/test-database.ts';
import { passed, waitFor } from '../support/wait-for.ts';

const resources = new AsyncDisposableStack();
let client: Client;
let a: Replica;
let b: Replica;

const query = async (text: string, values: unknown[] = []) =>
  (await client.query(text, values)).rows;

beforeAll(async () => {
  const { url } = resources.use(await makeDatabase());
  client = new Client({ connectionString: url });
  await client.connect();
  resources.defer(() => client.end());
  [a, b] = await Promise.all([startReplica(url, 'a'), startReplica(url, 'b')]);
  resources.use(a);
  resources.use(b);
});
afterAll(() => resources.disposeAsync());

let nodes = 0;

async function joined() {
  nodes += 1;
  const name = `node-${nodes}`;
  const agent = new FakeAgent(await addNode(a, query, name));
  return { agent, name };
}

test('a node hears of the quotas of its own project only, and one that is shared of all', async () => {
  const other = projectRef(77);
  const [own, shared] = [await joined(), await joined()];
  await query('UPDATE nodes SET shared = true WHERE id = $1', [shared.agent.nodeId]);
  for (const { agent } of [own, shared]) {
    const told = vi.spyOn(agent.plane, 'limitProject');
    await agent.connect(a);
    const node = await waitFor('its place', () => a.nodes.get(agent.nodeId));
    for (const project of [defaultProject, other])
      node.dataPlane.limitProject(project, sampleLimits);
    const projects = told.mock.calls.map(([project]) => project);
    expect(projects).toEqual(agent === own.agent ? [defaultProject] : [defaultProject, other]);
    agent.cut();
  }
});

async function created(by: Replica, node: string) {
  const [listener] = await by.control.createListeners(caller, [
    sampleNewListener({ placement: { node, onNodeLost: 'stay' } }),
  ]);
  if (listener === undefined) throw new TypeError('one in, one out');
  return listener;
}

async function eventsOf(listenerId: string) {
  const page = await b.store.of(defaultProject).log.read({
    ...{ afterSeq: 0, limit: 10_000, bytesMax: 1e9 },
    filter: { ...everyEvent, listenerIds: [listenerId] },
  });
  return page.events;
}

const typesOf = async (listenerId: string) => (await eventsOf(listenerId)).map(({ type }) => type);
const stateOf = async (listenerId: string) => await b.control.getListener(caller, listenerId);
/** What a node observed is on record a commit after the end of its wish. */
const listens = async (listenerId: string) =>
  await waitFor('its listening', async () => {
    const listener = await stateOf(listenerId);
    return listener.state === 'listening' && listener;
  });
const talkTo = async (agent: FakeAgent, port: number | undefined) => {
  const client = await agent.plane.connect(port ?? 0);
  await client.echo('hello');
  return client;
};

test('what a session can not commit is told by who has it, until it is committed or the session is over', async () => {
  const { agent, name } = await joined();
  await agent.connect(a);
  const { laddr } = await created(a, name);
  const told = () => a.control.status().store;
  // Whatever becomes of it, nobody else waits for its lock.
  onTestFinished(async () => void (await query('ROLLBACK')));
  for (const end of ['committed', 'cut']) {
    const visitor = await talkTo(agent, laddr?.port);
    await waitFor('all to be on record', () => told().waitingMs === 0);
    await query('BEGIN');
    await query('LOCK TABLE closed_connections IN EXCLUSIVE MODE');
    visitor.end();
    const problems = await waitFor('the word of it', async () => {
      const found = await a.control.problems();
      return found.length > 0 && found;
    });
    expect(problems).toEqual(['the log does not get on']);
    // It is told rounded.
    expect(told().waitingMs).toBeGreaterThanOrEqual(100);
    if (end === 'cut') agent.cut();
    else await query('COMMIT');
    await waitFor('the word of that', async () => (await a.control.problems()).length === 0);
    expect(told()).toMatchObject({ queuedEvents: 0, waitingMs: 0, state: 'reachable' });
  }
});

test('who removes a node is the actor of the ends of its listeners, and in the audit of their projects', async () => {
  const { agent, name } = await joined();
  await agent.connect(a);
  const { id } = await created(a, name);
  agent.cut();
  await query(`UPDATE nodes SET state = 'disconnected' WHERE id = $1`, [agent.nodeId]);
  const by = { ...caller, project: 'of-who-asks', operation: 'deleteNode' };
  await b.control.goneNodes.lose(agent.nodeId, { isRemoved: true, by });
  const closed = (await eventsOf(id)).at(-1);
  expect(closed).toMatchObject({ type: 'listener_closed', actor: { kind: by.actor.kind } });
  const entries = await query(
    `SELECT project, project_name AS name, operation FROM audit_entries
     WHERE resource_id = $1 AND operation = 'deleteNode'`,
    [id],
  );
  expect(entries).toEqual([{ project: 1, name: 'default', operation: 'deleteNode' }]);
});

/** Every seq from 1 is there once: of an event's row, or a connection's. */
async function assertDense() {
  const rows =
    await query(`SELECT count(*)::int AS count, count(DISTINCT seq)::int AS seqs, max(seq)::int AS last,
      (SELECT seq::int FROM log_heads WHERE project = 1) AS head FROM (
    SELECT seq FROM events WHERE project = 1 UNION ALL
    SELECT opened_seq FROM open_connections WHERE project = 1 UNION ALL
    SELECT opened_seq FROM closed_connections WHERE project = 1 UNION ALL
    SELECT closed_seq FROM closed_connections WHERE project = 1) all_seqs`);
  const [{ count, seqs, last, head }] = rows;
  expect({ count, seqs, last }).toEqual({ count: head, seqs: head, last: head });
}

test('a listener is made on a node through either replica, and what comes there is on record', async () => {
  const { agent, name } = await joined();
  await agent.connect(a);
  for (const replica of [a, b]) {
    const listener = await created(replica, name);
    expect(listener).toMatchObject({ nodeId: agent.nodeId, nodeName: name, state: 'listening' });
    expect(agent.plane.served.has(listener.id)).toBe(true);
    const client = await agent.plane.connect(listener.laddr?.port ?? 0);
    await client.echo('hello');
    client.end();
    await waitFor('all of it', async () => (await typesOf(listener.id)).length === 4);
    expect(await replica.control.deleteListener(caller, listener.id, 0)).toBe(true);
    expect(await typesOf(listener.id)).toEqual([
      ...['listener_created', 'listener_listening', 'connection_opened', 'connection_closed'],
      ...['listener_updated', 'listener_closed'],
    ]);
  }
});

test('a listener that names no host is bound where its node listens, whichever replica made it', async () => {
  const { agent, name } = await joined();
  await agent.connect(a, { listenHost: '127.0.0.9' });
  const placement = { node: name, onNodeLost: 'stay' } as const;
  const asked = sampleNewListener({ placement });
  for (const by of [a, b]) {
    const made = await by.control.createListeners(caller, [{ ...asked, host: null }]);
    expect(made).toMatchObject([{ host: '127.0.0.9' }]);
  }
});

test('what was not acknowledged comes again in the next session, and is on record once', async () => {
  const { agent, name } = await joined();
  await agent.connect(a);
  const { id, laddr } = await created(a, name);
  const stays = await talkTo(agent, laddr?.port);
  await waitFor('its acknowledgement', () => agent.unacknowledged === 0);
  // The acknowledgement of what it tells now is lost, and what comes then is told to nobody.
  const { session } = agent;
  const gone = await talkTo(agent, laddr?.port);
  gone.end();
  await waitFor('its record', async () => (await typesOf(id)).includes('connection_closed'));
  agent.cut();
  const alone = await talkTo(agent, laddr?.port);
  alone.end();
  stays.end();
  const taken = b.sessions.takenRecords;
  const second = await agent.connect(b);
  expect(second.number).toBeGreaterThan(session?.number ?? Number.NaN);
  await waitFor('all of it', () => agent.unacknowledged === 0);
  await waitFor('the wish', () => agent.wishEnds === 2);
  expect(b.sessions.takenRecords).toBeGreaterThan(taken);
  const types = await typesOf(id);
  expect(types.filter((type) => type === 'connection_opened')).toHaveLength(3);
  expect(types.filter((type) => type === 'connection_closed')).toHaveLength(3);
  await assertDense();
});

test('a replica whose session is another’s can write nothing more for the node', async () => {
  const { agent, name } = await joined();
  const first = await agent.connect(a);
  const { id, laddr } = await created(a, name);
  const client = await talkTo(agent, laddr?.port);
  await waitFor('its acknowledgement', () => agent.unacknowledged === 0);
  await agent.connect(b);
  await waitFor('the wish', () => agent.wishEnds === 2);
  // It hears of it with what it writes next.
  const connection = {
    id: client.id,
    bytesIn: 1,
    bytesOut: 1,
    firstByteAt: null,
    lastByteAt: null,
  };
  const end = {
    closedAt: 1,
    closeInitiator: 'peer',
    closeReason: 'peer_fin',
    error: null,
  } as const;
  const closed = {
    kind: 'closed',
    connection: { ...connection, ...end, halfClosedAt: null },
  } as const;
  void first.onRecords(1000, [closed], false).catch(() => undefined);
  await waitFor('its goodbye', () => agent.goodbyes.length === 1);
  expect(agent.goodbyes).toMatchObject([{ final: false }]);
  expect(await typesOf(id)).not.toContain('connection_closed');
  expect(b.nodes.get(agent.nodeId)?.recorder.openConnections).toBe(1);
  client.end();
  await waitFor('its end', async () => (await typesOf(id)).includes('connection_closed'));
  await assertDense();
});

test('of another boot what was open is closed as interrupted, once, and it listens again', async () => {
  const { agent, name } = await joined();
  await agent.connect(a);
  const { id, laddr } = await created(a, name);
  await talkTo(agent, laddr?.port);
  await waitFor('its acknowledgement', () => agent.unacknowledged === 0);
  agent.cut();
  const successor = new FakeAgent(agent.nodeId);
  await successor.connect(b);
  await waitFor('the wish', () => successor.wishEnds === 1);
  await successor.connect(a);
  await waitFor('the wish', () => successor.wishEnds === 2);
  const ends = (await eventsOf(id)).filter(({ type }) => type === 'connection_closed');
  expect(ends).toMatchObject([{ connection: { closeReason: 'interrupted' } }]);
  expect(successor.plane.served.has(id)).toBe(true);
  expect(await listens(id)).toMatchObject({ laddr });
  await assertDense();
});

test('what is changed while nobody hears of a node is done when it is back', async () => {
  const { agent, name } = await joined();
  await agent.connect(a);
  const changed = await created(a, name);
  const deleted = await created(b, name);
  const client = await talkTo(agent, deleted.laddr?.port);
  agent.cut();
  await query(`UPDATE nodes SET state = 'disconnected' WHERE id = $1`, [agent.nodeId]);
  const { generation } = await b.control.updateListener(caller, changed.id, { labels: { a: 'b' } });
  expect(generation).toBe(changed.generation + 1);
  await b.control.updateListener(caller, deleted.id, { name: 'had' });
  await expect(b.control.updateListener(caller, changed.id, { name: 'had' })).rejects.toMatchObject(
    {
      code: 'already_exists',
      details: { owner: deleted.id },
    },
  );
  expect(await b.control.deleteListener(caller, deleted.id, 0)).toBe(false);
  expect(await b.control.deleteListener(caller, deleted.id, 0)).toBe(false);
  expect(await stateOf(deleted.id)).toMatchObject({ state: 'draining' });
  expect(client.isOpen).toBe(true);
  const refused = created(a, name);
  await expect(refused).rejects.toMatchObject({ code: 'unavailable' });
  await agent.connect(b);
  await waitFor('the end', async () => (await stateOf(deleted.id)).state === 'closed');
  expect(client.isOpen).toBe(false);
  await waitFor('the wish', () => agent.wishEnds === 2);
  const wished = agent.plane.calls.filter(
    (call) => call.kind === 'wish' && call.listenerId === changed.id,
  );
  expect(wished.at(-1)).toMatchObject({ generation });
  const created_ = await typesOf(deleted.id);
  expect(created_.filter((type) => type === 'listener_closed')).toHaveLength(1);
  await assertDense();
});

test(
  'a delete that its node is slow to do, or hears of no more, is on record and done later',
  long,
  async () => {
    const { agent, name } = await joined();
    await agent.connect(a);
    const slow = await created(a, name);
    const cut = await created(a, name);
    const gate = Promise.withResolvers<void>();
    agent.plane.gates.endWish = gate.promise;
    for (const replica of [a, b]) {
      expect(await replica.control.deleteListener(caller, slow.id, 0)).toBe(false);
    }
    expect(await stateOf(slow.id)).toMatchObject({ state: 'draining' });
    const deleting = b.control.deleteListener(caller, cut.id, 0);
    await waitFor('its end', async () => (await stateOf(cut.id)).state === 'draining');
    agent.cut();
    // Whoever asked through the other replica hears of it there, or from whoever has the node next.
    agent.plane.gates.endWish = undefined as never;
    gate.resolve();
    await agent.connect(b);
    expect(typeof (await deleting)).toBe('boolean');
    for (const { id } of [slow, cut]) {
      await waitFor('the close', async () => (await stateOf(id)).state === 'closed');
      const types = await typesOf(id);
      expect(types.filter((type) => type === 'listener_closed')).toHaveLength(1);
    }
    await assertDense();
  },
);

test('the connections of a lost node are closed once, and what came meanwhile comes later', async () => {
  const { agent, name } = await joined();
  await agent.connect(a);
  const { id, laddr } = await created(a, name);
  const ended = await created(a, name);
  const client = await talkTo(agent, laddr?.port);
  await waitFor('its acknowledgement', () => agent.unacknowledged === 0);
  agent.cut();
  await query(`UPDATE nodes SET state = 'disconnected' WHERE id = $1`, [agent.nodeId]);
  await b.control.deleteListener(caller, ended.id, 0);
  await b.control.goneNodes.lose(agent.nodeId, { isRemoved: false });
  await b.control.goneNodes.lose(agent.nodeId, { isRemoved: false });
  await query(`UPDATE nodes SET state = 'lost' WHERE id = $1`, [agent.nodeId]);
  expect(await stateOf(ended.id)).toMatchObject({ state: 'closed' });
  expect(await stateOf(id)).toMatchObject({ state: 'failed', reason: { code: 'node_lost' } });
  // The agent ended it by itself, and served another client after that.
  client.close('system', 'node_lost');
  const later = await talkTo(agent, laddr?.port);
  later.end();
  await agent.connect(a);
  await waitFor('all of it', () => agent.unacknowledged === 0);
  await waitFor('the wish', () => agent.wishEnds === 2);
  expect(await listens(id)).toMatchObject({ laddr });
  const events = await eventsOf(id);
  expect(events.map(({ type }) => type)).toEqual([
    ...['listener_created', 'listener_listening', 'connection_opened', 'connection_closed'],
    ...['listener_failed', 'connection_opened', 'connection_closed', 'listener_listening'],
  ]);
  const ends = events.filter(({ type }) => type === 'connection_closed');
  expect(ends).toMatchObject([
    { connection: { id: client.id, closeReason: 'node_lost' } },
    { connection: { id: later.id, closeReason: 'peer_fin' } },
  ]);
  await assertDense();
});

test('a session is the node’s for as long as its heartbeats are written', async () => {
  const { agent } = await joined();
  const first = await agent.connect(a);
  const beat = { openConnections: 0, spoolRecords: 3, clockOffsetMs: 5 };
  expect(await first.beat(beat)).toBe(true);
  expect(a.sessions.spoolRecords).toBe(3);
  const [row] = await query(
    'SELECT state, spool_records, clock_offset_ms FROM nodes WHERE id = $1',
    [agent.nodeId],
  );
  expect(row).toEqual({ state: 'ready', spool_records: 3, clock_offset_ms: '5' });
  const second = await agent.connect(b);
  expect(await first.beat(beat)).toBe(false);
  expect(agent.goodbyes).toHaveLength(1);
  expect(await second.beat(beat)).toBe(true);
});

test('a heartbeat that is not written yet is not, once its session is over', async () => {
  const { agent } = await joined();
  const session = await agent.connect(a);
  const beat = { openConnections: 0, spoolRecords: 7, droppedRecords: 0, clockOffsetMs: 0 };
  const beaten = session.beat(beat);
  agent.cut();
  expect(await beaten).toBe(false);
  const again = await agent.connect(b);
  expect(await again.beat({ ...beat, spoolRecords: 8 })).toBe(true);
  const spool = 'SELECT spool_records AS spool FROM nodes WHERE id = $1';
  expect(await query(spool, [agent.nodeId])).toEqual([{ spool: 8 }]);
});

test('nor is one that waits for others to be written', async () => {
  const [{ agent: held }, { agent }] = [await joined(), await joined()];
  const [first, session] = [await held.connect(a), await agent.connect(a)];
  const beat = { openConnections: 0, spoolRecords: 7, droppedRecords: 0, clockOffsetMs: 0 };
  await waitFor('all that is wished', () => held.wishEnds + agent.wishEnds === 2);
  await query('BEGIN');
  await query('SELECT 1 FROM nodes WHERE id = $1 FOR UPDATE', [held.nodeId]);
  const written = first.beat(beat);
  const waits =
    'SELECT 1 FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))';
  await waitFor('its write', async () => (await query(waits)).length > 0);
  const beaten = session.beat(beat);
  // It is taken once the time to gather is over.
  await passed(100);
  agent.cut();
  await query('COMMIT');
  expect(await written).toBe(true);
  expect(await beaten).toBe(false);
});

test('how long it may be away an agent hears with the answer to its next heartbeat', async () => {
  const { agent } = await joined();
  const session = await agent.connect(a);
  const beat = { openConnections: 0, spoolRecords: 0, droppedRecords: 0, clockOffsetMs: 0 };
  await session.beat(beat);
  expect(session.lostAfterMs).toBe(300_000);
  await query('UPDATE nodes SET lost_after_ms = 30000 WHERE id = $1', [agent.nodeId]);
  expect(await session.beat(beat)).toBe(true);
  expect(session.lostAfterMs).toBe(30_000);
  expect(agent.goodbyes).toEqual([]);
});
