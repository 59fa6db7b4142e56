/** Several workers serve each listener: to its users it is one port, whatever becomes of any of them. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { closedConnections, refusals } from './support/history.ts';
import { kernelSocket } from './support/proc-sockets.ts';
import { all, call, type Reply, want } from './support/rest-client.ts';
import { openClient, type TcpClient, talk } from './support/tcp-client.ts';
import { type RunningApp, sharedApp, startApp, type TestApp } from './support/test-app.ts';
import { waitFor } from './support/wait-for.ts';
import {
  foreignServer,
  pidsOf,
  type Socket,
  withSuccessors,
  workerPids,
} from './support/worker-sockets.ts';

type Body = Reply['body'];

const isLinux = process.platform === 'linux';

const app = sharedApp({ KODAMA_WORKERS: '3' });

async function startWorkers(count: number): Promise<TestApp & { pids: number[] }> {
  const own = await startApp({ KODAMA_WORKERS: String(count) });
  return { ...own, pids: await workerPids(own) };
}

/** Clients that are echoed and stay, as many as it takes for each worker to have at least `each`. */
async function clientsOfAll(
  app: RunningApp,
  listener: Body,
  each: number,
  stack: AsyncDisposableStack,
) {
  const clients: TcpClient[] = [];
  for (;;) {
    const client = stack.use(await openClient(listener.laddr.port));
    await client.echo('x');
    clients.push(client);
    const records = await openRecords(app, listener, clients.length);
    const byPid = Map.groupBy(records, ({ pid }) => pid);
    const isEnough = pidsOf(listener).every((pid) => (byPid.get(pid)?.length ?? 0) >= each);
    if (isEnough) return { clients, records };
  }
}

async function openRecords(app: RunningApp, { id }: Body, count: number): Promise<Body[]> {
  return await waitFor(`${count} open connections on record`, async () => {
    const records = await all(app, `/v1/connections?listener=${id}&state=open`, 'connections');
    return records.length === count ? records : null;
  });
}

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

/**
 * Gone, or a zombie of one thread: `Z` alone is what the first thread is as soon as it has ended,
 * while others may hold the files that all of them share for a moment more (proc(5)).
 */
function isDead(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [state, threads] = [fields[0], fields[17]];
    return state === 'Z' && threads === '1';
  } catch {
    return true;
  }
}

test('kill -9 of one of two workers: the other goes on, and new clients are served throughout', async () => {
  await using own = await startWorkers(2);
  await using stack = new AsyncDisposableStack();
  const listener = await want(201, own, 'POST', '/v1/listeners', {});
  const { clients, records } = await clientsOfAll(own, listener, 3, stack);
  const [lost = 0, kept] = own.pids;
  const portsOf = (pid: number | undefined) =>
    records.filter((record) => record.pid === pid).map(({ raddr }) => raddr.port);
  const has = (pid: number | undefined) => (client: TcpClient) =>
    portsOf(pid).includes(client.socket.localPort);
  process.kill(lost, 'SIGKILL');
  await Promise.all(clients.filter(has(lost)).map(({ ended }) => ended));
  // Its connections may be closed a moment before its listening socket is; then nobody is sent there any more.
  await waitFor('the death of all of it', () => isDead(lost));
  let served = 0;
  const successors = withSuccessors(own, listener.id, 2, [lost]);
  let isOver = false;
  const end = () => {
    isOver = true;
  };
  successors.then(end, end);
  while (!isOver || served < 20) {
    expect(await talk(listener.laddr.port, 'new')).toBe('new');
    served += 1;
  }
  const now = await successors;
  expect(now.laddr).toEqual(listener.laddr);
  expect(pidsOf(now)).toContain(kept);
  for (const client of clients.filter(has(kept))) {
    expect(await client.echo('untouched')).toBe('untouched');
    expect(client.error).toBeNull();
  }
  const crashed = await all(
    own,
    `/v1/connections?listener=${listener.id}&closeReason=worker_crashed`,
    'connections',
  );
  expect(crashed.map(({ raddr }) => raddr.port).toSorted()).toEqual(portsOf(lost).toSorted());
  for (const { pid, closeInitiator } of crashed)
    expect([pid, closeInitiator]).toEqual([lost, 'system']);
  const { workers } = await want(200, own, 'GET', '/v1/status');
  expect(workers.map(({ pid }: Socket) => pid).toSorted()).toEqual(pidsOf(now).toSorted());
});

test('kill -9 of all workers at once: what was open is on record once, and all ports come back', async () => {
  await using own = await startWorkers(2);
  await using stack = new AsyncDisposableStack();
  const listeners = await Promise.all(
    Array.from({ length: 5 }, () => want(201, own, 'POST', '/v1/listeners', {})),
  );
  const [listener] = listeners;
  const { clients } = await clientsOfAll(own, listener, 2, stack);
  for (const pid of own.pids) process.kill(pid, 'SIGKILL');
  await Promise.all(clients.map(({ ended }) => ended));
  for (const { id, laddr } of listeners) {
    const now = await withSuccessors(own, id, 2, own.pids);
    expect(now.laddr).toEqual(laddr);
    expect(await talk(laddr.port, 'back')).toBe('back');
  }
  const path = `/v1/events?afterSeq=0&listenerId=${listener.id}&type=connection_closed`;
  const ends = await waitFor('the ends', async () => {
    const events = await all(own, path, 'events');
    return events.length === clients.length + 1 ? events : null;
  });
  const reasons = ends.map(({ connection }) => connection.closeReason);
  expect(reasons.filter((reason) => reason === 'worker_crashed')).toHaveLength(clients.length);
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
