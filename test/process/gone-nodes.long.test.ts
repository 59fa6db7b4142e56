/** Nodes that come back after their place was taken, and one that comes under another name. */
import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { otherLastingPorts } from '../support/free-port.ts';
import { call as callGrpc, grpcClient } from '../support/grpc-client.ts';
import { checkLog, clients, missed, openConnections } from '../support/node-traffic.ts';
import { call, want } from '../support/rest-client.ts';
import { startStoreProxy } from '../support/store-proxy.ts';
import { openClient } from '../support/tcp-client.ts';
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

test('what a stopped node left is deleted at another, and the rest is there when it is back', async () => {
  await using home = await makeHome();
  await using b = await startApp({ KODAMA_NODE_ID: nodeB, ...otherLastingPorts }, home);
  const kept = await (async () => {
    await using a = await startProcess(home, { KODAMA_NODE_ID: nodeA });
    const make = (name: string) => want(201, a, 'POST', '/v1/listeners', { name });
    const made = { kept: await make('kept'), gone: await make('gone'), grpc: await make('grpc') };
    for (const { laddr } of Object.values(made)) await clients(laddr.port, 2);
    await openConnections(b, 'gone', 2);
    a.child.kill('SIGKILL');
    await a.exited;
    return made.kept;
  })();
  await missed(b, nodeA);
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

test('a stopped node is removed with what it has, for all who ask, and is back with its next start', async () => {
  await using home = await makeHome();
  await using b = await startApp({ KODAMA_NODE_ID: nodeB }, home);
  const path = `/v1/nodes/${nodeA}`;
  const listener = await (async () => {
    await using a = await startProcess(home, { KODAMA_NODE_ID: nodeA });
    const made = await want(201, a, 'POST', '/v1/listeners', { name: 'mine' });
    await clients(made.laddr.port, 1);
    await openConnections(b, 'mine', 1);
    return made;
  })();
  await missed(b, nodeA);
  await Promise.all([want(204, b, 'DELETE', path), want(204, b, 'DELETE', path)]);
  await want(204, b, 'DELETE', path);
  expect(await want(200, b, 'GET', path)).toMatchObject({ state: 'removed', listeners: 0 });
  expect(await want(200, b, 'GET', `/v1/listeners/${listener.id}`)).toMatchObject({
    state: 'closed',
  });
  const events = await checkLog(b);
  expect(events.at(-2)?.connection).toMatchObject({ closeReason: 'node_lost' });
  await using back = await startApp({ KODAMA_NODE_ID: nodeA }, home);
  expect(await want(200, back, 'GET', path)).toMatchObject({ state: 'ready', listeners: 0 });
});
