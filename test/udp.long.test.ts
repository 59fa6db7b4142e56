/** UDP over a restart, and datagrams that go round between two nodes, also changed so that none is like another. */
import { expect, test } from 'vitest';
import { want } from './support/rest-client.ts';
import { makeHome, sharedApp, startApp } from './support/test-app.ts';
import { openUdp } from './support/udp-client.ts';
import {
  bounceToDeath,
  listenUdp,
  refusalsWhen,
  sessionsOf,
  withDataPlane,
} from './support/udp-sessions.ts';

const looping = withDataPlane({ udpLoopReturnsMax: 50 });
const nodes = [sharedApp({}, undefined, looping), sharedApp({}, undefined, looping)] as const;
const corrupt = { type: 'corrupt', bytes: 2 };

test.each([
  [[]],
  [[corrupt]],
  [[corrupt, { type: 'latency', delayMs: 20 }]],
  [[corrupt, { type: 'duplicate' }]],
])('datagrams that bounce between the listeners of two nodes die out: %o', (faults) =>
  bounceToDeath(nodes, faults),
);

test('a shutdown ends the sessions, and after it the listener is bound again', async () => {
  await using home = await makeHome();
  const first = await startApp({}, home);
  const listener = await listenUdp(first, { name: 'kept', host: '0.0.0.0' });
  const target = { ip: '127.0.0.1', port: listener.laddr.port };
  await using client = await openUdp();
  await client.echo(target, 'x');
  await first[Symbol.asyncDispose]();
  await using second = await startApp({}, home);
  expect(await sessionsOf(second, listener)).toMatchObject([
    { state: 'closed', closeReason: 'shutdown', closeInitiator: 'system', bytesIn: 1 },
  ]);
  const again = await want(200, second, 'GET', '/v1/listeners/kept');
  expect(again).toMatchObject({ id: listener.id, laddr: listener.laddr, state: 'listening' });
  expect(String(await client.echo(target, 'back'))).toBe('back');
});

test('the sessions of a worker are bounded over all listeners', async () => {
  await using app = await startApp({}, undefined, withDataPlane({ udpSessionsMax: 2 }));
  const listeners = [await listenUdp(app), await listenUdp(app)] as const;
  await using first = await openUdp();
  await using second = await openUdp();
  await first.echo(listeners[0].laddr, 'x');
  await first.echo(listeners[1].laddr, 'x');
  await second.send(listeners[0].laddr, 'x');
  const refusals = await refusalsWhen(app, listeners[0], ({ length }) => length > 0);
  expect(refusals).toMatchObject([{ rule: 'worker_capacity', raddr: { port: second.port } }]);
  expect(second.answers).toEqual([]);
  await want(204, app, 'DELETE', `/v1/listeners/${listeners[1].id}`);
  await second.echo(listeners[0].laddr, 'x');
});
