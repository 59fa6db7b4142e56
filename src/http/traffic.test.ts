/** What the clients of all connections together can not make grow: over real sockets, by hand. */
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { expect, test } from 'vitest';
import { answerToBeMade, bodyToBeRead } from '../../test/support/begun-requests.ts';
import { long } from '../../test/support/long.ts';
import { call, want } from '../../test/support/rest-client.ts';
import { restEdge, restLimits } from '../../test/support/rest-edge.ts';
import { sampleEvent } from '../../test/support/samples.ts';
import { waitFor } from '../../test/support/wait-for.ts';
import { OpenConnections } from './open-connections.ts';
import { Traffic } from './traffic.ts';

const host = 'Host: localhost\r\n';
/** More than the kernel keeps for a client that does not read. */
const answerBytes = 12_000_000;

async function client(port: number, allowHalfOpen = false) {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen });
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  const seen = { text: '' };
  socket.on('data', (chunk) => {
    seen.text += chunk;
  });
  return Object.assign(socket, { seen, [Symbol.dispose]: () => socket.destroy() });
}

function post(body: string, sent = body): string {
  const head = `content-type: application/json\r\ncontent-length: ${body.length}\r\n`;
  return `POST /v1/listeners HTTP/1.1\r\n${host}${head}\r\n${sent}`;
}

test(
  'a client that takes nothing of its answer is cut off, whichever answer it is',
  long,
  async () => {
    await using edge = await restEdge({
      limits: { responseWriteTimeoutMs: 300 },
      metrics: { contentType: 'text/plain', text: async () => 'm'.repeat(answerBytes) },
    });
    using socket = await client(edge.port);
    socket.pause();
    socket.write(`GET /metrics HTTP/1.1\r\n${host}\r\n`);
    await waitFor('the request to be over', () =>
      edge.log.some(({ route, isAborted }) => route === '/metrics' && isAborted === true),
    );
  },
);

test.each([
  ['in one', '/metrics'],
  ['in parts', '/v1/events?pageSize=1000'],
])('also where it has taken answers %s that stand before it', long, async (_, path) => {
  await using edge = await restEdge({
    limits: { responseWriteTimeoutMs: 300, requestsPerConnectionMax: 100 },
    metrics: { contentType: 'text/plain', text: async () => 'm'.repeat(1_000_000) },
  });
  await edge.eventLog.append(Array.from({ length: 1000 }, () => sampleEvent()));
  const { length } = await (await fetch(`${edge.url}${path}`)).text();
  using socket = await client(edge.port);
  socket.pause();
  const request = `GET ${path} HTTP/1.1\r\n${host}\r\n`;
  socket.write(request.repeat(Math.ceil(answerBytes / length)));
  await waitFor('a request to be over', () => edge.log.some(({ isAborted }) => isAborted === true));
});

test('a client that is slow, but reads, gets all of a long answer', async () => {
  const text = 'm'.repeat(answerBytes);
  await using edge = await restEdge({
    limits: { responseWriteTimeoutMs: 1000 },
    metrics: { contentType: 'text/plain', text: async () => text },
  });
  await using socket = connect({ port: edge.port, host: '127.0.0.1' });
  let bytes = 0;
  socket.write(`GET /metrics HTTP/1.1\r\n${host}connection: close\r\n\r\n`);
  for await (const chunk of socket) {
    bytes += chunk.length;
    await new Promise(setImmediate);
  }
  expect(bytes).toBeGreaterThan(text.length);
});

test('an answer may take longer to be made than to be taken, also behind another', async () => {
  await using edge = await restEdge({ limits: { responseWriteTimeoutMs: 50 } });
  const gate = Promise.withResolvers<void>();
  edge.dataPlane.gates.open = gate.promise;
  using socket = await client(edge.port);
  socket.write(`GET /healthz HTTP/1.1\r\n${host}\r\n${post('{}')}`);
  await waitFor('the first answer', () => socket.seen.text.includes('200 OK'));
  await waitFor('the bind', () => edge.dataPlane.calls.length === 1);
  const begun = Date.now();
  await waitFor('well beyond the time to take it', () => Date.now() - begun > 500);
  gate.resolve();
  await waitFor('the second answer', () => socket.seen.text.includes('201 Created'));
});

test('so may one while a long page that is made already stands behind it', async () => {
  await using edge = await restEdge({ limits: { responseWriteTimeoutMs: 50 } });
  await edge.eventLog.append(Array.from({ length: 20 }, () => sampleEvent()));
  const gate = Promise.withResolvers<void>();
  edge.dataPlane.gates.open = gate.promise;
  using socket = await client(edge.port);
  socket.write(`${post('{}')}GET /v1/events?pageSize=20 HTTP/1.1\r\n${host}\r\n`);
  await waitFor('the bind', () => edge.dataPlane.calls.length === 1);
  const begun = Date.now();
  await waitFor('well beyond the time to take it', () => Date.now() - begun > 500);
  gate.resolve();
  await waitFor('both answers', () => /201 Created[\s\S]*200 OK/.test(socket.seen.text));
});

test('requests that are sent ahead on one connection are bounded in number', async () => {
  await using edge = await restEdge({ limits: { requestsPerConnectionMax: 2 } });
  const gate = Promise.withResolvers<void>();
  edge.dataPlane.gates.open = gate.promise;
  using socket = await client(edge.port);
  socket.write(post('{}').repeat(4));
  await waitFor('both binds', () => edge.dataPlane.calls.length === 2);
  gate.resolve();
  await waitFor('four answers', () => socket.seen.text.split('HTTP/1.1 ').length === 5);
  expect(socket.seen.text.match(/HTTP\/1.1 \d+/g)).toEqual([
    'HTTP/1.1 201',
    'HTTP/1.1 201',
    'HTTP/1.1 429',
    'HTTP/1.1 429',
  ]);
  expect(socket.seen.text).toContain('"limit":"requestsPerConnectionMax"');
});

test(
  'what many ask at once of the API page and do not take is not in memory all at once',
  long,
  async () => {
    await using edge = await restEdge({ limits: { answerBytesWaitingMax: 5_000_000 } });
    await (await fetch(`${edge.url}/docs/`)).text();
    let most = 0;
    const look = () => {
      most = Math.max(most, process.memoryUsage().arrayBuffers);
    };
    const timer = setInterval(look, 5);
    using clients = new DisposableStack();
    clients.defer(() => clearInterval(timer));
    look();
    const before = most;
    for (let count = 0; count < 30; count += 1) {
      const socket = clients.use(await client(edge.port));
      socket.pause();
      socket.write(`GET /docs/static/swagger-ui-bundle.js HTTP/1.1\r\n${host}\r\n`.repeat(15));
    }
    // It comes behind them.
    expect((await fetch(`${edge.url}/docs/`)).status).toBe(200);
    look();
    expect(most - before).toBeLessThan(150_000_000);
  },
);

test('a refusal has nothing of the answer in whose place it comes', long, async () => {
  await using edge = await restEdge({ limits: { answerBytesWaitingMax: 20_000 } });
  const refused = await fetch(`${edge.url}/docs/static/swagger-ui-bundle.js`);
  expect(refused.status).toBe(429);
  expect(refused.headers.get('cache-control')).toBe('no-store');
  const others = ['etag', 'content-encoding', 'last-modified', 'accept-ranges'];
  for (const name of others) expect(refused.headers.has(name), name).toBe(false);
  expect(await refused.text()).toContain('answerBytesWaitingMax');
});

test('bodies that are being received are bounded over all connections', async () => {
  await using edge = await restEdge({ limits: { bodyBytesArrivingMax: 100_000 } });
  const long = JSON.stringify({ name: 'x'.repeat(80_000) });
  using first = await client(edge.port);
  first.write(post(long, long.slice(0, 70_000)));
  await bodyToBeRead(first);
  const refused = await call(edge, 'POST', '/v1/listeners', { name: 'x'.repeat(80_000) });
  expect(refused.status).toBe(429);
  expect(refused.body).toMatchObject({ code: 'resource_exhausted', limit: 'bodyBytesArrivingMax' });
  expect(refused.headers.get('retry-after')).toBe('1');
  await want(201, edge, 'POST', '/v1/listeners', { name: 'small' });
  first.destroy();
  await waitFor('room', async () => {
    const { status } = await call(edge, 'POST', '/v1/listeners', { name: 'x'.repeat(80_000) });
    return status === 400;
  });
});

test('the body of a client that has left is waited for no more, whenever it left', async () => {
  await using server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const traffic = new Traffic(restLimits, new OpenConnections(server, 'connection', 10));
  for (const isReadFirst of [false, true]) {
    using socket = await client((server.address() as AddressInfo).port);
    const asked = once(server, 'request');
    socket.write(post('{"name":"half"}', '{"na'));
    const [payload] = (await asked) as [IncomingMessage];
    let failure: unknown;
    const read = () =>
      void traffic.readBody({ headers: {}, identity: null }, payload).catch((error) => {
        failure = error;
      });
    if (isReadFirst) {
      read();
      await bodyToBeRead(socket);
    }
    socket.destroy();
    await waitFor('the server to know', () => payload.closed);
    // Its key is known only now.
    if (!isReadFirst) read();
    await waitFor('its end', () => failure);
  }
});

test('answers that wait are bounded over all connections', long, async () => {
  const text = 'm'.repeat(answerBytes);
  await using edge = await restEdge({
    limits: { answerBytesWaitingMax: 1.5 * answerBytes },
    metrics: { contentType: 'text/plain', text: async () => text },
  });
  using socket = await client(edge.port);
  socket.pause();
  socket.write(`GET /metrics HTTP/1.1\r\n${host}\r\n`);
  await answerToBeMade(socket);
  const refused = await fetch(`${edge.url}/metrics`);
  expect(refused.status).toBe(429);
  expect(await refused.text()).toContain('answerBytesWaitingMax');
  expect((await fetch(`${edge.url}/healthz`)).status).toBe(200);
  socket.destroy();
  await waitFor('room', async () => {
    const response = await fetch(`${edge.url}/metrics`);
    return (await response.text()).length === text.length;
  });
});

test('nothing waits for a client that has left before its answer was made', async () => {
  const gate = Promise.withResolvers<void>();
  const made = Promise.withResolvers<void>();
  let isFirst = true;
  const text = async () => {
    if (isFirst) {
      isFirst = false;
      made.resolve();
      await gate.promise;
    }
    return 'm'.repeat(30_000);
  };
  const metrics = { contentType: 'text/plain', text };
  await using edge = await restEdge({ limits: { answerBytesWaitingMax: 40_000 }, metrics });
  using socket = await client(edge.port);
  socket.write(`GET /metrics HTTP/1.1\r\n${host}\r\n`);
  await made.promise;
  socket.resetAndDestroy();
  const isAborted = () => edge.log.some((line) => line.isAborted === true);
  await waitFor('the server to know', isAborted);
  gate.resolve();
  await waitFor('its answer', () => edge.log.some(({ route }) => route === '/metrics'));
  expect((await fetch(`${edge.url}/metrics`)).status).toBe(200);
});

test('a long page that does not fit with what waits is refused in whole', async () => {
  await using edge = await restEdge({ limits: { answerBytesWaitingMax: 20_000 } });
  await edge.eventLog.append(Array.from({ length: 200 }, () => sampleEvent()));
  const refused = await call(edge, 'GET', '/v1/events?pageSize=200');
  expect(refused.status).toBe(429);
  expect(refused.body).toMatchObject({ limit: 'answerBytesWaitingMax', limitValue: 20_000 });
  expect((await want(200, edge, 'GET', '/v1/events?pageSize=10')).events).toHaveLength(10);
});

test('a client that reads the parts of long pages slowly gets all of them', async () => {
  const limits = { responseWriteTimeoutMs: 1000, requestsPerConnectionMax: 100 };
  await using edge = await restEdge({ limits });
  await edge.eventLog.append(Array.from({ length: 1000 }, () => sampleEvent()));
  const path = '/v1/events?pageSize=1000';
  const page = await (await fetch(`${edge.url}${path}`)).text();
  const { events } = JSON.parse(page) as { events: readonly { seq: number }[] };
  expect(events.map(({ seq }) => seq)).toEqual(Array.from({ length: 1000 }, (_, n) => n + 1));
  const pages = Math.ceil(answerBytes / page.length);
  await using socket = connect({ port: edge.port, host: '127.0.0.1' });
  const request = (more: string) => `GET ${path} HTTP/1.1\r\n${host}${more}\r\n`;
  socket.write(`${request('').repeat(pages - 1)}${request('connection: close\r\n')}`);
  let text = '';
  for await (const chunk of socket) {
    text += chunk;
    await new Promise(setImmediate);
  }
  expect(text.split(page)).toHaveLength(pages + 1);
});

test('who speaks no HTTP can not keep the connection', async () => {
  await using edge = await restEdge();
  using socket = await client(edge.port, true);
  socket.write('\r\n\r\nno HTTP\r\n\r\n');
  await once(socket, 'end');
  await waitFor('the connection to be gone', () => {
    if (socket.writable) socket.write('x');
    return socket.destroyed;
  });
});
