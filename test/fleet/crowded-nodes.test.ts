/** Nodes that have more connections open than are held for them: their sessions end, and nothing else. */
import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { caller } from '../support/core-world.ts';
import { addNode, FakeAgent, type Replica, startReplica } from '../support/replica.ts';
import { sampleNewListener } from '../support/samples.ts';
import { makeDatabase } from '../support/test-database.ts';
import { waitFor } from '../support/wait-for.ts';

const limits = { nodeConnectionsMax: 3, fleetConnectionsMax: 6, crowdedRetryAfterMs: 7000 };
const resources = new AsyncDisposableStack();
let client: Client;
let replica: Replica;

beforeAll(async () => {
  const { url } = resources.use(await makeDatabase());
  client = new Client({ connectionString: url });
  await client.connect();
  resources.defer(() => client.end());
  replica = resources.use(await startReplica(url, 'crowded', limits));
});
afterAll(() => resources.disposeAsync());

async function serving(name: string) {
  const query = async (text: string, values: unknown[]) => await client.query(text, values);
  const agent = new FakeAgent(await addNode(replica, query, name));
  await agent.connect(replica);
  const [listener] = await replica.control.createListeners(caller, [
    sampleNewListener({ placement: { node: name, onNodeLost: 'stay' } }),
  ]);
  const port = listener?.laddr?.port ?? 0;
  return { agent, open: async () => await agent.plane.connect(port) };
}

const isOnRecord = (agent: FakeAgent) =>
  waitFor('its records', () => agent.unacknowledged === 0 || agent.goodbyes.length > 0);

test('a node that opens more than it may is sent away for a while, each time that it tells of it', async () => {
  const { agent, open } = await serving('many');
  for (let count = 0; count < 3; count += 1) await open();
  await isOnRecord(agent);
  expect(agent.goodbyes).toEqual([]);
  void open();
  await waitFor('the end of its session', () => agent.session === null);
  await agent.connect(replica);
  await waitFor('the end of the next', () => agent.session === null);
  const goodbye = {
    reason: 'it has more than 3 connections open',
    retryAfterMs: 7000,
    final: false,
  };
  expect(agent.goodbyes).toEqual([goodbye, goodbye]);
});

test('a session that had to go is not counted, whatever it had told before it heard of that', async () => {
  const { agent, open } = await serving('told');
  agent.cut();
  // Both frames wait for what is on record of the node, and the first of them is too much.
  for (let count = 0; count < 4; count += 1) void open();
  void open();
  await agent.connect(replica);
  await waitFor('the end of its session', () => agent.session === null);
  const others = [await serving('one'), await serving('two'), await serving('three')];
  for (const { open: more } of others) for (const _ of [1, 2, 3]) void more();
  await waitFor('the end of a session', () =>
    others.some(({ agent: { session } }) => session === null),
  );
  for (const other of others) other.agent.cut();
});

test('where the nodes here have too many together, the one that has the most goes', async () => {
  const [first, second, third] = [await serving('x'), await serving('y'), await serving('z')];
  for (const { open } of [first, first, first, second, second]) await open();
  await third.open();
  for (const { agent } of [first, second, third]) await isOnRecord(agent);
  expect(first.agent.goodbyes).toEqual([]);
  await third.open();
  await waitFor('the end of a session', () => first.agent.session === null);
  expect(first.agent.goodbyes).toMatchObject([{ retryAfterMs: 7000, final: false }]);
  expect([second, third].map(({ agent }) => agent.goodbyes)).toEqual([[], []]);
  await third.open();
  await waitFor('its record', () => third.agent.unacknowledged === 0);
});

test('a node that may have more than are taken is told what to set, before it begins', async () => {
  const query = async (text: string, values: unknown[]) => await client.query(text, values);
  const agent = new FakeAgent(await addNode(replica, query, 'large'));
  await expect(agent.connect(replica, { connectionsMax: 4 })).rejects.toThrow(
    'this node has KODAMA_CONNECTIONS_MAX=4, and the control plane KODAMA_NODE_CONNECTIONS_MAX=3',
  );
  await agent.connect(replica, { connectionsMax: 3 });
  agent.cut();
});
