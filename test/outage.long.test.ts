/** PostgreSQL away for a while: cut off, silent, or done without a word. A proxy stands between, so that the test decides. */
import { expect, test } from 'vitest';
import { call as grpcCall, grpcClient, streamEvents } from './support/grpc-client.ts';
import { healthClient } from './support/health-client.ts';
import { all, call, type Reply, want } from './support/rest-client.ts';
import { ndjson } from './support/rest-stream.ts';
import { type StoreProxy, startStoreProxy } from './support/store-proxy.ts';
import { openClient, talk } from './support/tcp-client.ts';
import { makeHome, startApp, startProcess, type TestHome } from './support/test-app.ts';
import { waitFor } from './support/wait-for.ts';

/** A home whose database is behind a proxy. */
async function makeFarHome(): Promise<TestHome & { readonly proxy: StoreProxy }> {
  await using resources = new AsyncDisposableStack();
  const home = resources.use(await makeHome());
  const proxy = resources.use(await startStoreProxy(home.environment.DATABASE_URL ?? ''));
  const all = resources.move();
  return {
    proxy,
    environment: { ...home.environment, DATABASE_URL: proxy.url },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

interface Ask {
  readonly method: string;
  readonly path: string;
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
  readonly needsStore: boolean;
}

/** Every route, as the document names it. */
function asks(listener: string, connection: string): Readonly<Record<string, readonly Ask[]>> {
  const get = (path: string, headers = {}): Ask => ({
    method: 'GET',
    path,
    headers,
    needsStore: true,
  });
  const free = (path: string): Ask => ({ method: 'GET', path, needsStore: false });
  const put = (method: string, path: string, body?: object): Ask => ({
    ...{ method, path, needsStore: true },
    ...(body !== undefined && { body }),
  });
  const id = '01900000-0000-7000-8000-000000000000';
  const fault = { type: 'latency', delayMs: 1 };
  return {
    'POST /v1/listeners:close': [put('POST', '/v1/listeners:close', { labels: { a: 'b' } })],
    'POST /v1/listeners/{listener}/faults': [
      put('POST', `/v1/listeners/${listener}/faults`, fault),
    ],
    'PATCH /v1/listeners/{listener}/faults/{fault}': [
      put('PATCH', `/v1/listeners/${listener}/faults/slow`, { delayMs: 2 }),
    ],
    'DELETE /v1/listeners/{listener}/faults/{fault}': [
      put('DELETE', `/v1/listeners/${listener}/faults/slow`),
    ],
    'POST /v1/listeners/{listener}/faults:reset': [
      put('POST', `/v1/listeners/${listener}/faults:reset`),
    ],
    'GET /v1/connections:wait': [get('/v1/connections:wait?min=1&timeoutMs=1000')],
    'GET /v1/events:wait': [get('/v1/events:wait?min=1&timeoutMs=1000&afterSeq=0')],
    'GET /v1/projects/self': [get('/v1/projects/self')],
    'GET /v1/quotas': [get('/v1/quotas')],
    'POST /v1/projects': [put('POST', '/v1/projects', { name: 'new' })],
    'GET /v1/projects': [get('/v1/projects')],
    'GET /v1/projects/{name}': [get('/v1/projects/default')],
    'PATCH /v1/projects/{name}': [put('PATCH', '/v1/projects/default', { displayName: 'x' })],
    'DELETE /v1/projects/{name}': [put('DELETE', '/v1/projects/other')],
    'POST /v1/keys': [put('POST', '/v1/keys', { name: 'new', scopes: ['read'] })],
    'GET /v1/keys': [get('/v1/keys')],
    'POST /v1/keys/{id}:rotate': [put('POST', `/v1/keys/${id}:rotate`, {})],
    'GET /v1/keys/{id}': [get(`/v1/keys/${id}`)],
    'PATCH /v1/keys/{id}': [put('PATCH', `/v1/keys/${id}`, { name: 'x' })],
    'DELETE /v1/keys/{id}': [put('DELETE', `/v1/keys/${id}`)],
    'GET /v1/audit': [get('/v1/audit')],
    'GET /v1/nodes': [get('/v1/nodes')],
    'GET /v1/nodes/{node}': [get('/v1/nodes/a')],
    'PATCH /v1/nodes/{node}': [put('PATCH', '/v1/nodes/a', { cordoned: true })],
    'DELETE /v1/nodes/{node}': [put('DELETE', '/v1/nodes/a')],
    'POST /v1/join-tokens': [put('POST', '/v1/join-tokens', {})],
    'GET /v1/join-tokens': [get('/v1/join-tokens')],
    'GET /v1/join-tokens/{id}': [get(`/v1/join-tokens/${id}`)],
    'DELETE /v1/join-tokens/{id}': [put('DELETE', `/v1/join-tokens/${id}`)],
    'POST /v1/listeners': [
      { method: 'POST', path: '/v1/listeners', body: {}, needsStore: true },
      { method: 'POST', path: '/v1/listeners', body: { name: 'new' }, needsStore: true },
      {
        method: 'POST',
        path: '/v1/listeners',
        body: {},
        headers: { 'idempotency-key': 'outage' },
        needsStore: true,
      },
    ],
    'POST /v1/listeners:batch': [
      {
        method: 'POST',
        path: '/v1/listeners:batch',
        body: { listeners: [{}, {}] },
        needsStore: true,
      },
    ],
    'GET /v1/listeners': [get('/v1/listeners'), get('/v1/listeners?label=a=b')],
    'GET /v1/listeners/{listener}': [get(`/v1/listeners/${listener}`), get('/v1/listeners/a-name')],
    'PATCH /v1/listeners/{listener}': [
      {
        method: 'PATCH',
        path: `/v1/listeners/${listener}`,
        body: { labels: { a: 'b' } },
        needsStore: true,
      },
    ],
    'DELETE /v1/listeners/{listener}': [
      {
        method: 'DELETE',
        path: '/v1/listeners/01900000-0000-7000-8000-000000000000',
        needsStore: true,
      },
    ],
    'GET /v1/connections': [get('/v1/connections'), get('/v1/connections?raddr=127.0.0.0/8')],
    'GET /v1/connections/{id}': [get(`/v1/connections/${connection}`)],
    'POST /v1/connections/{id}:close': [
      {
        method: 'POST',
        path: `/v1/connections/${connection}:close`,
        body: { mode: 'fin' },
        needsStore: true,
      },
    ],
    'GET /v1/events': [
      get('/v1/events?afterSeq=999999'),
      get('/v1/events?since=2026-01-01T00:00:00Z', { accept: 'text/event-stream' }),
      get('/v1/events?last=5', { accept: 'application/x-ndjson' }),
    ],
    'GET /readyz': [get('/readyz')],
    'GET /healthz': [free('/healthz')],
    'GET /v1/status': [free('/v1/status')],
    'GET /metrics': [free('/metrics')],
  };
}

async function operations(app: { readonly url: string }): Promise<readonly string[]> {
  const { paths } = await want(200, app, 'GET', '/openapi.json');
  return Object.entries<object>(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
}

const ways = [
  { way: 'cut', boundMs: 8000 },
  // A query may take its time, and waits for a connection before; nobody says no.
  { way: 'hold', boundMs: 18_000 },
] as const;

test.each(ways)(
  'with the store $way every route that needs it answers 503 with Retry-After, and the rest works',
  async ({ way, boundMs }) => {
    await using home = await makeFarHome();
    await using app = await startApp({}, home);
    const slow = { name: 'slow', type: 'latency', delayMs: 1 };
    const { id, laddr } = await want(201, app, 'POST', '/v1/listeners', { faults: [slow] });
    await using client = await openClient(laddr.port);
    await client.echo('x');
    const open = await waitFor('the record', async () => {
      const { connections } = await want(200, app, 'GET', '/v1/connections');
      return connections[0];
    });
    const table = asks(id, open.id);
    expect(Object.keys(table).toSorted()).toEqual((await operations(app)).toSorted());

    home.proxy[way]();
    const begun = performance.now();
    const probe = await call(app, 'GET', '/readyz');
    expect(probe).toMatchObject({ status: 503, body: { problems: ['the store is away'] } });
    expect(performance.now() - begun).toBeLessThan(4000);
    await Promise.all(
      Object.values(table)
        .flat()
        .map(async ({ method, path, body, headers, needsStore }) => {
          const reply = await call(app, method, path, body, headers);
          expectAnswer(`${method} ${path}`, reply, needsStore);
        }),
    );
    await expectGrpcUnavailable(app.grpcAddress, id);
    expect(performance.now() - begun).toBeLessThan(2 * boundMs);
    expect(await client.echo('still here')).toBe('still here');

    home.proxy.restore();
    await waitFor('the store', async () => (await call(app, 'GET', '/readyz')).status === 200);
    using health = healthClient(app.grpcAddress);
    await waitFor('gRPC to say so', async () => (await health.check()) === 'SERVING');
    // A create that was refused leaves nothing behind, also where it was committed late, and the change was not made.
    const listeners = await waitFor('late creates to be taken back', async () => {
      const page = await want(200, app, 'GET', '/v1/listeners');
      return page.listeners.length === 1 ? page.listeners : null;
    });
    expect(listeners).toMatchObject([{ id, labels: {}, state: 'listening' }]);
  },
  120_000,
);

function expectAnswer(what: string, reply: Reply, needsStore: boolean): void {
  expect([what, reply.status]).toEqual([what, needsStore ? 503 : 200]);
  if (needsStore) expect([what, reply.headers.get('retry-after')]).toEqual([what, '1']);
}

async function expectGrpcUnavailable(address: string, id: string): Promise<void> {
  using health = healthClient(address);
  await waitFor('gRPC to say so', async () => (await health.check()) === 'NOT_SERVING');
  using client = grpcClient(address);
  const get = grpcCall((done) => client.listeners.GetListener({ id }, done));
  await expect(get).rejects.toMatchObject({ code: 14 });
  const stream = streamEvents(address, {}, { last: 5 });
  expect(await stream.ended).toMatchObject({ code: 14 });
}

test('a delete while the store is away frees the port, and is on record once the store is back', async () => {
  await using home = await makeFarHome();
  await using app = await startApp({}, home);
  const { id, laddr } = await want(201, app, 'POST', '/v1/listeners', {});
  home.proxy.cut();
  await want(503, app, 'DELETE', `/v1/listeners/${id}`);
  await expect(talk(laddr.port, 'x')).rejects.toThrow('ECONNREFUSED');
  home.proxy.restore();
  await waitFor('the end on record', async () => {
    const { status, body } = await call(app, 'GET', `/v1/listeners/${id}`);
    return status === 200 && body.state === 'closed';
  });
  await want(201, app, 'POST', '/v1/listeners', { port: laddr.port });
});

test('what is open goes on echoing, accepting stops at the limit and resumes, and all of it is on record', async () => {
  const recordsUnackedMax = 40;
  await using home = await makeFarHome();
  await using app = await startApp({}, home, (config) => ({
    ...config,
    dataPlane: { ...config.dataPlane, recordsUnackedMax },
  }));
  const { id, laddr } = await want(201, app, 'POST', '/v1/listeners', {});
  await using early = await openClient(laddr.port);
  expect(await early.echo('before')).toBe('before');
  await waitFor('its record', async () => {
    return (await want(200, app, 'GET', '/v1/connections?state=open')).connections.length === 1;
  });

  home.proxy.cut();
  await using clients = new AsyncDisposableStack();
  const late = await Promise.all(
    Array.from({ length: 2 * recordsUnackedMax }, async (_, index) => {
      const client = clients.use(
        await openClient(laddr.port, { localAddress: `127.5.0.${index}` }),
      );
      client.socket.write('during');
      return client;
    }),
  );
  const answered = () => late.filter(({ received }) => received.length > 0);
  await waitFor('as many echoes as are allowed', () => answered().length >= recordsUnackedMax - 1);
  // The worker reads from all that it will read from: each round trip is a turn of its loop.
  for (let turn = 0; turn < 20; turn++) expect(await early.echo('still here')).toBe('still here');
  expect(answered().length).toBeLessThanOrEqual(recordsUnackedMax);

  home.proxy.restore();
  await waitFor('every echo', () => answered().length === late.length);
  await waitFor('every record', async () => {
    const open = await all(app, `/v1/connections?listener=${id}&state=open`, 'connections');
    return open.length === late.length + 1;
  });
  await clients.disposeAsync();
  await early[Symbol.asyncDispose]();
  await waitFor('every end', async () => {
    return (await want(200, app, 'GET', `/v1/listeners/${id}`)).openConnections === 0;
  });
  const events = await all(app, `/v1/events?afterSeq=0&listenerId=${id}`, 'events');
  const count = (type: string) => events.filter((event) => event.type === type).length;
  expect(count('connection_opened')).toBe(late.length + 1);
  expect(count('connection_closed')).toBe(late.length + 1);
});

test('streams at the head stay up with heartbeats while the store is away, and go on without a gap', async () => {
  await using home = await makeFarHome();
  await using app = await startApp({}, home);
  const { laddr } = await want(201, app, 'POST', '/v1/listeners', {});
  const lines: { seq: number; event?: { seq: number }; heartbeat?: object }[] = [];
  const url = `${app.url}/v1/events?afterSeq=0&heartbeatMs=1000`;
  const end = new AbortController();
  const reading = (async () => {
    for await (const line of ndjson(url, { signal: end.signal })) lines.push(line);
  })().catch(() => undefined);
  using stream = streamEvents(
    app.grpcAddress,
    {},
    { afterSeq: 0, heartbeatInterval: { seconds: 1 } },
  );
  await stream.synced;
  const heartbeats = () => [
    lines.filter(({ heartbeat }) => heartbeat !== undefined).length,
    stream.messages.filter(({ heartbeat }) => heartbeat != null).length,
  ];
  home.proxy.cut();
  expect(await talk(laddr.port, 'x')).toBe('x');
  const [before = 0, grpcBefore = 0] = heartbeats();
  await waitFor('two heartbeats each', () => {
    const [now = 0, grpcNow = 0] = heartbeats();
    return now >= before + 2 && grpcNow >= grpcBefore + 2;
  });
  const shown = () => lines.flatMap(({ event }) => (event === undefined ? [] : [event.seq]));
  // Nothing is shown that is not stored.
  expect(shown()).toEqual([1, 2]);

  home.proxy.restore();
  await waitFor('the events', () => shown().length === 4 && stream.events.length === 4);
  expect(shown()).toEqual([1, 2, 3, 4]);
  expect(stream.events.map(({ seq }) => seq)).toEqual([1, 2, 3, 4]);
  end.abort();
  await reading;
});

test('commits whose answers were lost are not done again', async () => {
  await using home = await makeFarHome();
  await using app = await startApp({}, home);
  const { id, laddr } = await want(201, app, 'POST', '/v1/listeners', {});
  for (let round = 0; round < 3; round++) {
    home.proxy.mute();
    expect(await talk(laddr.port, 'x')).toBe('x');
    await waitFor('the commit', async () => {
      return (await want(200, app, 'GET', '/v1/status')).store.queuedEvents >= 0;
    });
    home.proxy.cut();
    home.proxy.restore();
    await waitFor('the answer', async () => {
      const { status, body } = await call(app, 'GET', `/v1/listeners/${id}`);
      return status === 200 && body.totalConnections === round + 1 && body.openConnections === 0;
    });
  }
  // The counters of a listener are ahead of what is on record.
  const events = await waitFor('what is on record', async () => {
    const found = await all(app, '/v1/events?afterSeq=0', 'events');
    return found.length >= 8 ? found : null;
  });
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
  const ids = events.flatMap(({ connectionId }) => (connectionId ? [connectionId] : []));
  expect(ids).toHaveLength(6);
  expect(new Set(ids).size).toBe(3);
});

test('a stop while the store is away ends in time and says that records are missing', async () => {
  await using home = await makeFarHome();
  await using app = await startProcess(home, { KODAMA_SHUTDOWN_TIMEOUT_MS: '4000' });
  const { laddr } = await want(201, app, 'POST', '/v1/listeners', {});
  home.proxy.cut();
  expect(await talk(laddr.port, 'x')).toBe('x');
  const begun = performance.now();
  app.child.kill('SIGTERM');
  expect(await app.exited).toBe(1);
  expect(performance.now() - begun).toBeLessThan(8000);
  const messages = app.lines.join('\n');
  expect(messages).toContain('the log was not drained');
  expect(messages).not.toContain('could not stop in time');
  expect(messages).toContain('"msg":"stopped"');
});
