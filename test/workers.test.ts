/** Several workers serve each listener: to its users it is one port, whatever becomes of any of them. */
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { closedConnections, refusals } from './support/history.ts';
import { kernelSocket } from './support/proc-sockets.ts';
import { call, want } from './support/rest-client.ts';
import { openClient, type TcpClient, talk } from './support/tcp-client.ts';
import { sharedApp } from './support/test-app.ts';
import {
  clientsOfAll,
  foreignServer,
  openRecords,
  pidsOf,
  type Socket,
  workerPids,
} from './support/worker-sockets.ts';

const isLinux = process.platform === 'linux';

const app = sharedApp({ KODAMA_WORKERS: '3' });

test.runIf(isLinux)(
  'each worker has a socket of each listener, and the kernel spreads the connections',
  async () => {
    await using stack = new AsyncDisposableStack();
    const listeners = [
      await want(201, app, 'POST', '/v1/listeners', {}),
      await want(201, app, 'POST', '/v1/listeners', { host: '0.0.0.0' }),
    ];
    const pids = await workerPids(app);
    for (const listener of listeners) {
      expect(pidsOf(listener).toSorted()).toEqual(pids.toSorted());
      const sockets = await Promise.all(
        listener.sockets.map((socket: Socket) => kernelSocket(socket)),
      );
      const { ip, port } = listener.laddr;
      for (const socket of sockets) {
        expect(socket).toMatchObject({ state: 'LISTEN', local: `${ip}:${port}` });
      }
      expect(new Set(sockets.map(({ inode }) => inode)).size).toBe(3);
      const { clients, records } = await clientsOfAll(app, listener, 2, stack);
      for (const record of records) expect(record.laddr).toEqual({ ip: '127.0.0.1', port });
      const shown = await want(200, app, 'GET', `/v1/listeners/${listener.id}`);
      expect(shown.openConnections).toBe(clients.length);
      await want(204, app, 'DELETE', `/v1/listeners/${listener.id}`);
      await expect(openClient(port)).rejects.toThrow('ECONNREFUSED');
    }
  },
);

test('a port that is taken is refused with its owner, also where its owner would share it', async () => {
  for (const reusePort of [false, true]) {
    await using foreign = await foreignServer({ port: 0, reusePort });
    for (const host of ['127.0.0.1', '0.0.0.0']) {
      const { status, body } = await call(app, 'POST', '/v1/listeners', {
        host,
        port: foreign.port,
      });
      expect([status, body.code, body.owner]).toEqual([409, 'port_in_use', 'foreign']);
    }
  }
  const { id, laddr } = await want(201, app, 'POST', '/v1/listeners', {});
  for (const host of ['127.0.0.1', '0.0.0.0']) {
    const { status, body } = await call(app, 'POST', '/v1/listeners', { host, port: laddr.port });
    expect([status, body.code, body.owner]).toEqual([409, 'port_in_use', id]);
  }
  expect(await talk(laddr.port, 'as before')).toBe('as before');
});

test('create after delete takes the very same port at once, in all workers', async () => {
  let { id, laddr } = await want(201, app, 'POST', '/v1/listeners', {});
  const { port } = laddr;
  for (let round = 0; round < 10; round++) {
    await using client = await openClient(port);
    await client.echo('x');
    await want(204, app, 'DELETE', `/v1/listeners/${id}`);
    const next = await want(201, app, 'POST', '/v1/listeners', { port });
    expect(pidsOf(next)).toHaveLength(3);
    id = next.id;
  }
});

test('all workers together let in as many as a listener allows, and say whom they turned away', async () => {
  await using stack = new AsyncDisposableStack();
  const { id, laddr } = await want(201, app, 'POST', '/v1/listeners', {
    limits: { maxConnections: 5 },
  });
  const clients: TcpClient[] = [];
  for (let n = 0; n < 60; n++) {
    const client = await openClient(laddr.port).catch(() => null);
    if (client !== null) clients.push(stack.use(client));
  }
  await refusals(app, id, 55);
  await openRecords(app, { id }, 5);
  await want(200, app, 'PATCH', `/v1/listeners/${id}`, { limits: { maxConnections: 1 } });
  for (const client of clients) client.socket.destroy();
  await closedConnections(app, id, 5);
  let letIn = 0;
  for (let n = 0; n < 30; n++) {
    const client = await openClient(laddr.port).catch(() => null);
    if (client === null) continue;
    stack.use(client);
    client.socket.write('x');
    const echoed = once(client.socket, 'data').catch(() => undefined);
    await Promise.race([echoed, client.ended]);
    letIn += client.received.length;
  }
  expect(letIn).toBe(1);
});
