/** How a connection ended, as its client saw it and as the record tells it. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { anOpenConnection, closedConnections } from './support/history.ts';
import { long } from './support/long.ts';
import { want } from './support/rest-client.ts';
import { openClient, openTlsClient } from './support/tcp-client.ts';
import { commonApp } from './support/test-app.ts';
import { waitFor } from './support/wait-for.ts';

const app = commonApp();

async function listen(spec: object = {}) {
  const { id, laddr } = await want(201, app, 'POST', '/v1/listeners', spec);
  return { id: id as string, port: laddr.port as number };
}

test('the client ends first: peer_fin, with the FIN answered after all its bytes', async () => {
  const { id, port } = await listen();
  await using client = await openClient(port, { allowHalfOpen: true });
  client.socket.end('last words');
  await waitFor('the answer', () => client.sawEnd);
  expect(client.received.toString()).toBe('last words');
  expect(await closedConnections(app, id)).toMatchObject([
    { closeReason: 'peer_fin', closeInitiator: 'peer', error: null, bytesIn: 10, bytesOut: 10 },
  ]);
});

test(
  'the client half-closes while it reads slowly: an event tells so, and all comes back',
  long,
  async () => {
    const { id, port } = await listen();
    await using client = await openClient(port, { allowHalfOpen: true });
    client.socket.pause();
    const sent = Buffer.alloc(24 * 1024 * 1024, 'kodama');
    // More than the buffers of two sockets hold: it is on its way when the FIN comes.
    let isSent = false;
    client.socket.end(sent, () => {
      isSent = true;
    });
    const events = `/v1/events?afterSeq=0&listenerId=${id}&type=connection_half_closed`;
    client.socket.resume();
    await waitFor('the answer', () => client.sawEnd);
    expect(isSent).toBe(true);
    expect(client.received.equals(sent)).toBe(true);
    const [connection] = await closedConnections(app, id);
    expect(connection).toMatchObject({ closeReason: 'peer_fin', bytesOut: sent.length });
    const { events: half } = await want(200, app, 'GET', events);
    for (const event of half) expect(event.connection.state).toBe('half_closed');
  },
);

test('the client resets: peer_rst with the code', async () => {
  const { id, port } = await listen();
  await using client = await openClient(port);
  await client.echo('x');
  client.socket.resetAndDestroy();
  expect(await closedConnections(app, id)).toMatchObject([
    { closeReason: 'peer_rst', closeInitiator: 'peer', error: 'ECONNRESET', bytesIn: 1 },
  ]);
});

test('nothing moves for the idle time: idle_timeout, and the client sees FIN', async () => {
  const { id, port } = await listen({ limits: { idleTimeoutMs: 300 } });
  await using client = await openClient(port);
  const begun = performance.now();
  await client.echo('still here');
  await client.ended;
  expect(performance.now() - begun).toBeGreaterThan(295);
  expect([client.sawEnd, client.error]).toEqual([true, null]);
  expect(await closedConnections(app, id)).toMatchObject([
    { closeReason: 'idle_timeout', closeInitiator: 'server', bytesIn: 10, bytesOut: 10 },
  ]);
});

test('it lasts too long, however busy it is: max_duration', async () => {
  const { id, port } = await listen({ limits: { maxDurationMs: 300, idleTimeoutMs: 250 } });
  await using client = await openClient(port);
  const busy = setInterval(() => client.socket.write('x'), 20);
  await client.ended;
  clearInterval(busy);
  const [connection] = await closedConnections(app, id);
  expect(connection).toMatchObject({ closeReason: 'max_duration', closeInitiator: 'server' });
  const lasted = Date.parse(connection.closedAt) - Date.parse(connection.acceptedAt);
  expect(lasted).toBeGreaterThanOrEqual(299);
});

test('it has read its bytes: max_bytes, all of them echoed and not one more', async () => {
  const { id, port } = await listen({ limits: { maxBytes: 100_000 } });
  await using client = await openClient(port);
  client.socket.write(Buffer.alloc(150_000, 'b'));
  await client.ended;
  expect([client.sawEnd, client.error]).toEqual([true, null]);
  expect(client.received.length).toBe(100_000);
  expect(await closedConnections(app, id)).toMatchObject([
    { closeReason: 'max_bytes', closeInitiator: 'server', bytesIn: 100_000, bytesOut: 100_000 },
  ]);
});

test('the client takes nothing: write_timeout, and only then', long, async () => {
  const { id, port } = await listen({ limits: { writeTimeoutMs: 400 } });
  await using client = await openClient(port);
  client.socket.pause();
  client.socket.write(Buffer.alloc(32 * 1024 * 1024));
  const [connection] = await closedConnections(app, id);
  expect(connection).toMatchObject({ closeReason: 'write_timeout', closeInitiator: 'server' });
  expect(connection.bytesOut).toBeLessThanOrEqual(connection.bytesIn);
  // One that reads on is left alone, idle or not.
  await using reader = await openClient(port);
  await reader.echo('x'.repeat(100_000));
  expect(reader.error).toBeNull();
});

test.each([{ faults: [] }, { faults: [{ type: 'latency', delayMs: 1 }] }])(
  'the client takes nothing over TLS: write_timeout, with faults $faults too',
  long,
  async (spec) => {
    const limits = { writeTimeoutMs: 400 };
    const given = { protocol: 'tls', limits, ...spec };
    const { id, laddr, tls } = await want(201, app, 'POST', '/v1/listeners', given);
    await using client = await openTlsClient(laddr.port, tls.cert);
    client.socket.pause();
    client.socket.write(Buffer.alloc(32 * 1024 * 1024));
    const [connection] = await closedConnections(app, id);
    expect(connection).toMatchObject({ closeReason: 'write_timeout', closeInitiator: 'server' });
    expect(connection.bytesOut).toBeLessThan(connection.bytesIn);
  },
);

test.each([
  { mode: 'fin', sawEnd: true, error: null },
  { mode: 'rst', sawEnd: false, error: 'ECONNRESET' },
])(
  'the operator closes it with $mode: the client sees it, and the call tells the final record',
  async ({ mode, sawEnd, error }) => {
    const { id, port } = await listen();
    await using client = await openClient(port);
    await client.echo('abc');
    const { id: connectionId } = await anOpenConnection(app, id);
    const path = `/v1/connections/${connectionId}:close`;
    const closed = await want(200, app, 'POST', path, { mode });
    expect(closed).toMatchObject({
      state: 'closed',
      closeReason: `operator_${mode}`,
      closeInitiator: 'operator',
      bytesIn: 3,
      bytesOut: 3,
    });
    await client.ended;
    expect([client.sawEnd, client.error]).toEqual([sawEnd, error]);
    expect(await want(200, app, 'POST', path, { mode: 'fin' })).toEqual(closed);
  },
);

test('a fin of the operator reaches a client that goes on sending, which loses nothing', async () => {
  const { id, port } = await listen();
  await using client = await openClient(port, { allowHalfOpen: true });
  await client.echo('abc');
  const { id: connectionId } = await anOpenConnection(app, id);
  const path = `/v1/connections/${connectionId}:close`;
  const closing = want(200, app, 'POST', path, { mode: 'fin' });
  await waitFor('the FIN', () => client.sawEnd);
  client.socket.write('too late');
  client.socket.end();
  expect(await closing).toMatchObject({ closeReason: 'operator_fin', bytesIn: 3 });
  await client.ended;
  expect(client.error).toBeNull();
});

test('its listener is deleted: listener_deleted, by the operator', async () => {
  const { id, port } = await listen();
  await using client = await openClient(port, { allowHalfOpen: true });
  await client.echo('abc');
  await want(204, app, 'DELETE', `/v1/listeners/${id}`);
  await waitFor('the FIN', () => client.sawEnd);
  expect(await closedConnections(app, id)).toMatchObject([
    { closeReason: 'listener_deleted', closeInitiator: 'operator', bytesIn: 3, bytesOut: 3 },
  ]);
});

test('a drain lets connections end by themselves, and closes what is left at its end', async () => {
  const { id, port } = await listen();
  await using leaving = await openClient(port);
  await using staying = await openClient(port);
  await leaving.echo('a');
  await staying.echo('b');
  const deleted = want(204, app, 'DELETE', `/v1/listeners/${id}?drainMs=600`);
  await waitFor('the drain', async () => {
    return (await want(200, app, 'GET', `/v1/listeners/${id}`)).state === 'draining';
  });
  // The drain is on record before its worker stops listening: who comes in between is let in, and drained too.
  await waitFor('the refusal', async () => {
    try {
      await using _ = await openClient(port);
      return false;
    } catch (error) {
      expect(String(error)).toContain('ECONNREFUSED');
      return true;
    }
  });
  expect(await leaving.echo('still echoed')).toBe('still echoed');
  const ports = [leaving, staying].map(({ socket }) => socket.localPort);
  leaving.socket.end();
  await deleted;
  const all = await closedConnections(app, id, 2);
  const closed = all.filter(({ raddr }) => ports.includes(raddr.port));
  expect(closed.map(({ closeReason }) => closeReason)).toEqual(['peer_fin', 'listener_deleted']);
});

test('a FIN is told once, though a fault stops reading behind it and goes again', async () => {
  const slow = { type: 'latency', delayMs: 60_000 };
  const { id, port } = await listen({ faults: [slow] });
  await using client = await openClient(port, { allowHalfOpen: true });
  client.socket.end('abc');
  const steps = async () => {
    const { events } = await want(200, app, 'GET', `/v1/events?afterSeq=0&listenerId=${id}`);
    return events.filter((event: { type: string }) => event.type === 'connection_half_closed');
  };
  await waitFor('the FIN', async () => (await steps()).length > 0);
  const change = (faults: object[]) => want(200, app, 'PATCH', `/v1/listeners/${id}`, { faults });
  await change([slow, { type: 'blackhole', how: 'stall' }]);
  await change([slow]);
  await change([]);
  await waitFor('the answer', () => client.sawEnd);
  expect(client.received.toString()).toBe('abc');
  expect(await closedConnections(app, id)).toMatchObject([{ closeReason: 'peer_fin' }]);
  expect(await steps()).toHaveLength(1);
});

/** Ends the sockets of that port from outside, as an administrator can (ss(8), SOCK_DESTROY). */
function abortSockets(port: number): void {
  const filter = ['state', 'established', 'sport', '=', `:${port}`];
  execFileSync('ss', ['-K', '-t', ...filter], { stdio: 'ignore' });
}

/** It takes root, and a kernel that is built for it. */
async function canAbortSockets(): Promise<boolean> {
  const aborted = Promise.withResolvers<boolean>();
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket.on('error', () => aborted.resolve(true)));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  const client = connect(port, '127.0.0.1').on('error', () => undefined);
  try {
    await waitFor('the accept', () => sockets.length === 1);
    abortSockets(port);
    const timer = setTimeout(() => aborted.resolve(false), 1000);
    return await aborted.promise.finally(() => clearTimeout(timer));
  } catch {
    return false;
  } finally {
    client.destroy();
    for (const socket of sockets) socket.destroy();
    server.close();
  }
}

test.runIf(await canAbortSockets())(
  'neither side ends it, but the system: error, with its code',
  async () => {
    const { id, port } = await listen();
    await using client = await openClient(port);
    await client.echo('abc');
    abortSockets(port);
    expect(await closedConnections(app, id)).toMatchObject([
      { closeReason: 'error', closeInitiator: 'system', error: 'ECONNABORTED', bytesIn: 3 },
    ]);
    await client.ended;
    expect(client.error).toBe('ECONNRESET');
  },
);
