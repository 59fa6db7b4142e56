/** Nodes that come back after their place was taken, and one that comes under another name. */
import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { checkLog, clients, openConnections } from '../support/node-traffic.ts';
import { call, want } from '../support/rest-client.ts';
import { startStoreProxy } from '../support/store-proxy.ts';
import { makeHome, startApp, startProcess } from '../support/test-app.ts';
import { waitFor } from '../support/wait-for.ts';

/** Node ids of this file's own: a start ends what an earlier run of its node left behind on this host. */
const nodeA = `a-${randomUUID()}`;
const nodeB = `b-${randomUUID()}`;

test('a node that was only cut off ends when its place was taken, and recovers what is left', async () => {
  await using home = await makeHome();
  await using proxy = await startStoreProxy(home.environment.DATABASE_URL ?? '');
  await using b = await startApp({ KODAMA_NODE_ID: nodeB }, home);
  const far = { KODAMA_NODE_ID: nodeA, DATABASE_URL: proxy.url };
  await using a = await startProcess(home, far);
  const kept = await want(201, a, 'POST', '/v1/listeners', { name: 'kept' });
  const gone = await want(201, a, 'POST', '/v1/listeners', { name: 'gone' });
  const [talker] = await clients(gone.laddr.port, 1);
  await openConnections(b, 'gone', 1);
  proxy.cut();
  await waitFor('it to be missed', async () => {
    return (await call(b, 'DELETE', '/v1/listeners/gone')).status === 204;
  });
  // Its client, which it still serves, leaves: that must not be told after the end.
  await talker?.[Symbol.asyncDispose]();
  proxy.restore();
  expect(await a.exited).toBe(1);
  expect(a.lines.join()).toContain(`another process has taken the place of node ${nodeA}`);
  await using back = await startApp(far, home);
  expect(await want(200, back, 'GET', '/v1/listeners/kept')).toMatchObject({
    ...{ id: kept.id, state: 'listening', laddr: kept.laddr },
  });
  expect((await call(back, 'GET', '/v1/listeners/gone')).status).toBe(404);
  const events = await checkLog(b);
  const last = events.find(({ type }) => type === 'connection_closed');
  expect(last?.connection).toMatchObject({ closeReason: 'interrupted' });
});

test('with the embedded PostgreSQL a start under another name lets go of what the old one left', async () => {
  await using home = await makeHome({ DATABASE_URL: '' });
  {
    await using old = await startProcess(home, { KODAMA_NODE_ID: nodeA });
    const { laddr } = await want(201, old, 'POST', '/v1/listeners', { name: 'mine' });
    await clients(laddr.port, 2);
    await openConnections(old, 'mine', 2);
    old.child.kill('SIGKILL');
    await old.exited;
  }
  await using fresh = await startProcess(home, { KODAMA_NODE_ID: nodeB });
  expect((await want(200, fresh, 'GET', '/v1/listeners')).listeners).toEqual([]);
  const { connections } = await want(200, fresh, 'GET', '/v1/connections');
  expect(connections).toHaveLength(2);
  for (const connection of connections) {
    expect(connection).toMatchObject({ nodeId: nodeA, closeReason: 'interrupted' });
  }
  const word = fresh.lines.find((line) => line.includes('let go of what another node left'));
  expect(JSON.parse(word ?? '{}')).toMatchObject({
    ...{ level: 40, node: nodeA, connections: 2, listeners: ['mine'] },
  });
  await want(201, fresh, 'POST', '/v1/listeners', { name: 'mine' });
  await checkLog(fresh);
  fresh.child.kill('SIGTERM');
  await fresh.exited;
});
