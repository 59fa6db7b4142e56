/** Who is turned away at accept, and what is told of it. */
import { expect, test } from 'vitest';
import { refusals } from './support/history.ts';
import { long } from './support/long.ts';
import { want } from './support/rest-client.ts';
import { openClient, wantRefused } from './support/tcp-client.ts';
import { commonApp, type RunningApp, startApp } from './support/test-app.ts';
import { waitFor } from './support/wait-for.ts';

const app = commonApp();

async function listen(limits: object, there: RunningApp = app) {
  const { id, laddr } = await want(201, there, 'POST', '/v1/listeners', { limits });
  return { id: id as string, port: laddr.port as number };
}

test('more connections than maxConnections are refused, until one leaves', async () => {
  const { id, port } = await listen({ maxConnections: 2 });
  await using first = await openClient(port);
  await using second = await openClient(port);
  await first.echo('a');
  await second.echo('b');
  await wantRefused(port);
  const [refusal] = await refusals(app, id);
  expect(refusal).toMatchObject({
    rule: 'max_connections',
    count: 1,
    protocol: 'tcp',
    laddr: { ip: '127.0.0.1', port },
    raddr: { ip: '127.0.0.1' },
  });
  expect(refusal.raddr.port).toBeGreaterThan(0);
  first.socket.end();
  await first.ended;
  await using third = await openClient(port);
  expect(await third.echo('c')).toBe('c');
});

test('a source has its own bound, and others are not held back by it', async () => {
  const { id, port } = await listen({ maxConnectionsPerSource: 1 });
  await using one = await openClient(port, { localAddress: '127.0.0.2' });
  await one.echo('a');
  await wantRefused(port, '127.0.0.2');
  await using other = await openClient(port, { localAddress: '127.0.0.3' });
  expect(await other.echo('b')).toBe('b');
  expect(await refusals(app, id)).toMatchObject([
    { rule: 'max_connections_per_source', raddr: { ip: '127.0.0.2' } },
  ]);
});

test('a burst above the accept rate is refused, and later ones are let in', async () => {
  const { id, port } = await listen({ acceptRate: { perSecond: 2, burst: 3 } });
  await using clients = new AsyncDisposableStack();
  for (let n = 0; n < 3; n++) clients.use(await openClient(port));
  await wantRefused(port);
  expect(await refusals(app, id)).toMatchObject([{ rule: 'accept_rate' }]);
  const isLetIn = async () => {
    const late = await openClient(port).catch(() => null);
    if (late === null) return false;
    clients.use(late);
    return await Promise.race([late.echo('x').then(() => true), late.ended.then(() => false)]);
  };
  await waitFor('a token', isLetIn);
});

test('of the networks that match a source the longest decides', async () => {
  const { id, port } = await listen({
    allowCidrs: ['127.0.0.0/8', '127.0.7.7'],
    denyCidrs: ['127.0.7.0/24'],
  });
  await using allowed = await openClient(port, { localAddress: '127.0.7.7' });
  expect(await allowed.echo('a')).toBe('a');
  await wantRefused(port, '127.0.7.8');
  expect(await refusals(app, id)).toMatchObject([
    { rule: 'deny_cidrs', raddr: { ip: '127.0.7.8' } },
  ]);
});

test.each([
  '::ffff:127.0.0.0/104',
  '::ffff:7f00:0/104',
  '0:0:0:0:0:ffff:7f00:0/104',
  '0:0:0:0:0:FFFF:127.0.0.0/104',
])('who is of %s is IPv4, and is denied and found as such', async (network) => {
  const { id, port } = await listen({ denyCidrs: [network] });
  await wantRefused(port, '127.0.0.3');
  expect(await refusals(app, id)).toMatchObject([{ rule: 'deny_cidrs' }]);
  const query = `type=connection_refused&listener=${id}&remoteCidr=${network}`;
  const { events } = await want(200, app, 'GET', `/v1/events?${query}`);
  expect(events).toHaveLength(1);
});

test('where networks are allowed by name, others are refused', async () => {
  const { id, port } = await listen({ allowCidrs: ['127.0.0.2'] });
  await wantRefused(port, '127.0.0.3');
  expect(await refusals(app, id)).toMatchObject([{ rule: 'allow_cidrs' }]);
});

test('a change of limits holds for new connections at once, and for the times of living ones', async () => {
  const { id, port } = await listen({ maxConnections: 1 });
  await using living = await openClient(port);
  await living.echo('a');
  await wantRefused(port);
  await want(200, app, 'PATCH', `/v1/listeners/${id}`, { limits: { maxConnections: 2 } });
  await using second = await openClient(port);
  expect(await second.echo('b')).toBe('b');
  expect(await living.echo('untouched')).toBe('untouched');
  await want(200, app, 'PATCH', `/v1/listeners/${id}`, { limits: { idleTimeoutMs: 100 } });
  await living.ended;
  expect(living.sawEnd).toBe(true);
});

test('refusals above a rate are counted, and none is lost', long, async () => {
  // The rate is that of a worker: who is refused here must not hide others.
  await using own = await startApp();
  const { id, port } = await listen({ denyCidrs: ['127.0.0.1'] }, own);
  const turnedAway = 400;
  for (let n = 0; n < turnedAway; n++) await wantRefused(port);
  const told = await refusals(own, id, turnedAway);
  expect(told.reduce((sum, { count }) => sum + count, 0)).toBe(turnedAway);
});
