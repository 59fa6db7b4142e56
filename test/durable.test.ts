/** Recording durable: no byte comes back before the connection's opened event is committed. */
import { connect, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { all, want } from './support/rest-client.ts';
import { startStoreProxy } from './support/store-proxy.ts';
import { openClient } from './support/tcp-client.ts';
import { makeHome, startApp, startProcess, type TestProcess } from './support/test-app.ts';
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

const kills = 6;
const clientsAtOnce = 30;

interface Echoed {
  readonly ip: string;
  readonly bytes: number;
}

/** Clients from addresses of their own; kills once the first byte of any of them is back. */
async function killAtFirstEcho(port: number, round: number, kill: () => void): Promise<Echoed[]> {
  const echoed: Echoed[] = [];
  const visit = (index: number) =>
    new Promise<void>((resolve) => {
      const ip = `127.6.${round}.${index + 1}`;
      const socket: Socket = connect({ port, host: '127.0.0.1', localAddress: ip });
      socket.setNoDelay(true);
      socket.on('connect', () => socket.write('x'));
      socket.on('data', (data) => {
        if (echoed.length === 0) kill();
        echoed.push({ ip, bytes: data.length });
      });
      socket.on('error', () => undefined);
      socket.on('close', () => resolve());
    });
  await Promise.all(Array.from({ length: clientsAtOnce }, (_, index) => visit(index)));
  return echoed;
}

test('kill -9 of the control plane at the first echo, again and again: every echo is on record', async () => {
  await using home = await makeHome();
  await using first = await startProcess(home);
  const { laddr } = await want(201, first, 'POST', '/v1/listeners', { recording: 'durable' });
  const echoed: Echoed[] = [];
  let app: TestProcess = first;
  await using apps = new AsyncDisposableStack();
  for (let round = 0; round < kills; round++) {
    const { child } = app;
    echoed.push(...(await killAtFirstEcho(laddr.port, round, () => child.kill('SIGKILL'))));
    await app.exited;
    app = apps.use(await startProcess(home));
  }
  const connections = await all(app, '/v1/connections', 'connections');
  const recorded = new Set(connections.map(({ raddr }) => raddr.ip));
  expect(echoed.length).toBeGreaterThanOrEqual(kills);
  expect(echoed.filter(({ ip }) => !recorded.has(ip))).toEqual([]);
  expect(connections.every(({ state }) => state === 'closed')).toBe(true);
}, 120_000);

test('kill -9 of the worker at the first echo: every echo is on record', async () => {
  await using app = await startApp();
  const body = { recording: 'durable' };
  const { id, laddr } = await want(201, app, 'POST', '/v1/listeners', body);
  const echoed: Echoed[] = [];
  let killed = 0;
  for (let round = 0; round < kills; round++) {
    const pid = await waitFor('a worker', async () => {
      const { state, sockets } = await want(200, app, 'GET', `/v1/listeners/${id}`);
      const { workers } = await want(200, app, 'GET', '/v1/status');
      const bound: number | undefined = sockets[0]?.pid;
      // For a moment a lost worker is still shown as the one that listens.
      const isNew = state === 'listening' && workers[0]?.pid === bound && bound !== killed;
      return isNew ? (bound ?? null) : null;
    });
    killed = pid;
    echoed.push(
      ...(await killAtFirstEcho(laddr.port, 100 + round, () => process.kill(pid, 'SIGKILL'))),
    );
  }
  const recorded = await waitFor('the records', async () => {
    const connections = await all(app, `/v1/connections?listener=${id}`, 'connections');
    const isSettled = connections.every(({ state }) => state === 'closed');
    return isSettled ? new Set(connections.map(({ raddr }) => raddr.ip)) : null;
  });
  expect(echoed.length).toBeGreaterThanOrEqual(kills);
  expect(echoed.filter(({ ip }) => !recorded.has(ip))).toEqual([]);
}, 120_000);
