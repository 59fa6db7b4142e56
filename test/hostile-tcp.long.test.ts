/** Clients that mean no good, or simply too many of them: the rest is served and the API answers. */
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { closedConnections, refusals } from './support/history.ts';
import { want } from './support/rest-client.ts';
import { openClient, talk } from './support/tcp-client.ts';
import { makeHome, startApp, startProcess, type TestApp } from './support/test-app.ts';
import { waitFor } from './support/wait-for.ts';

async function listen(app: TestApp, spec: object = {}) {
  const { id, laddr, sockets } = await want(201, app, 'POST', '/v1/listeners', spec);
  return { id: id as string, port: laddr.port as number, pid: sockets[0].pid as number };
}

function residentBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) * 1024;
}

/** Many connections, from so many addresses that the ports of one do not run out. */
async function openMany(port: number, count: number): Promise<Socket[]> {
  const sockets: Socket[] = [];
  let next = 0;
  const one = async () => {
    while (next < count) {
      const n = next++;
      const socket = connect({ port, host: '127.0.0.1', localAddress: `127.9.0.${1 + (n % 50)}` });
      sockets.push(socket);
      // One that is refused may hear of it before it knows that it was connected.
      await once(socket, 'connect').catch(() => undefined);
      socket.on('error', () => undefined);
    }
  };
  await Promise.all(Array.from({ length: 200 }, one));
  return sockets;
}

test('15,000 idle connections: memory stays small, others are echoed, the API answers', async () => {
  await using app = await startApp();
  const { id, port, pid } = await listen(app, { limits: { maxConnections: 16_000 } });
  const before = residentBytes(pid);
  const sockets = await openMany(port, 15_000);
  await waitFor('all of them', async () => {
    return (await want(200, app, 'GET', `/v1/listeners/${id}`)).openConnections === 15_000;
  });
  expect(await talk(port, 'served all the same')).toBe('served all the same');
  expect((residentBytes(pid) - before) / 15_000).toBeLessThan(16_384);
  for (const socket of sockets) socket.resetAndDestroy();
  await waitFor('their end', async () => {
    return (await want(200, app, 'GET', `/v1/listeners/${id}`)).openConnections === 0;
  });
}, 120_000);

test('clients that send and never read are bounded in memory, and nobody waits for them', async () => {
  await using app = await startApp();
  const { id, port, pid } = await listen(app);
  await talk(port, 'warm');
  const before = residentBytes(pid);
  const sockets = await openMany(port, 150);
  const payload = Buffer.alloc(16 * 1024 * 1024);
  for (const socket of sockets) socket.pause().write(payload);
  // All are stuck when the kernel takes no more of what they send.
  const unsent = () => sockets.reduce((sum, socket) => sum + socket.writableLength, 0);
  let last = -1;
  await waitFor('all to be stuck', async () => {
    const now = unsent();
    const isStuck = now === last;
    last = now;
    expect(await talk(port, 'in between')).toBe('in between');
    return isStuck;
  });
  // One read each, and what the collector has not come to yet.
  const mebibyte = 1024 * 1024;
  expect(residentBytes(pid) - before).toBeLessThan((150 / 4 + 128) * mebibyte);
  for (const socket of sockets) socket.destroy();
  await waitFor('their end', async () => {
    return (await want(200, app, 'GET', `/v1/listeners/${id}`)).openConnections === 0;
  });
}, 120_000);

test('a storm of resets leaves one opened and one closed event for each', async () => {
  await using app = await startApp();
  const { id, port } = await listen(app);
  for (let round = 0; round < 20; round++) {
    for (const socket of await openMany(port, 100)) {
      socket.write('x');
      socket.resetAndDestroy();
    }
  }
  expect(await talk(port, 'after the storm')).toBe('after the storm');
  const total = 20 * 100 + 1;
  await waitFor('all of them, and their end', async () => {
    const now = await want(200, app, 'GET', `/v1/listeners/${id}`);
    return now.totalConnections === total && now.openConnections === 0;
  });
  expect(await closedConnections(app, id, total)).toHaveLength(total);
});

test('at the limit of open files it says so, refuses more, and goes on with what it has', async () => {
  await using home = await makeHome();
  await using app = await startProcess(home, {}, { openFilesMax: 400 });
  const { id, port } = await listen(app);
  await using first = await openClient(port);
  await first.echo('x');
  const sockets = await openMany(port, 350);
  const refused = await refusals(app, id, 50);
  expect(refused[0]).toMatchObject({ rule: 'worker_capacity' });
  expect(app.lines.some((line) => line.includes('sockets of the worker are in use'))).toBe(true);
  expect(await first.echo('still here')).toBe('still here');
  for (const socket of sockets) socket.destroy();
  await waitFor('room', async () => (await talk(port, 'again').catch(() => '')) === 'again');
});

test.runIf(process.platform === 'linux')(
  'however connections come and end, their descriptors and their room are given back',
  async () => {
    const roomMax = 300;
    await using app = await startApp({ KODAMA_CONNECTIONS_MAX: String(roomMax) });
    const limited = await listen(app, { limits: { maxConnections: 5 } });
    const { pid } = limited;
    const descriptors = () => readdirSync(`/proc/${pid}/fd`).length;
    // What Node opens once for TLS and the like is open by then.
    const visitAll = async () => {
      const many = [
        limited,
        await listen(app, { limits: { denyCidrs: ['127.9.0.0/24'] } }),
        await listen(app, { faults: [{ type: 'refuse' }] }),
        await listen(app, { faults: [{ type: 'accept_delay', delayMs: 60_000 }] }),
        await listen(app, { faults: [{ type: 'latency', delayMs: 60_000 }] }),
        await listen(app, { faults: [{ type: 'close', afterBytes: 1, mode: 'rst' }] }),
        await listen(app, { faults: [{ type: 'blackhole', how: 'stall' }] }),
        await listen(app, { proxyProtocol: { mode: 'required', trustedCidrs: [] } }),
        await listen(app, { protocol: 'tls' }),
        await listen(app, { recording: 'durable' }),
      ];
      for (const [index, { port }] of many.entries()) {
        const sockets = await openMany(port, 24);
        for (const [n, socket] of sockets.entries()) {
          socket.write(`no TLS and no header ${index}\n`);
          if (n % 3 === 0) socket.resetAndDestroy();
          else if (n % 3 === 1) socket.end();
        }
        // The rest stays until its listener goes.
        if (index > 0) await want(204, app, 'DELETE', `/v1/listeners/${many[index]?.id}`);
        for (const socket of sockets) socket.destroy();
      }
      await waitFor('all ends', async () => {
        return (await want(200, app, 'GET', `/v1/listeners/${limited.id}`)).openConnections === 0;
      });
    };
    await visitAll();
    const before = descriptors();
    await visitAll();
    await visitAll();
    await waitFor('the descriptors', () => descriptors() <= before);
    // Room for all but the listening sockets: none was lost on the way.
    const { id, port } = await listen(app, { limits: { maxConnections: roomMax } });
    const sockets = await openMany(port, roomMax - 10);
    await waitFor('all of them', async () => {
      return (await want(200, app, 'GET', `/v1/listeners/${id}`)).openConnections === roomMax - 10;
    });
    for (const socket of sockets) socket.destroy();
  },
);
