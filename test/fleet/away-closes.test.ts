/** Listeners are closed in one call, of which one is on a node that nobody hears: both edges tell it apart. */
import { Client } from 'pg';
import { expect, test } from 'vitest';
import { caller } from '../support/core-world.ts';
import { call as grpcCall, grpcClient } from '../support/grpc-client.ts';
import { addNode, FakeAgent, startReplica, unswept } from '../support/replica.ts';
import { call, want } from '../support/rest-client.ts';
import { sampleNewListener } from '../support/samples.ts';
import { sharedApp } from '../support/test-app.ts';

const app = sharedApp({}, undefined, unswept);
const name = 'away';

test('one whose node is away is draining, and not among the closed', async () => {
  await using replica = await startReplica(app.databaseUrl, 'gateway');
  const client = new Client({ connectionString: app.databaseUrl });
  await client.connect();
  await using _ = { [Symbol.asyncDispose]: () => client.end() };
  const agent = new FakeAgent(await addNode(replica, (...asked) => client.query(...asked)));
  await agent.connect(replica);
  const labels = { run: 'away' };
  const placement = { node: 'dmz-1', onNodeLost: 'stay' } as const;
  const [away] = await replica.control.createListeners(caller, [
    sampleNewListener({ name, labels, placement }),
  ]);
  agent.cut();
  await client.query(`UPDATE nodes SET state = 'disconnected' WHERE id = $1`, [agent.nodeId]);

  const here = await want(201, app, 'POST', '/v1/listeners', { labels });
  const headers = { 'idempotency-key': 'away' };
  for (const _time of ['first', 'repeat']) {
    const { body } = await call(app, 'POST', '/v1/listeners:close', { labels }, headers);
    expect(body).toEqual({ closed: [here.id], draining: [away?.id] });
  }
  expect((await call(app, 'POST', '/v1/listeners', { name })).body).toMatchObject({
    ...{ code: 'already_exists', owner: away?.id },
  });

  const onGrpc = grpcClient(app.grpcAddress);
  const answer = await grpcCall<{ closed: string[]; draining: string[] }>((done) =>
    onGrpc.listeners.CloseListeners({ ids: [name, here.id] }, done),
  );
  onGrpc[Symbol.dispose]();
  expect(answer).toMatchObject({ closed: [here.id], draining: [away?.id] });
});
