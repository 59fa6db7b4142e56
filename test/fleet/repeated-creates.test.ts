/** What is asked of another replica's node is repeated under its Idempotency-Key, while the first may still be done. */
import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { caller } from '../support/core-world.ts';
import { edgeApi } from '../support/edge-api.ts';
import { addNode, FakeAgent, type Replica, startReplica } from '../support/replica.ts';
import { rejection, sampleFault } from '../support/samples.ts';
import { ofDefault } from '../support/store-samples.ts';
import { makeDatabase } from '../support/test-database.ts';
import { waitFor } from '../support/wait-for.ts';

const hour = 3_600_000;
const limits = { commandPollMs: hour, wishWaitMs: hour, beatsEveryMs: hour };

const resources = new AsyncDisposableStack();
let client: Client;
let asker: Replica;
let holder: Replica;

const query = async (text: string, values: unknown[] = []) =>
  (await client.query(text, values)).rows;

beforeAll(async () => {
  const { url } = resources.use(await makeDatabase());
  client = new Client({ connectionString: url });
  await client.connect();
  resources.defer(() => client.end());
  const start = async (name: string, more = {}) =>
    resources.use(await startReplica(url, name, { ...limits, ...more }));
  [asker, holder] = await Promise.all([
    start('asker', { commandTimeoutMs: 1000 }),
    start('holder'),
  ]);
});
afterAll(() => resources.disposeAsync());

let nodes = 0;

/** A node whose session `holder` has, and a create on it under one key; a bind waits for its gate. */
async function joined() {
  nodes += 1;
  const name = `node-${nodes}`;
  const agent = new FakeAgent(await addNode(asker, query, name));
  await agent.connect(holder);
  const { plane } = agent;
  const gate = Promise.withResolvers<void>();
  const { idempotencyKeys } = ofDefault(asker.store);
  const api = edgeApi({ idempotencyKeys, control: asker.control });
  const { createListener } = api.operations;
  const input = createListener.input.parse({ name, placement: { node: name } });
  const ask = () =>
    api.call(createListener, { caller, key: name, read: () => ({ at: {}, input }) });
  const opens = () => plane.calls.filter(({ kind }) => kind === 'open').length;
  const rows = () => query('SELECT id, state FROM listeners WHERE name = $1', [name]);
  return { plane, gate, ask, opens, rows, api, name };
}

test('the replica that took it is started again: the repeat finds what the first makes', async () => {
  const { plane, gate, ask, opens, rows } = await joined();
  plane.openGates.push(gate.promise);
  const first = ask().catch(() => null);
  await waitFor('its bind', () => opens() === 1);
  await asker.store.nodes.takeOwn();
  const again = ask();
  await waitFor('its command', async () => (await query('TABLE node_commands')).length === 2);
  gate.resolve();
  const { output } = await again;
  expect(await rows()).toEqual([{ id: output.id, state: 'listening' }]);
  expect(opens()).toBe(1);
  expect(await ask()).toMatchObject({ isReplayed: true, output: { id: output.id } });
  await first;
});

test('nobody answers in time: the repeat finds what the first makes', async () => {
  const { plane, gate, ask, rows } = await joined();
  plane.gates.open = gate.promise;
  expect(await rejection(ask())).toMatchObject({ code: 'unavailable' });
  expect(await rejection(ask())).toMatchObject({ code: 'unavailable' });
  gate.resolve();
  const { output } = await waitFor('its answer', () => ask().catch(() => null));
  expect(await rows()).toEqual([{ id: output.id, state: 'listening' }]);
});

test('of many who add a fault at once none is refused for good', async () => {
  const { ask, api, name } = await joined();
  const { id, nodeId, project } = (await ask()).output;
  const late = { kind: 'set_faults', ...{ id, before: [sampleFault], after: [] } } as const;
  const refusal = { code: 'failed_precondition', details: { retryAfterMs: 1000 } };
  expect(
    await rejection(holder.control.nodeCalls.run(caller, project, nodeId, late)),
  ).toMatchObject(refusal);
  const { addFault } = api.operations;
  const add = async (fault: string) => {
    const input = addFault.input.parse({ type: 'latency', name: fault, delayMs: 1 });
    const read = () => ({ at: { id: name }, input });
    return await api.call(addFault, { caller, key: fault, read });
  };
  const wanted = Array.from({ length: 12 }, (_, at) => `fault-${at}`);
  const answers = await Promise.allSettled(wanted.map(add));
  const refusals = answers.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
  for (const one of refusals) expect(one).toMatchObject(refusal);
  for (const fault of wanted) await add(fault);
  const { faults } = await asker.control.getListener(caller, name);
  expect(faults.map((fault) => fault.name).toSorted()).toEqual(wanted.toSorted());
});
