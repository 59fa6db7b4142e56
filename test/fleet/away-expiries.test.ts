/** Listeners whose time is over while their node is away are closed by a sweep, unless that time was put off meanwhile. */
import { Client } from 'pg';
import { expect, test } from 'vitest';
import { defaultProject } from '../../src/core/project.ts';
import { caller } from '../support/core-world.ts';
import { addNode, FakeAgent, startReplica } from '../support/replica.ts';
import { sampleNewListener } from '../support/samples.ts';
import { makeDatabase } from '../support/test-database.ts';

const hour = 3_600_000_000;

test.each([
  ['disconnected', 'draining'],
  ['lost', 'closed'],
])(
  'of a node that is %s those that are due are %s then, and no others',
  async (nodeState, ended) => {
    await using resources = new AsyncDisposableStack();
    const { url } = resources.use(await makeDatabase());
    const client = new Client({ connectionString: url });
    await client.connect();
    resources.defer(() => client.end());
    const { control, ...replica } = resources.use(await startReplica(url, 'one'));
    const agent = new FakeAgent(
      await addNode(
        { control, ...replica },
        async (...asked) => (await client.query(...asked)).rows,
        'far',
      ),
    );
    await agent.connect({ control, ...replica });
    const placement = { node: 'far', onNodeLost: 'stay' } as const;
    const expiresAt = Date.now() * 1000 + hour;
    const made = await control.createListeners(
      caller,
      [expiresAt, null, expiresAt].map((at) => sampleNewListener({ placement, expiresAt: at })),
    );
    agent.cut();
    await client.query('UPDATE nodes SET state = $2 WHERE id = $1', [agent.nodeId, nodeState]);
    const [due = '', never = '', later = ''] = made.map(({ id }) => id);
    await client.query('UPDATE listeners SET expires_at = 1 WHERE id = $1', [due]);
    for (const id of [due, never, later]) await control.expireListener(defaultProject, id);
    const states = [due, never, later].map(
      async (id) => (await control.getListener(caller, id)).state,
    );
    expect(await Promise.all(states)).toEqual([ended, 'listening', 'listening']);
  },
);
