/** Kills at the moment when a client has its first byte back: what was echoed must be on record. */
import { connect, type Socket } from 'node:net';
import { expect } from 'vitest';
import { all, want } from './rest-client.ts';
import { makeHome, startApp, startProcess } from './test-app.ts';
import { waitFor } from './wait-for.ts';

const clientsAtOnce = 30;

export interface Echoed {
  readonly ip: string;
  readonly bytes: number;
}

/** Clients from addresses of their own; kills once the first byte of any of them is back. */
export async function killAtFirstEcho(
  port: number,
  round: number,
  kill: () => void,
): Promise<Echoed[]> {
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

/** Kills as many control planes on one home, one after the other, and sees that each echo is on record. */
export async function killControlPlanes(kills: number): Promise<void> {
  await using home = await makeHome();
  const echoed: Echoed[] = [];
  for (let round = 0; round < kills; round++) {
    await using app = await startProcess(home);
    const [kept] = (await want(200, app, 'GET', '/v1/listeners')).listeners;
    const spec = { recording: 'durable' };
    const { laddr } = kept ?? (await want(201, app, 'POST', '/v1/listeners', spec));
    echoed.push(...(await killAtFirstEcho(laddr.port, round, () => app.child.kill('SIGKILL'))));
    await app.exited;
  }
  await using app = await startApp({}, home);
  const connections = await all(app, '/v1/connections', 'connections');
  const recorded = new Set(connections.map(({ raddr }) => raddr.ip));
  expect(echoed.length).toBeGreaterThanOrEqual(kills);
  expect(echoed.filter(({ ip }) => !recorded.has(ip))).toEqual([]);
  expect(connections.every(({ state }) => state === 'closed')).toBe(true);
}

/** The same with the workers of one control plane. */
export async function killWorkers(kills: number): Promise<void> {
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
}
