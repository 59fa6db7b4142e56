/** Start, stop, restart and crash of whole kodamas, as processes of their own. */

import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { expect, test } from 'vitest';
import { all, call, want } from './support/rest-client.ts';
import { openClient, talk } from './support/tcp-client.ts';
import { makeHome, startApp, startProcess } from './support/test-app.ts';
import { waitFor } from './support/wait-for.ts';

test('after a restart listeners have their ids, names and ports, and the history is whole', async () => {
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
  before.child.kill('SIGTERM');
  expect(await before.exited).toBe(0);

  await using after = await startProcess(home);
  const again = await want(200, after, 'GET', '/v1/listeners/kept');
  expect(again).toMatchObject({
    id: made.id,
    laddr: made.laddr,
    state: 'listening',
    labels: { a: 'b' },
  });
  expect(again.totalConnections).toBe(1);
  expect(await want(200, after, 'GET', '/v1/connections')).toEqual(history);
  expect(await talk(made.laddr.port, 'again')).toBe('again');
});

test('a stop closes what is open as shutdown, and the second start has nothing to mend', async () => {
  await using home = await makeHome();
  const first = await startProcess(home);
  const { laddr } = await want(201, first, 'POST', '/v1/listeners', {});
  await using client = await openClient(laddr.port);
  await client.echo('x');
  first.child.kill('SIGINT');
  expect(await first.exited).toBe(0);
  await using second = await startProcess(home);
  const [connection] = await all(second, '/v1/connections', 'connections');
  expect(connection).toMatchObject({
    state: 'closed',
    closeReason: 'shutdown',
    closeInitiator: 'system',
    bytesIn: 1,
  });
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
  await using second = await startProcess(home);
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

test('a worker that can not see that its control plane was killed is ended by the next start', async () => {
  await using home = await makeHome();
  const first = await startProcess(home);
  const { laddr, id, sockets } = await want(201, first, 'POST', '/v1/listeners', {});
  process.kill(sockets[0].pid, 'SIGSTOP');
  first.child.kill('SIGKILL');
  await first.exited;
  await using second = await startProcess(home);
  const again = await want(200, second, 'GET', `/v1/listeners/${id}`);
  expect(again).toMatchObject({ state: 'listening', laddr });
  expect(await talk(laddr.port, 'mine')).toBe('mine');
});

test('a port that a foreign process holds is reported, and waited for after a restart', async () => {
  await using home = await makeHome();
  const first = await startProcess(home);
  const { laddr, id } = await want(201, first, 'POST', '/v1/listeners', {});
  first.child.kill('SIGTERM');
  await first.exited;
  const foreign = createServer().listen(laddr.port, '127.0.0.1');
  await once(foreign, 'listening');
  await using second = await startProcess(home);
  const failed = await want(200, second, 'GET', `/v1/listeners/${id}`);
  expect(failed).toMatchObject({ state: 'failed', reason: { code: 'port_in_use' }, sockets: [] });
  const refused = await call(second, 'POST', '/v1/listeners', { port: laddr.port });
  expect(refused).toMatchObject({ status: 409, body: { code: 'port_in_use', owner: id } });
  foreign.close();
  await waitFor(
    'the port',
    async () => (await want(200, second, 'GET', `/v1/listeners/${id}`)).state === 'listening',
  );
  expect(await talk(laddr.port, 'mine')).toBe('mine');
});

test('create after delete takes the very same port at once', async () => {
  await using app = await startApp();
  const first = await want(201, app, 'POST', '/v1/listeners', {});
  const { port } = first.laddr;
  for (let round = 0; round < 20; round++) {
    const { id } = await want(200, app, 'GET', `/v1/listeners?port=${port}`).then(
      ({ listeners }) => listeners[0],
    );
    const lingering = connect(port, '127.0.0.1');
    await once(lingering, 'connect');
    await want(204, app, 'DELETE', `/v1/listeners/${id}`);
    lingering.destroy();
    await want(201, app, 'POST', '/v1/listeners', { port });
  }
});
