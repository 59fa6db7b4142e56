/** What is asked of a node through another replica, while its session goes from one to the next. */
import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { caller } from '../support/core-world.ts';
import { addNode, FakeAgent, type Replica, startReplica } from '../support/replica.ts';
import { sampleNewListener } from '../support/samples.ts';
import { makeDatabase } from '../support/test-database.ts';
import { waitFor } from '../support/wait-for.ts';

/** Nobody looks by himself, and nobody gives up: what is not passed on at once is never answered. */
const hour = 3_600_000;
const limits = {
  commandPollMs: hour,
  commandTimeoutMs: hour,
  wishWaitMs: hour,
  beatsEveryMs: hour,
};

const resources = new AsyncDisposableStack();
let client: Client;
let asker: Replica;
let holder: Replica;
let next: Replica;

const query = async (text: string, values: unknown[] = []) =>
  (await client.query(text, values)).rows;

beforeAll(async () => {
  const { url } = resources.use(await makeDatabase());
  client = new Client({ connectionString: url });
  await client.connect();
  resources.defer(() => client.end());
  const start = async (name: string) => resources.use(await startReplica(url, name, limits));
  [asker, holder, next] = await Promise.all([start('asker'), start('holder'), start('next')]);
});
afterAll(() => resources.disposeAsync());

let nodes = 0;

/** A node whose session `holder` has, and a first call that found its way. */
async function joined() {
  nodes += 1;
  const name = `node-${nodes}`;
  const agent = new FakeAgent(await addNode(asker, query, name));
  await agent.connect(holder);
  const make = async () => {
    const placement = { node: name, onNodeLost: 'stay' } as const;
    const [listener] = await asker.control.createListeners(caller, [
      sampleNewListener({ placement }),
    ]);
    if (listener === undefined) throw new TypeError('one in, one out');
    return listener;
  };
  return { agent, make, first: await make() };
}

const heirs = [
  ['another replica', () => next],
  ['the same replica again', () => holder],
] as const;

for (const [who, heir] of heirs) {
  test(`a create without an answer is passed on by ${who}, as soon as that has the session`, async () => {
    const { agent, make } = await joined();
    const { plane } = agent;
    const opens = () => plane.calls.filter(({ kind }) => kind === 'open').length;
    const before = opens();
    agent.silence = new Promise(() => undefined);
    const making = make();
    await waitFor('its bind', () => opens() > before);
    agent.silence = Promise.resolve();
    await agent.connect(heir());
    const { id, state } = await making;
    expect(state).toBe('listening');
    expect(plane.served.has(id)).toBe(true);
    expect(opens()).toBe(before + 1);
    const rows = await query('SELECT state FROM listeners WHERE id = $1', [id]);
    expect(rows).toEqual([{ state: 'listening' }]);
  });

  test(`so are an update and a delete by ${who}`, async () => {
    const { agent, first } = await joined();
    agent.plane.gates.wish = new Promise(() => undefined);
    const update = { labels: { a: 'b' } };
    const updating = asker.control.updateListener(caller, first.id, update);
    await waitFor('its commit', async () => {
      const { generation } = await asker.control.getListener(caller, first.id);
      return generation > first.generation;
    });
    agent.plane.gates.wish = undefined as never;
    await agent.connect(heir());
    expect(await updating).toMatchObject(update);
    agent.plane.gates.endWish = new Promise(() => undefined);
    const deleting = asker.control.deleteListener(caller, first.id, 0);
    await waitFor('its commit', async () => {
      const { state } = await asker.control.getListener(caller, first.id);
      return state === 'draining';
    });
    agent.plane.gates.endWish = undefined as never;
    await agent.connect(heir() === next ? holder : next);
    expect(typeof (await deleting)).toBe('boolean');
    await waitFor('its end', async () => {
      const { state } = await asker.control.getListener(caller, first.id);
      return state === 'closed';
    });
  });
}

test('a replica hears at once that another has a session of its own, though nothing comes on it', async () => {
  const { agent } = await joined();
  await agent.connect(next);
  await waitFor('its goodbye', () => agent.goodbyes.length === 1);
  expect(agent.goodbyes).toMatchObject([{ reason: 'another has the session', final: false }]);
  expect(holder.nodes.get(agent.nodeId)).toBeNull();
  await waitFor('the next one', () => next.nodes.get(agent.nodeId));
});

test('what fails in a session that is over is no answer', async () => {
  const { agent, make } = await joined();
  const { plane } = agent;
  const opens = () => plane.calls.filter(({ kind }) => kind === 'open').length;
  const before = opens();
  const silence = Promise.withResolvers<never>();
  silence.promise.catch(() => undefined);
  agent.silence = silence.promise;
  const making = make();
  await waitFor('its bind', () => opens() > before);
  agent.cut();
  agent.silence = Promise.resolve();
  silence.reject(new Error('the stream is over'));
  await agent.connect(holder);
  expect(await making).toMatchObject({ state: 'listening' });
});
