/** Recording durable: no byte comes back before the connection's opened event is committed. */
import { expect, test } from 'vitest';
import { all, want } from './support/rest-client.ts';
import { startStoreProxy } from './support/store-proxy.ts';
import { openClient } from './support/tcp-client.ts';
import { makeHome, startApp } from './support/test-app.ts';
import { waitFor } from './support/wait-for.ts';

test('while the store does not answer nothing is echoed, and once it does all of it is', async () => {
  await using home = await makeHome();
  await using proxy = await startStoreProxy(home.environment.DATABASE_URL ?? '');
  await using app = await startApp({ DATABASE_URL: proxy.url }, home);
  const { laddr: durable } = await want(201, app, 'POST', '/v1/listeners', {
    recording: 'durable',
  });
  const { laddr: batched } = await want(201, app, 'POST', '/v1/listeners', {
    recording: 'batched',
  });
  proxy.hold();
  await using waiting = await openClient(durable.port);
  waiting.socket.write('hello');
  await using other = await openClient(batched.port);
  // The worker has had many turns to answer both.
  for (let turn = 0; turn < 20; turn++) expect(await other.echo('batched')).toBe('batched');
  expect(waiting.received).toHaveLength(0);
  proxy.restore();
  await waitFor('the echo', () => waiting.received.toString() === 'hello');
  const open = await all(app, '/v1/connections?state=open', 'connections');
  expect(open.map(({ raddr }) => raddr.port)).toContain(waiting.socket.localPort);
});
