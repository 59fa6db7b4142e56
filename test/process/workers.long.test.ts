/** Workers that are killed again and again, and a stop in the middle of a drain. */
import { expect, test } from 'vitest';
import { closedConnections } from '../support/history.ts';
import { all, call, type Reply, want } from '../support/rest-client.ts';
import { openClient, type TcpClient, talk } from '../support/tcp-client.ts';
import { makeHome, startApp, startProcess, type TestApp } from '../support/test-app.ts';
import { waitFor } from '../support/wait-for.ts';
import {
  clientsOfAll,
  foreignServer,
  isDead,
  pidsOf,
  type Socket,
  withSuccessors,
  workerPids,
} from '../support/worker-sockets.ts';

type Body = Reply['body'];

async function isFree(port: number): Promise<boolean> {
  const server = await foreignServer({ port }).catch(() => null);
  await server?.[Symbol.asyncDispose]();
  return server !== null;
}

test('workers killed while listeners come, change, drain and go: nothing is lost and no port stays bound', async () => {
  await using app = await startApp({ KODAMA_WORKERS: '2' });
  const ports = new Set<number>();
  let isOver = false;
  const kill = async () => {
    for (let killed = 0; killed < 6; ) {
      const before = await workerPids(app);
      const [pid] = before.toSorted(() => Math.random() - 0.5);
      if (pid === undefined) continue;
      process.kill(pid, 'SIGKILL');
      killed += 1;
      await waitFor('another worker', async () => {
        const now = await workerPids(app);
        return now.length > 0 && !now.includes(pid);
      });
    }
    isOver = true;
  };
  const isFine = ({ status, body }: Reply, ...fine: number[]) => {
    const isUnavailable = status === 503 && body.code === 'unavailable';
    if (!isUnavailable) expect(fine, JSON.stringify(body)).toContain(status);
    return !isUnavailable;
  };
  const churn = async () => {
    while (!isOver) {
      const made = await call(app, 'POST', '/v1/listeners', {});
      if (!isFine(made, 201)) continue;
      const { id, laddr } = made.body;
      ports.add(laddr.port);
      const limits = { maxConnections: 50 };
      isFine(await call(app, 'PATCH', `/v1/listeners/${id}`, { limits }), 200);
      const client = await openClient(laddr.port).catch(() => null);
      const drain = ports.size % 2 === 0 ? '?drainMs=100' : '';
      if (ports.size % 3 > 0) isFine(await call(app, 'DELETE', `/v1/listeners/${id}${drain}`), 204);
      await client?.[Symbol.asyncDispose]();
    }
  };
  await Promise.all([kill(), churn(), churn(), churn()]);
  await waitFor('both workers', async () => (await workerPids(app)).length === 2);
  const left = await all(app, '/v1/listeners', 'listeners');
  for (const { id, laddr } of left) {
    const now = await withSuccessors(app, id, 2, []);
    expect(now.limits.maxConnections).toBeOneOf([50, 10_000]);
    expect(await talk(laddr.port, 'alive')).toBe('alive');
  }
  for (const { id } of left) await want(204, app, 'DELETE', `/v1/listeners/${id}`);
  for (const port of ports) expect(await isFree(port), `port ${port}`).toBe(true);
  const { workers } = await want(200, app, 'GET', '/v1/status');
  expect(workers.map(({ listeners }: Body) => listeners)).toEqual([0, 0]);
  const open = () => all(app, '/v1/connections?state=open', 'connections');
  await waitFor('every end on record', async () => (await open()).length === 0);
});

test('a stop while a listener drains does not wait for the drain', async () => {
  await using home = await makeHome({ KODAMA_WORKERS: '2' });
  const first = await startProcess(home);
  const { id, laddr } = await want(201, first, 'POST', '/v1/listeners', {});
  await using client = await openClient(laddr.port);
  await client.echo('x');
  const deleted = call(first, 'DELETE', `/v1/listeners/${id}?drainMs=3600000`).catch(() => null);
  await waitFor('the drain', async () => {
    return (await want(200, first, 'GET', `/v1/listeners/${id}`)).state === 'draining';
  });
  first.child.kill('SIGTERM');
  expect(await first.exited).toBe(0);
  await client.ended;
  await deleted;
  expect(client.sawEnd).toBe(true);
  await using second = await startApp({}, home);
  const listener = await want(200, second, 'GET', `/v1/listeners/${id}`);
  expect(listener.state).toBe('closed');
  const [connection] = await closedConnections(second, id);
  expect(connection).toMatchObject({ closeReason: 'shutdown', closeInitiator: 'system' });
});

async function startWorkers(count: number): Promise<TestApp & { pids: number[] }> {
  const own = await startApp({ KODAMA_WORKERS: String(count) });
  return { ...own, pids: await workerPids(own) };
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
