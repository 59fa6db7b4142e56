/** Ten thousand connections in a burst, held against what each client saw itself. */
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { streamEvents } from './support/grpc-client.ts';
import { all, want } from './support/rest-client.ts';
import { startApp } from './support/test-app.ts';
import { waitFor } from './support/wait-for.ts';

const connections = 10_000;
const atOnce = 250;

/** One client's life; resolves with its own address once its bytes are back and both sides have closed. */
function visit(port: number, index: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const localAddress = `127.0.${1 + (index % 8)}.${1 + (index % 200)}`;
    const socket = connect({ port, host: '127.0.0.1', localAddress });
    const sent = `client ${index}`;
    let received = '';
    let address = '';
    socket.setNoDelay(true);
    socket.on('connect', () => {
      address = `${socket.localAddress}:${socket.localPort}`;
      socket.end(sent);
    });
    socket.on('data', (data) => {
      received += data.toString();
    });
    socket.on('error', reject);
    socket.on('close', () => {
      if (received === sent) resolve(address);
      else reject(new Error(`${address} sent ${sent}, got ${received}`));
    });
  });
}

test('each of 10,000 connections is echoed and has one opened and one closed event, on every edge', async () => {
  await using app = await startApp();
  const listener = await want(201, app, 'POST', '/v1/listeners', {});
  const stream = streamEvents(app.grpcAddress, { listenerIds: [listener.id] });
  await stream.synced;

  const clients: string[] = [];
  let next = 0;
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      while (next < connections) clients.push(await visit(listener.laddr.port, next++));
    }),
  );

  const path = `/v1/connections?listener=${listener.id}`;
  await waitFor('the last closed event', async () => {
    const now = await want(200, app, 'GET', `/v1/listeners/${listener.id}`);
    return now.totalConnections === connections && now.openConnections === 0;
  });
  const history = await all(app, path, 'connections');
  expect(history).toHaveLength(connections);
  const raddrs = history.map(({ raddr }) => `${raddr.ip}:${raddr.port}`);
  expect(raddrs.toSorted()).toEqual(clients.toSorted());
  expect(history.every((one) => one.state === 'closed' && one.closeReason === 'peer_fin')).toBe(
    true,
  );
  expect(history.every((one) => one.bytesIn === one.bytesOut && one.bytesIn > 0)).toBe(true);

  const page = await all(app, `/v1/events?afterSeq=0&listenerId=${listener.id}`, 'events');
  const seqs = page.map((event) => event.seq);
  expect(seqs).toEqual(seqs.toSorted((a, b) => a - b));
  const lives = Map.groupBy(
    page.filter((event) => event.connectionId !== undefined && event.connectionId !== null),
    (event) => event.connectionId as string,
  );
  expect([...lives.keys()].toSorted()).toEqual(history.map(({ id }) => id).toSorted());
  for (const life of lives.values()) {
    const types = life
      .map((event) => event.type)
      .filter((type) => type !== 'connection_half_closed');
    expect(types).toEqual(['connection_opened', 'connection_closed']);
  }
  const last = seqs.at(-1);
  await waitFor('the stream', () => stream.events.at(-1)?.seq === last);
  const live = stream.events.map(({ seq }) => seq);
  expect(live).toEqual(seqs.filter((seq) => seq >= (live[0] ?? 0)));
  expect(stream.events.filter(({ type }) => type === 'connection_closed')).toHaveLength(
    connections,
  );
  stream.cancel();
}, 120_000);
