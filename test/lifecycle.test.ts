/** Start, stop, restart and crash of whole kodamas, as processes of their own; the rest of it is in test/process. */
import { expect, test } from 'vitest';
import { all, want } from './support/rest-client.ts';
import { openClient, talk } from './support/tcp-client.ts';
import { makeHome, startApp, startProcess } from './support/test-app.ts';
import { waitFor } from './support/wait-for.ts';

test('a stop closes what is open; after it listeners have their ids, names and ports, and the history is whole', async () => {
  await using home = await makeHome();
  const before = await startProcess(home);
  const made = await want(201, before, 'POST', '/v1/listeners', {
    name: 'kept',
    labels: { a: 'b' },
  });
  expect(await talk(made.laddr.port, 'hello')).toBe('hello');
  await waitFor(
    'the close',
    async () =>
      (await want(200, before, 'GET', '/v1/connections?state=closed')).connections.length === 1,
  );
  const history = await want(200, before, 'GET', '/v1/connections');
  await using client = await openClient(made.laddr.port);
  await client.echo('x');
  before.child.kill('SIGTERM');
  // What follows at once is its echo.
  before.child.kill('SIGINT');
  expect(await before.exited).toBe(0);

  await using after = await startApp({}, home);
  const again = await want(200, after, 'GET', '/v1/listeners/kept');
  expect(again).toMatchObject({
    id: made.id,
    laddr: made.laddr,
    state: 'listening',
    labels: { a: 'b' },
  });
  expect(again.totalConnections).toBe(2);
  const [stopped, ...others] = await all(after, '/v1/connections', 'connections');
  expect(others).toEqual(history.connections);
  expect(stopped).toMatchObject({
    state: 'closed',
    closeReason: 'shutdown',
    closeInitiator: 'system',
    bytesIn: 1,
  });
  expect(await talk(made.laddr.port, 'again')).toBe('again');
});

test('kill -9 of the control plane: what was open is closed as interrupted, once', async () => {
  await using home = await makeHome();
  const first = await startProcess(home);
  const { laddr, id } = await want(201, first, 'POST', '/v1/listeners', {});
  await using client = await openClient(laddr.port);
  await client.echo('x');
  await waitFor(
    'the record',
    async () =>
      (await want(200, first, 'GET', '/v1/connections?state=open')).connections.length === 1,
  );
  first.child.kill('SIGKILL');
  await first.exited;
  await client.ended;
  await using second = await startApp({}, home);
  const [connection, ...others] = await all(second, '/v1/connections', 'connections');
  expect(others).toEqual([]);
  expect(connection).toMatchObject({ closeReason: 'interrupted', closeInitiator: 'system' });
  const events = await all(second, `/v1/events?afterSeq=0&listenerId=${id}`, 'events');
  expect(events.map((event) => event.type)).toEqual([
    'listener_created',
    'listener_listening',
    'connection_opened',
    'connection_closed',
    'listener_listening',
  ]);
  expect(await talk(laddr.port, 'back')).toBe('back');
});

test('kill -9 of a worker: its connections are closed as worker_crashed, its listeners come back', async () => {
  await using app = await startApp();
  const { laddr, id, sockets } = await want(201, app, 'POST', '/v1/listeners', {});
  await using client = await openClient(laddr.port);
  await client.echo('x');
  process.kill(sockets[0].pid, 'SIGKILL');
  await client.ended;
  const listener = await waitFor('a new worker', async () => {
    const now = await want(200, app, 'GET', `/v1/listeners/${id}`);
    return now.sockets[0]?.pid !== sockets[0].pid && now.state === 'listening' && now;
  });
  expect(listener.laddr).toEqual(laddr);
  expect(await talk(laddr.port, 'back')).toBe('back');
  const lost = await all(app, '/v1/connections?closeReason=worker_crashed', 'connections');
  expect(lost).toHaveLength(1);
  expect(lost[0]).toMatchObject({ pid: sockets[0].pid, closeInitiator: 'system', state: 'closed' });
});
