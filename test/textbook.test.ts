/**
 * What every textbook says about sockets, on real ones: what kodama has on record is held against what its
 * clients know of themselves and what the kernel shows of the workers in /proc.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';
import { long } from './support/long.ts';
import { kernelSocket } from './support/proc-sockets.ts';
import { all, type Reply, want } from './support/rest-client.ts';
import { openClient, talk } from './support/tcp-client.ts';
import { commonApp, commonPair, type RunningApp } from './support/test-app.ts';
import { waitFor } from './support/wait-for.ts';

const app = commonApp();
const pair = commonPair();

type Body = Reply['body'];

const isLinux = process.platform === 'linux';
const text = ({ ip, port }: { ip: string; port: number }): string => `${ip}:${port}`;
const pairOf = (one: Body): string => `${text(one.raddr)} → ${text(one.laddr)}`;

/** The connections of a listener that are on record as open, once there are so many of them. */
async function openRecords(listener: Body, count: number, at: RunningApp = app): Promise<Body[]> {
  const path = `/v1/connections?listener=${listener.id}&state=open`;
  return await waitFor(`${count} open connections on record`, async () => {
    const records = await all(at, path, 'connections');
    return records.length === count ? records : null;
  });
}

/** The client's own address, as its kernel gave it. */
function ownAddress({ socket }: Awaited<ReturnType<typeof openClient>>): string {
  return `${socket.localAddress}:${socket.localPort}`;
}

test.runIf(isLinux)(
  'accept makes a new socket with a descriptor of its own; the listening one goes on listening',
  async () => {
    const listener = await want(201, app, 'POST', '/v1/listeners', {});
    const [listening] = listener.sockets;
    const { inode: listeningInode, ...listeningSocket } = await kernelSocket(listening);
    const atRest = { state: 'LISTEN', local: text(listener.laddr), remote: '0.0.0.0:0' };
    expect(listeningSocket).toEqual(atRest);

    await using client = await openClient(listener.laddr.port);
    await client.echo('hello');
    const [record] = await openRecords(listener, 1);
    expect(record.pid).toBe(listening.pid);
    expect(record.fd).not.toBe(listening.fd);
    expect(record.laddr).toEqual(listener.laddr);
    expect(text(record.raddr)).toBe(ownAddress(client));
    const { inode: acceptedInode, ...acceptedSocket } = await kernelSocket(record);
    expect(acceptedInode).not.toBe(listeningInode);
    expect(acceptedSocket).toEqual({
      state: 'ESTABLISHED',
      local: text(listener.laddr),
      remote: ownAddress(client),
    });

    const now = await want(200, app, 'GET', `/v1/listeners/${listener.id}`);
    expect(now).toMatchObject({ state: 'listening', sockets: listener.sockets });
    expect(await kernelSocket(listening)).toEqual({ inode: listeningInode, ...atRest });
    expect(await talk(listener.laddr.port, 'one more')).toBe('one more');
    expect(await client.echo('still here')).toBe('still here');
  },
);

test.runIf(isLinux)(
  'one port serves many clients at once, told apart by the pair of addresses',
  async () => {
    const many = 50;
    await using cleanup = new AsyncDisposableStack();
    const listener = await want(201, app, 'POST', '/v1/listeners', {});
    const { port } = listener.laddr;
    const clients = await Promise.all(Array.from({ length: many }, () => openClient(port)));
    for (const client of clients) cleanup.use(client);
    // All of them talk while all of them are open, and each gets its own words back.
    const words = clients.map((client) => `I am ${ownAddress(client)}`);
    const echoes = await Promise.all(
      clients.map((client, index) => client.echo(words[index] ?? '')),
    );
    expect(echoes).toEqual(words);

    const records = await openRecords(listener, many);
    expect(new Set(records.map(({ laddr }) => text(laddr)))).toEqual(
      new Set([text(listener.laddr)]),
    );
    const pairs = clients.map((client) => `${ownAddress(client)} → ${text(listener.laddr)}`);
    expect(records.map(pairOf).toSorted()).toEqual(pairs.toSorted());
    // In one process each socket has a descriptor of its pair, and the kernel knows the same pairs by it.
    expect(new Set(records.map(({ fd }) => fd)).size).toBe(many);
    const sockets = await Promise.all(records.map((record) => kernelSocket(record)));
    expect(sockets.map(({ local, remote }) => `${remote} → ${local}`)).toEqual(records.map(pairOf));
    expect(new Set(sockets.map(({ inode }) => inode)).size).toBe(many);
  },
);

const clientProgram = `
  const socket = require('node:net').connect(Number(process.argv[1]), '127.0.0.1', () => {
    console.log(socket.localPort);
    process.stdin.resume().on('end', () => socket.end());
  });`;

/** A process of its own with one connection, until it is disposed. */
async function clientProcess(port: number) {
  const child = spawn(process.execPath, ['--eval', clientProgram, String(port)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const [line] = await once(createInterface(child.stdout), 'line');
  return {
    pid: child.pid,
    port: Number(line),
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      await once(child, 'exit');
    },
  };
}

test('two processes on one client host have different ports, and stay apart', long, async () => {
  const listener = await want(201, app, 'POST', '/v1/listeners', {});
  await using one = await clientProcess(listener.laddr.port);
  await using other = await clientProcess(listener.laddr.port);
  expect(one.pid).not.toBe(other.pid);
  expect(one.port).not.toBe(other.port);
  const records = await openRecords(listener, 2);
  expect(records.map(({ raddr }) => raddr).toSorted((a, b) => a.port - b.port)).toEqual(
    [one.port, other.port].toSorted((a, b) => a - b).map((port) => ({ ip: '127.0.0.1', port })),
  );
});

// Only Linux takes all of 127.0.0.0/8 for its own.
test.runIf(isLinux)(
  'two client hosts may use the same port, and stay apart by their addresses',
  async () => {
    const listener = await want(201, app, 'POST', '/v1/listeners', {});
    await using first = await openClient(listener.laddr.port, { localAddress: '127.0.0.2' });
    const localPort = first.socket.localPort ?? 0;
    const second = { localAddress: '127.0.0.3', localPort };
    await using other = await openClient(listener.laddr.port, second);
    expect(await Promise.all([first.echo('from two'), other.echo('from three')])).toEqual([
      'from two',
      'from three',
    ]);
    const records = await openRecords(listener, 2);
    expect(records.map(({ raddr }) => text(raddr)).toSorted()).toEqual([
      `127.0.0.2:${localPort}`,
      `127.0.0.3:${localPort}`,
    ]);
    expect(new Set(records.map(({ laddr }) => text(laddr))).size).toBe(1);

    // History still tells them apart when both are gone, by address as by port.
    first.socket.end();
    other.socket.end();
    await Promise.all([first.ended, other.ended]);
    const path = `/v1/connections?listener=${listener.id}&state=closed`;
    await waitFor('both in history', async () => {
      return (await all(app, path, 'connections')).length === 2;
    });
    for (const ip of ['127.0.0.2', '127.0.0.3']) {
      const found = await all(app, `${path}&raddr=${ip}`, 'connections');
      expect(found.map(({ raddr }) => raddr)).toEqual([{ ip, port: localPort }]);
    }
  },
);

test.runIf(isLinux)(
  'two workers may serve under the same descriptor: only pid and fd together name a socket',
  async () => {
    const clientsMax = 200;
    await using cleanup = new AsyncDisposableStack();
    const listener = await want(201, pair, 'POST', '/v1/listeners', {});
    const { workers } = await want(200, pair, 'GET', '/v1/status');
    const pids = workers.map(({ pid }: { pid: number }) => pid);
    expect(new Set(pids).size).toBe(2);
    expect(listener.sockets.map(({ pid }: { pid: number }) => pid).toSorted()).toEqual(
      pids.toSorted(),
    );
    for (const socket of listener.sockets) {
      expect(await kernelSocket(socket)).toMatchObject({
        state: 'LISTEN',
        local: text(listener.laddr),
      });
    }

    // The kernel spreads the clients; a few are enough for both workers to have one under the same number.
    let twins: Body[] = [];
    for (let count = 1; twins.length === 0 && count <= clientsMax; count += 1) {
      const client = cleanup.use(await openClient(listener.laddr.port));
      await client.echo('x');
      const records = await openRecords(listener, count, pair);
      for (const one of records) {
        const other = records.find(({ pid, fd }) => fd === one.fd && pid !== one.pid);
        if (other !== undefined) twins = [one, other];
      }
    }
    const [one, other] = twins;
    expect(one.fd).toBe(other.fd);
    expect([one.pid, other.pid].toSorted()).toEqual(pids.toSorted());
    expect(one.laddr).toEqual(other.laddr);
    const sockets = await Promise.all([kernelSocket(one), kernelSocket(other)]);
    expect(sockets[0].inode).not.toBe(sockets[1].inode);
    expect(sockets.map(({ local, remote }) => `${remote} → ${local}`)).toEqual(twins.map(pairOf));
  },
);
