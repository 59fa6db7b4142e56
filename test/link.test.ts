/** A worker without a process: link and echo host speak over whatever carries their messages. */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';
import { readConfig } from '../src/config.ts';
import type { WorkerRecord } from '../src/core/record.ts';
import { EchoHost } from '../src/echo/echo-host.ts';
import type { Command, Report, Transport } from '../src/echo/messages.ts';
import { Link } from '../src/workers/link.ts';
import { rejection } from './support/samples.ts';
import { talk } from './support/tcp-client.ts';
import { sampleBinding } from './support/worker-plane.ts';

/** JSON, a line each, over a TCP connection. */
function lines<Sent, Received>(socket: Socket): Transport<Sent, Received> {
  return {
    send: (message) => void socket.write(`${JSON.stringify(message)}\n`),
    onMessage: (receive) => {
      createInterface(socket).on('line', (line) => receive(JSON.parse(line)));
    },
    onEnd: (tellEnd) => void socket.once('close', tellEnd),
  };
}

/** Serves one control plane at a time; resolves with its port. */
async function serveHost(): Promise<{ port: number } & AsyncDisposable> {
  const server = createServer((socket) => {
    const transport = lines<Report, Command>(socket);
    let host: EchoHost | null = null;
    transport.onMessage((command) => {
      if (command.kind === 'start') host = new EchoHost(command.settings, transport.send);
      else host?.take(command);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    port: typeof address === 'object' ? (address?.port ?? 0) : 0,
    async [Symbol.asyncDispose]() {
      server.close();
      await once(server, 'close');
    },
  };
}

async function linkTo({ port }: { readonly port: number }) {
  const socket = connect(port, '127.0.0.1');
  const records: WorkerRecord[] = [];
  const bugs: unknown[] = [];
  const link = new Link({
    transport: lines<Command, Report>(socket),
    settings: { ...readConfig({}).dataPlane, nodeId: 'node-1', workers: 1, heartbeatMs: 1000 },
    onRecords: async (some) => void records.push(...some),
    onWarning: (message) => bugs.push(message),
    onEnd: () => undefined,
    onFailure: (error) => bugs.push(error),
  });
  await link.ready;
  return { link, socket, records, bugs };
}

test('a host is asked, reports and is acknowledged over a TCP connection as over a fork', async () => {
  await using host = await serveHost();
  const { link, socket, records, bugs } = await linkTo(host);
  const binding = { ...sampleBinding(1), recording: 'durable' } as const;
  const { listenerId } = binding;
  const bound = await link.request({ kind: 'open', binding, share: 'alone' });
  await link.request({ kind: 'serve', listenerId });
  // Durable: it is echoed once its record is acknowledged.
  expect(await talk(bound?.port ?? 0, 'as ever')).toBe('as ever');
  await link.request({ kind: 'close', listenerId, drainMs: 0, reason: 'listener_deleted' });
  expect(records[0]).toMatchObject({
    kind: 'opened',
    connection: { listenerId, pid: process.pid },
  });
  expect(records.at(-1)).toMatchObject({
    kind: 'closed',
    connection: { closeReason: 'peer_fin', bytesIn: 7 },
  });
  await link.settled();
  socket.end();
  await once(socket, 'close');
  const gone = await rejection(link.request({ kind: 'serve', listenerId }));
  expect(gone).toMatchObject({ code: 'unavailable' });
  expect(bugs).toEqual([]);
});

test('of a listener that drains only who closes it first is told when it is gone', async () => {
  await using host = await serveHost();
  const { link, socket, bugs } = await linkTo(host);
  const binding = sampleBinding(1);
  const { listenerId } = binding;
  const bound = await link.request({ kind: 'open', binding, share: 'alone' });
  await link.request({ kind: 'serve', listenerId });
  const client = connect(bound?.port ?? 0, '127.0.0.1');
  client.write('hello');
  await once(client, 'data');
  const close = { kind: 'close', listenerId, reason: 'listener_deleted' } as const;
  let isGone = false;
  const first = link.request({ ...close, drainMs: 600_000 }).then(() => {
    isGone = true;
  });
  for (let minutes = 9; minutes > 0; minutes -= 1) {
    await link.request({ ...close, drainMs: minutes * 60_000 });
  }
  expect(isGone).toBe(false);
  const ended = once(client.resume(), 'close');
  await link.request({ ...close, drainMs: 0 });
  await Promise.all([first, ended]);
  socket.end();
  await once(socket, 'close');
  expect(bugs).toEqual([]);
});
