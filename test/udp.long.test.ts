/** UDP over a restart, and datagrams that go round between two nodes, also changed so that none is like another. */
import { expect, test } from 'vitest';
import { want } from './support/rest-client.ts';
import { makeHome, sharedApp, startApp } from './support/test-app.ts';
import { openUdp } from './support/udp-client.ts';
import { bounceToDeath, listenUdp, sessionsOf, withDataPlane } from './support/udp-sessions.ts';

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
