/** What a node left that is not there any more can be let go, and what is only stopped comes back. */
import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { call as callGrpc, grpcClient } from './support/grpc-client.ts';
import { checkLog, clients, openConnections } from './support/node-traffic.ts';
import { call, want } from './support/rest-client.ts';
import { openClient } from './support/tcp-client.ts';
import { makeHome, startApp, startProcess } from './support/test-app.ts';
import { waitFor } from './support/wait-for.ts';

/** Node ids of this file's own: a start ends what an earlier run of its node left behind on this host. */
const nodeA = `a-${randomUUID()}`;
const nodeB = `b-${randomUUID()}`;

test('what a stopped node left is deleted at another, and the rest is there when it is back', async () => {
  await using home = await makeHome();
  await using b = await startApp({ KODAMA_NODE_ID: nodeB }, home);
  const kept = await (async () => {
    await using a = await startProcess(home, { KODAMA_NODE_ID: nodeA });
    const make = (name: string) => want(201, a, 'POST', '/v1/listeners', { name });
    const made = { kept: await make('kept'), gone: await make('gone'), grpc: await make('grpc') };
    for (const { laddr } of Object.values(made)) await clients(laddr.port, 2);
    const [one] = await openConnections(b, 'gone', 2);
    // While it is up nobody else may.
    for (const path of ['/v1/listeners/gone', `/v1/connections/${one.id}:close`]) {
      const method = path.endsWith(':close') ? 'POST' : 'DELETE';
      const refused = await call(b, method, path, method === 'POST' ? {} : undefined);
      expect(refused).toMatchObject({ status: 409, body: { code: 'failed_precondition' } });
      expect(refused.body.detail).toContain(`is on node ${nodeA}, which is up: ask there`);
    }
    a.child.kill('SIGKILL');
    await a.exited;
    return made.kept;
  })();
  const [one, two] = await openConnections(b, 'gone', 2);
  const closed = await want(200, b, 'POST', `/v1/connections/${one.id}:close`, {});
  const interrupted = { state: 'closed', closeReason: 'interrupted', closeInitiator: 'system' };
  expect(closed).toMatchObject({ ...interrupted, id: one.id, nodeId: nodeA });
  expect(await want(200, b, 'GET', `/v1/connections/${two.id}`)).toMatchObject({ state: 'open' });
  const patched = await call(b, 'PATCH', '/v1/listeners/gone', { labels: {} });
  expect(patched.body.detail).toContain(`is on node ${nodeA}, which is not there`);
  // Twice at once, and by both edges.
  using client = grpcClient(b.grpcAddress);
  await Promise.all([
    want(204, b, 'DELETE', '/v1/listeners/gone'),
    callGrpc((done) => client.listeners.DeleteListener({ id: 'grpc' }, done)),
  ]);
  await openConnections(b, 'kept', 2);
  expect(await want(200, b, 'GET', `/v1/connections/${two.id}`)).toMatchObject(interrupted);
  await want(201, b, 'POST', '/v1/listeners', { name: 'gone' });

  await using back = await startApp({ KODAMA_NODE_ID: nodeA }, home);
  const { listeners } = await want(200, back, 'GET', '/v1/listeners?state=listening');
  expect(listeners.filter((each: { nodeId: string }) => each.nodeId === nodeA)).toMatchObject([
    { id: kept.id, laddr: kept.laddr, openConnections: 0, totalConnections: 2 },
  ]);
  await using again = await openClient(kept.laddr.port);
  await again.echo('hello again');
  await again[Symbol.asyncDispose]();
  await waitFor('its end', async () => {
    const { connections } = await want(200, b, 'GET', '/v1/connections?listener=kept&state=closed');
    return connections.length === 3;
  });
  await waitFor('the head at both', async () => {
    const heads = await Promise.all([b, back].map((app) => want(200, app, 'GET', '/v1/status')));
    return heads[0].headSeq === heads[1].headSeq;
  });
  await checkLog(b);
});
