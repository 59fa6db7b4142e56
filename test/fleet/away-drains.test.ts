/** Drains that are asked for through a replica which has not the node: they go on by themselves. */
import { Client } from 'pg';
import { expect, test } from 'vitest';
import { caller } from '../support/core-world.ts';
import { addNode, FakeAgent, type Replica, startReplica } from '../support/replica.ts';
import { sampleId, sampleNewListener } from '../support/samples.ts';
import { makeDatabase } from '../support/test-database.ts';
import { waitFor } from '../support/wait-for.ts';

const hour = 3_600_000;
/** Longer than any test takes. */
const drainMs = 60_000;
const limits = {
  ...{ commandPollMs: hour, commandTimeoutMs: hour, beatsEveryMs: hour },
  ...{ commandsMax: 3, commandsPerProjectMax: 2 },
};

async function makeWorld() {
  await using resources = new AsyncDisposableStack();
  const { url } = resources.use(await makeDatabase());
  const client = new Client({ connectionString: url });
  await client.connect();
  resources.defer(() => client.end());
  const query = async (text: string, values: unknown[] = []) =>
    (await client.query(text, values)).rows;
  const start = async (name: string) => resources.use(await startReplica(url, name, limits));
  const [asker, holder] = [await start('asker'), await start('holder')];
  const agent = new FakeAgent(await addNode(asker, query, 'far'));
  await agent.connect(holder);
  const placement = { node: 'far', onNodeLost: 'stay' } as const;
  const make = async (count: number) =>
    await asker.control.createListeners(
      caller,
      Array.from({ length: count }, () => sampleNewListener({ placement })),
    );
  const stateOf = async (id: string, { control }: Replica = asker) =>
    (await control.getListener(caller, id)).state;
  const all = resources.move();
  const dispose = { [Symbol.asyncDispose]: () => all.disposeAsync() };
  return { ...{ asker, holder, agent, make, stateOf, query }, ...dispose };
}

test('drains leave the places of calls for other replicas to others, and who waits hears of their ends', async () => {
  await using world = await makeWorld();
  const { asker, agent, make, stateOf } = world;
  const drained = await make(6);
  const clients = await Promise.all(
    drained.map(({ laddr }) => agent.plane.connect(laddr?.port ?? 0)),
  );
  await Promise.all(clients.map((client) => client.echo('hello')));
  const leaving = new AbortController();
  const [stays, ...others] = drained;
  const waits = asker.control.deleteListener(caller, stays?.id ?? '', hour);
  for (const { id } of others) {
    const by = { ...caller, signal: leaving.signal };
    asker.control.deleteListener(by, id, hour).catch(() => undefined);
    await waitFor('its drain', async () => (await stateOf(id)) === 'draining');
  }
  leaving.abort(new Error('gone'));

  const [more] = await make(1);
  expect(more?.state).toBe('listening');
  expect(await asker.control.deleteListener(caller, more?.id ?? '', 0)).toBe(true);
  expect(await stateOf(stays?.id ?? '')).toBe('draining');
  for (const client of clients) client.end();
  expect(await waits).toBe(true);
  for (const { id } of others) {
    await waitFor('its end', async () => (await stateOf(id)) === 'closed');
  }
});

test('a drain goes on over sessions, with what is left of it, and so does one that its node has not heard of', async () => {
  await using world = await makeWorld();
  const { asker, holder, agent, make, stateOf, query } = world;
  const listeners = await make(3);
  const [heard = '', unheard = '', cut = ''] = listeners.map(({ id }) => id);
  const clients = await Promise.all(
    listeners.map(({ laddr }) => agent.plane.connect(laddr?.port ?? 0)),
  );
  const leaving = new AbortController();
  const by = { ...caller, signal: leaving.signal };
  holder.control.deleteListener(by, heard, drainMs).catch(() => undefined);
  await waitFor('the drain', async () => (await stateOf(heard)) === 'draining');
  leaving.abort(new Error('gone'));

  agent.cut();
  await query(`UPDATE nodes SET state = 'disconnected' WHERE id = $1`, [agent.nodeId]);
  for (const id of [unheard, cut])
    expect(await asker.control.deleteListener(caller, id, drainMs)).toBe(false);
  expect(await asker.control.deleteListener(caller, cut, 0)).toBe(false);
  const before = agent.plane.calls.length;
  await agent.connect(asker);
  await waitFor('all wishes', () => agent.wishEnds === 2);

  const told = agent.plane.calls.slice(before).filter((one) => one.kind === 'endWish');
  const leftMs = Object.fromEntries(told.map((one) => [one.listenerId, one.drainMs]));
  expect(leftMs).toEqual({ [heard]: expect.any(Number), [unheard]: expect.any(Number), [cut]: 0 });
  expect(Math.min(leftMs[heard] ?? 0, leftMs[unheard] ?? 0)).toBeGreaterThan(drainMs / 2);
  await waitFor('the end of what was cut', async () => (await stateOf(cut)) === 'closed');
  const [first, second] = clients;
  await first?.echo('still here');
  await second?.echo('here, too');
  expect([await stateOf(heard), await stateOf(unheard)]).toEqual(['draining', 'draining']);
  // Of whoever began it nothing is kept over sessions; who cuts it short is on record.
  const actor = { kind: 'key', id: sampleId(1), hint: 'cutter' } as const;
  const cutter = { ...caller, operation: 'cutShort', actor };
  asker.control.deleteListener(cutter, heard, 0).catch(() => undefined);
  for (const client of clients) client.end();
  for (const id of [heard, unheard])
    await waitFor('its end', async () => (await stateOf(id)) === 'closed');
  const entries = await query(`SELECT actor_hint FROM audit_entries WHERE operation = 'cutShort'`);
  expect(entries).toEqual([{ actor_hint: 'cutter' }]);
  const [ended] = await query(
    "SELECT data->'actor'->>'id' AS actor FROM events WHERE type = 'listener_closed' AND listener_id = $1",
    [heard],
  );
  expect(ended).toEqual({ actor: actor.id });
});

test('who deletes again what its node is slow to end has no entry, and is not the actor', async () => {
  await using world = await makeWorld();
  const { holder, agent, make, stateOf, query } = world;
  const [listener] = await make(1);
  const id = listener?.id ?? '';
  const gate = Promise.withResolvers<void>();
  agent.plane.gates.endWish = gate.promise;
  const by = (name: string) => ({
    ...caller,
    actor: { kind: 'key', id: sampleId(name.charCodeAt(0)), hint: name } as const,
  });
  for (const name of ['a', 'b']) {
    expect(await holder.control.deleteListener(by(name), id, 0)).toBe(false);
  }
  gate.resolve();
  await waitFor('its end', async () => (await stateOf(id)) === 'closed');
  const entries = await query(
    'SELECT actor_hint FROM audit_entries WHERE operation = $1 ORDER BY id',
    [caller.operation],
  );
  expect(entries.map((entry) => entry.actor_hint).filter((hint) => hint !== null)).toEqual(['a']);
  const [ended] = await query(
    "SELECT data->'actor'->>'id' AS actor FROM events WHERE type = 'listener_closed' AND listener_id = $1",
    [id],
  );
  expect(ended).toEqual({ actor: sampleId(97) });
});
