/** Who is there of the nodes, as sweeps over a real database tell it. */
import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { Sweeps } from '../../src/fleet/sweeps.ts';
import { caller } from '../support/core-world.ts';
import { addNode, FakeAgent, type Replica, startReplica } from '../support/replica.ts';
import { keepingLogger, sampleNewListener } from '../support/samples.ts';
import { makeDatabase } from '../support/test-database.ts';
import { waitFor } from '../support/wait-for.ts';

const resources = new AsyncDisposableStack();
let client: Client;
let a: Replica;
let b: Replica;

const query = async (text: string, values: unknown[] = []) =>
  (await client.query(text, values)).rows;
const stateOf = async (nodeId: string) =>
  (await query('SELECT state FROM nodes WHERE id = $1', [nodeId]))[0]?.state;

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

function sweeping({ store, control }: Replica) {
  const sweeps = new Sweeps({
    rows: store.fleet.sessions,
    ...{ clock: systemClock(), logger: keepingLogger() },
    limits: {
      ...{ sweepEveryMs: 50, nodelessSweepMs: 3_600_000, missedSweeps: 3, brakeFrom: 3 },
      expiredAtOnceMax: 100,
    },
  });
  const { goneNodes } = control;
  sweeps.start({ goneNodes, expire: control.expireListener.bind(control) });
  return sweeps;
}

async function joined(name: string) {
  const agent = new FakeAgent(await addNode(a, query, name));
  const session = await agent.connect(a);
  const [listener] = await a.control.createListeners(caller, [
    sampleNewListener({ placement: { node: name, onNodeLost: 'stay' } }),
  ]);
  if (listener === undefined) throw new TypeError('one in, one out');
  return { agent, session, listener };
}

test('of many at once one wins a tick, and a clock that was set back does not stop them', async () => {
  const { sessions } = a.store.fleet;
  await query(`UPDATE fleet SET swept_at = clock_timestamp() - interval '1 hour'`);
  const wins = await Promise.all(
    [a, b, a, b].map(({ store }) => store.fleet.sessions.sweep(60_000)),
  );
  expect(wins.filter(Boolean)).toHaveLength(1);
  expect(await sessions.sweep(60_000)).toBe(false);
  await query(`UPDATE fleet SET swept_at = clock_timestamp() + interval '1 day'`);
  expect(await sessions.sweep(60_000)).toBe(true);
  expect(await sessions.sweep(60_000)).toBe(false);
});

test('who is not heard of is disconnected, and then lost; who is stays', async () => {
  const { agent, listener } = await joined('quiet');
  const lively = await joined('lively');
  const client = await agent.plane.connect(listener.laddr?.port ?? 0);
  await waitFor('its acknowledgement', () => agent.unacknowledged === 0);
  agent.cut();
  const beat = { openConnections: 0, spoolRecords: 0, clockOffsetMs: 0 };
  const beating = setInterval(() => void lively.session.beat(beat), 20);
  try {
    await using _one = sweeping(a);
    await using _other = sweeping(b);
    await waitFor('its silence', async () => (await stateOf(agent.nodeId)) === 'disconnected');
    expect(await a.control.getListener(caller, listener.id)).toMatchObject({ state: 'listening' });
    await query('UPDATE nodes SET lost_after_ms = 500 WHERE id = $1', [agent.nodeId]);
    await waitFor('its loss', async () => (await stateOf(agent.nodeId)) === 'lost');
  } finally {
    clearInterval(beating);
  }
  expect(await a.control.getConnection(caller, client.id)).toMatchObject({
    closeReason: 'node_lost',
    closeInitiator: 'system',
  });
  expect(await a.control.getListener(caller, listener.id)).toMatchObject({
    state: 'failed',
    reason: { code: 'node_lost' },
  });
  expect(await stateOf(lively.agent.nodeId)).toBe('ready');
  // It has a session again as if nothing had been.
  await agent.connect(b);
  expect(await stateOf(agent.nodeId)).toBe('ready');
  lively.agent.cut();
  agent.cut();
});

test('what a removal left open is closed, where no node is there any more, too', async () => {
  const { agent, listener } = await joined('removed');
  const [builtIn, going] = [await joined('built-in'), await joined('going')];
  const client = await agent.plane.connect(listener.laddr?.port ?? 0);
  await waitFor('its acknowledgement', () => agent.unacknowledged === 0);
  for (const [one, removedAt] of [
    [agent, 1],
    [builtIn.agent, 1],
    // Whoever removes it has not come to its end.
    [going.agent, systemClock().now()],
  ] as const) {
    one.cut();
    const gone = [one.nodeId, removedAt];
    await query(
      `UPDATE nodes SET state = 'removed', key = NULL, removed_at = $2 WHERE id = $1`,
      gone,
    );
  }
  await query('UPDATE nodes SET is_built_in = true WHERE id = $1', [builtIn.agent.nodeId]);
  await query(`UPDATE fleet SET swept_at = clock_timestamp() - interval '1 hour'`);
  await using _sweeps = sweeping(b);
  const stateOfListener = async ({ id }: { readonly id: string }) =>
    (await b.control.getListener(caller, id)).state;
  for (const one of [listener, builtIn.listener])
    await waitFor('its end', async () => (await stateOfListener(one)) === 'closed');
  const closed = { closeReason: 'node_lost', state: 'closed' };
  expect(await a.control.getConnection(caller, client.id)).toMatchObject(closed);
  expect(await stateOfListener(going.listener)).not.toBe('closed');
});

test('a listener whose time is over is closed though its node is away', async () => {
  const { agent, listener } = await joined('away');
  await a.control.updateListener(caller, listener.id, { expiresAt: Date.now() * 1000 + 300_000 });
  agent.cut();
  await using _sweeps = sweeping(b);
  await waitFor('its end', async () => {
    const { state } = await b.control.getListener(caller, listener.id);
    return state === 'draining';
  });
  await agent.connect(a);
  await waitFor('its close', async () => {
    const { state } = await b.control.getListener(caller, listener.id);
    return state === 'closed';
  });
});
