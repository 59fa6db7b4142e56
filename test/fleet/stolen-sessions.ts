/** Lives of connections on a node whose session goes from replica to replica in the middle of everything. */
import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { expect } from 'vitest';
import { caller } from '../support/core-world.ts';
import type { FakeClient } from '../support/fake-client.ts';
import { addNode, FakeAgent, startReplica } from '../support/replica.ts';
import { sampleNewListener } from '../support/samples.ts';
import { seededRandom } from '../support/store-samples.ts';
import { makeDatabase } from '../support/test-database.ts';
import { waitFor } from '../support/wait-for.ts';

/** In the end each connection has one opened and one closed event, and the log is dense. */
export async function playStolenSessions(seed: number, steps: number): Promise<void> {
  const random = seededRandom(seed);
  const pick = <Item>(items: readonly Item[]) => items[Math.floor(random() * items.length)] as Item;
  await using database = await makeDatabase();
  await using client = await connected(database.url);
  const query = async (text: string, values: unknown[] = []) =>
    (await client.query(text, values)).rows;
  await using a = await startReplica(database.url, `a-${seed}`);
  await using b = await startReplica(database.url, `b-${seed}`);
  const agents: { agent: FakeAgent; port: number; open: FakeClient[] }[] = [];
  for (const name of ['one', 'two']) {
    const agent = new FakeAgent(await addNode(a, query, name));
    await agent.connect(a);
    const input = sampleNewListener({
      placement: { node: name, onNodeLost: 'stay' },
      name: `at-${name}`,
    });
    const [listener] = await b.control.createListeners(caller, [input]);
    agents.push({ agent, port: listener?.laddr?.port ?? 0, open: [] });
  }
  const ids: string[] = [];
  for (let step = 0; step < steps; step += 1) {
    const { agent, port, open } = pick(agents);
    const choice = random();
    if (choice < 0.4) {
      const one = await agent.plane.connect(port);
      ids.push(one.id);
      open.push(one);
    } else if (choice < 0.7) open.splice(Math.floor(random() * open.length), 1)[0]?.end();
    else if (choice < 0.8) agent.cut();
    else if (choice < 0.9) await agent.connect(pick([a, b]));
    else await new Promise(setImmediate);
  }
  for (const { agent, open } of agents) {
    for (const one of open) one.end();
    await agent.connect(pick([a, b]));
  }
  await waitFor('all of it', () => agents.every(({ agent }) => agent.unacknowledged === 0));
  const rows = await query('SELECT id, opened_seq, closed_seq FROM closed_connections');
  expect(rows.map(({ id }) => id).sort()).toEqual([...ids].sort());
  const [{ seqs, head }] = await query(`SELECT array_agg(seq ORDER BY seq)::int[] AS seqs,
      (SELECT seq::int FROM log_heads WHERE project = 1) AS head FROM (
    SELECT seq FROM events UNION ALL SELECT opened_seq FROM closed_connections
    UNION ALL SELECT closed_seq FROM closed_connections) every_seq`);
  expect(seqs).toEqual(Array.from({ length: head }, (_, index) => index + 1));
  expect(await query('SELECT FROM open_connections')).toEqual([]);
}

async function connected(url: string) {
  const client = new Client({ connectionString: url, application_name: randomUUID() });
  await client.connect();
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.end() });
}
