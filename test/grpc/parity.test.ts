/** Every use case through REST and through gRPC: same results, same refusals in the same words. */
import { createServer } from 'node:net';
import type { ServiceError } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { errorCodes } from '../../src/core/errors.ts';
import {
  type GrpcClient,
  call as grpcCall,
  grpcClient,
  streamEvents,
} from '../support/grpc-client.ts';
import { long } from '../support/long.ts';
import { plainError, plainMessage, withoutNothing } from '../support/plain-message.ts';
import { call, want } from '../support/rest-client.ts';
import { collect, ndjson } from '../support/rest-stream.ts';
import { openClient, talk } from '../support/tcp-client.ts';
import { startApp, type TestApp } from '../support/test-app.ts';
import { waitFor } from '../support/wait-for.ts';

const nobody = '01900000-0000-7000-8000-00000000dead';

let app: TestApp;
let client: GrpcClient;
let foreign: ReturnType<typeof createServer>;
/** A listener that all tests may read, and one that is closed. */
let listener: Readonly<{ id: string; laddr: { port: number } }>;
let closedId: string;
let foreignPort: number;

beforeAll(async () => {
  app = await startApp();
  client = grpcClient(app.grpcAddress);
  listener = await want(201, app, 'POST', '/v1/listeners', { name: 'all', labels: { env: 'ci' } });
  await want(201, app, 'POST', '/v1/listeners', { name: 'another' });
  const closed = await want(201, app, 'POST', '/v1/listeners', { name: 'was' });
  closedId = closed.id;
  await want(204, app, 'DELETE', '/v1/listeners/was');
  for (const text of ['a', 'bb', 'ccc']) await talk(listener.laddr.port, text);
  await waitFor('the records', async () => {
    const { connections } = await want(200, app, 'GET', '/v1/connections?state=closed');
    return connections.length === 3;
  });
  foreign = createServer().listen(0, '127.0.0.1');
  await waitFor('the foreign server', () => foreign.listening);
  const address = foreign.address();
  foreignPort = typeof address === 'object' ? (address?.port ?? 0) : 0;
});

afterAll(async () => {
  client[Symbol.dispose]();
  foreign.close();
  await app[Symbol.asyncDispose]();
});

type Send = (client: GrpcClient) => Promise<object>;
type Rest = readonly [
  method: string,
  path: string,
  body?: object | undefined,
  headers?: Readonly<Record<string, string>>,
];

interface Case {
  readonly rest: () => Rest;
  readonly grpc: Send;
}

const create =
  (request: object): Send =>
  ({ listeners }) =>
    grpcCall((done) => listeners.CreateListener(request, done));
const batch =
  (request: object): Send =>
  ({ listeners }) =>
    grpcCall((done) => listeners.BatchCreateListeners(request, done));
const get =
  (id: string): Send =>
  ({ listeners }) =>
    grpcCall((done) => listeners.GetListener({ id }, done));

/** A stream that is refused before its first event. */
function stream(query: string, request: object): Case {
  return {
    rest: () => ['GET', `/v1/events?${query}`, undefined, { accept: 'text/event-stream' }],
    async grpc() {
      using events = streamEvents(app.grpcAddress, {}, request);
      const error = await events.ended;
      if (error !== null) throw error;
      return events.messages;
    },
  };
}

const update =
  (request: object): Send =>
  ({ listeners }) =>
    grpcCall((done) => listeners.UpdateListener(request, done));

/** A create that has the same fields on both edges. */
function sameCreate(fields: object): Case {
  return { rest: () => ['POST', '/v1/listeners', fields], grpc: create(fields) };
}

const refusals: Readonly<Record<string, Case>> = {
  'a name that is none': sameCreate({ name: '9-lives' }),
  'a port above all ports': sameCreate({ port: 70_000 }),
  'a host that is none': sameCreate({ host: 'nowhere' }),
  'a label key that is none': sameCreate({ labels: { '': 'x', '-': 'y' } }),
  'many wrong fields at once': sameCreate({
    name: '-',
    port: 65_536,
    host: '',
    limits: { maxConnections: 0, allowCidrs: ['10.0.0.0/33', 'x'] },
  }),
  'an expiry twice': {
    rest: () => ['POST', '/v1/listeners', { expiresAt: '2100-01-01T00:00:00Z', ttlMs: 5 }],
    grpc: create({ expiresAt: { seconds: 4_102_444_800 }, ttlMs: 5 }),
  },
  'an expiry in the past': {
    rest: () => ['POST', '/v1/listeners', { expiresAt: '2001-01-01T00:00:00Z' }],
    grpc: create({ expiresAt: { seconds: 978_307_200 } }),
  },
  'a time that in UTC is after the year 9999': {
    rest: () => ['POST', '/v1/listeners', { expiresAt: '9999-12-31T23:59:59-05:00' }],
    grpc: create({ expiresAt: { seconds: 253_402_318_799 } }),
  },
  'tls settings without tls': sameCreate({ tls: {} }),
  'a certificate without a key': {
    rest: () => [
      'POST',
      '/v1/listeners',
      { protocol: 'tls', tls: { cert: '-----BEGIN CERTIFICATE-----' } },
    ],
    grpc: create({ protocol: 'PROTOCOL_TLS', tls: { cert: '-----BEGIN CERTIFICATE-----' } }),
  },
  'a fault without its fields': {
    rest: () => ['POST', '/v1/listeners', { faults: [{ type: 'latency' }, { type: 'corrupt' }] }],
    grpc: create({ faults: [{ latency: {} }, { corrupt: {} }] }),
  },
  'a fault out of bounds': {
    rest: () => ['POST', '/v1/listeners', { faults: [{ type: 'drop', probability: 1.5 }] }],
    grpc: create({ faults: [{ drop: {}, probability: 1.5 }] }),
  },
  'a close fault with two conditions': {
    rest: () => [
      'POST',
      '/v1/listeners',
      { faults: [{ type: 'close', afterMs: 1, afterBytes: 1 }] },
    ],
    grpc: create({ faults: [{ close: { afterMs: 1, afterBytes: 1 } }] }),
  },
  'a wait for connections of a listener that is closed': {
    rest: () => ['GET', `/v1/connections:wait?listener=${closedId}&max=3`],
    grpc: ({ connections }) =>
      grpcCall((done) => connections.WaitConnections({ listener: closedId, max: 3 }, done)),
  },
  'a wait for events that settles longer than it may last': {
    rest: () => ['GET', '/v1/events:wait?settleMs=2000&timeoutMs=1000'],
    grpc: ({ events }) =>
      grpcCall((done) =>
        events.WaitEvents({ settle: { seconds: 2 }, timeout: { seconds: 1 } }, done),
      ),
  },
  'a fault that the listener has not': {
    rest: () => ['DELETE', '/v1/listeners/all/faults/none'],
    grpc: ({ listeners }) =>
      grpcCall((done) => listeners.RemoveFault({ id: 'all', faultName: 'none' }, done)),
  },
  'a name that is taken': sameCreate({ name: 'all' }),
  'a privileged port': sameCreate({ port: 80 }),
  'an address that is not ours': sameCreate({ host: '192.0.2.1' }),
  'an address of many hosts': sameCreate({ host: '224.0.0.1' }),
  'a label that could not be told from a prototype': {
    rest: () => ['POST', '/v1/listeners', JSON.parse('{"labels": {"__proto__": "x"}}')],
    grpc: create(JSON.parse('{"labels": {"__proto__": "x"}}')),
  },
  "kodama's own port": {
    rest: () => ['POST', '/v1/listeners', { port: app.grpcPort }],
    grpc: (edge) => create({ port: app.grpcPort })(edge),
  },
  'a port of our own in use': {
    rest: () => ['POST', '/v1/listeners', { port: listener.laddr.port }],
    grpc: (edge) => create({ port: listener.laddr.port })(edge),
  },
  'a port of a foreign process': {
    rest: () => ['POST', '/v1/listeners', { port: foreignPort }],
    grpc: (edge) => create({ port: foreignPort })(edge),
  },
  'a batch of nothing': {
    rest: () => ['POST', '/v1/listeners:batch', {}],
    grpc: batch({}),
  },
  'a batch with a wrong one in it': {
    rest: () => ['POST', '/v1/listeners:batch', { listeners: [{}, { port: 70_000 }] }],
    grpc: batch({ listeners: [{}, { port: 70_000 }] }),
  },
  'a batch larger than any': {
    rest: () => [
      'POST',
      '/v1/listeners:batch',
      { listeners: Array.from({ length: 101 }, () => ({})) },
    ],
    grpc: batch({ listeners: Array.from({ length: 101 }, () => ({})) }),
  },
  'a range that runs backwards': {
    rest: () => ['POST', '/v1/listeners:batch', { ports: { from: 5001, to: 5000 } }],
    grpc: batch({ ports: { from: 5001, to: 5000 } }),
  },
  'a range of too many': {
    rest: () => ['POST', '/v1/listeners:batch', { ports: { from: 5000, to: 5100 } }],
    grpc: batch({ ports: { from: 5000, to: 5100 } }),
  },
  'a listener that is not there': {
    rest: () => ['GET', `/v1/listeners/${nobody}`],
    grpc: get(nobody),
  },
  'a closed one by its name': { rest: () => ['GET', '/v1/listeners/was'], grpc: get('was') },
  'a change of one that is not there': {
    rest: () => ['PATCH', '/v1/listeners/nobody', { labels: {} }],
    grpc: ({ listeners }) =>
      grpcCall((done) =>
        listeners.UpdateListener({ id: 'nobody', updateMask: { paths: ['labels'] } }, done),
      ),
  },
  'a change of a closed one': {
    rest: () => ['PATCH', `/v1/listeners/${closedId}`, { labels: { a: 'b' } }],
    grpc: ({ listeners }) =>
      grpcCall((done) => listeners.UpdateListener({ id: closedId, labels: { a: 'b' } }, done)),
  },
  'a change to what cannot be': {
    rest: () => ['PATCH', '/v1/listeners/all', { name: '-', limits: { maxConnections: 0 } }],
    grpc: ({ listeners }) =>
      grpcCall((done) =>
        listeners.UpdateListener({ id: 'all', name: '-', limits: { maxConnections: 0 } }, done),
      ),
  },
  'a change to a name that is taken': {
    rest: () => ['PATCH', '/v1/listeners/another', { name: 'all' }],
    grpc: update({ id: 'another', name: 'all' }),
  },
  'a change to an expiry in the past': {
    rest: () => ['PATCH', '/v1/listeners/all', { expiresAt: '2001-01-01T00:00:00Z' }],
    grpc: update({ id: 'all', expiresAt: { seconds: 978_307_200 } }),
  },
  'a change to two expiries': {
    rest: () => ['PATCH', '/v1/listeners/all', { expiresAt: '2100-01-01T00:00:00Z', ttlMs: 5 }],
    grpc: update({ id: 'all', expiresAt: { seconds: 4_102_444_800 }, ttlMs: 5 }),
  },
  'an end of one that is not there': {
    rest: () => ['DELETE', '/v1/listeners/nobody'],
    grpc: ({ listeners }) => grpcCall((done) => listeners.DeleteListener({ id: 'nobody' }, done)),
  },
  'a drain longer than a day': {
    rest: () => ['DELETE', '/v1/listeners/all?drainMs=86400001'],
    grpc: ({ listeners }) =>
      grpcCall((done) => listeners.DeleteListener({ id: 'all', drainMs: 86_400_001 }, done)),
  },
  'a page of nothing': {
    rest: () => ['GET', '/v1/listeners?pageSize=0'],
    grpc: ({ listeners }) => grpcCall((done) => listeners.ListListeners({ pageSize: 0 }, done)),
  },
  'a page token of nobody': {
    rest: () => ['GET', '/v1/connections?pageToken=bm9ib2R5'],
    grpc: ({ connections }) =>
      grpcCall((done) => connections.ListConnections({ pageToken: 'bm9ib2R5' }, done)),
  },
  'a filter by what is no address': {
    rest: () => ['GET', '/v1/connections?raddr=10.0.0.0/40'],
    grpc: ({ connections }) =>
      grpcCall((done) => connections.ListConnections({ raddr: '10.0.0.0/40' }, done)),
  },
  'a filter by a listener that is not there': {
    rest: () => ['GET', '/v1/connections?listener=nobody'],
    grpc: ({ connections }) =>
      grpcCall((done) => connections.ListConnections({ listener: 'nobody' }, done)),
  },
  'a connection that is not there': {
    rest: () => ['GET', `/v1/connections/${nobody}`],
    grpc: ({ connections }) => grpcCall((done) => connections.GetConnection({ id: nobody }, done)),
  },
  'a connection by what is no id': {
    rest: () => ['GET', '/v1/connections/x'],
    grpc: ({ connections }) => grpcCall((done) => connections.GetConnection({ id: 'x' }, done)),
  },
  'an end of a connection that is not there': {
    rest: () => ['POST', `/v1/connections/${nobody}:close`, { mode: 'rst' }],
    grpc: ({ connections }) =>
      grpcCall((done) => connections.CloseConnection({ id: nobody, mode: 'CLOSE_MODE_RST' }, done)),
  },
  'a page of connections accepted at no time': {
    rest: () => ['GET', '/v1/connections?acceptedAfter=x'],
    grpc: ({ connections }) =>
      grpcCall((done) => connections.ListConnections({ acceptedAfter: { nanos: -1 } }, done)),
  },
  'a stream after the head': stream('afterSeq=1000000', { afterSeq: 1_000_000 }),
  'a stream of too many of the newest': stream('last=100001', { last: 100_001 }),
  'a stream since no time': stream('since=x', { since: { seconds: 1e12 } }),
  'a stream that is not from now': stream('fromNow=false', { fromNow: false }),
  'a stream whose heart beats too fast': stream('heartbeatMs=999', {
    heartbeatInterval: { nanos: 999_000_000 },
  }),
  'a stream whose heart beats too slow': stream('heartbeatMs=60001', {
    heartbeatInterval: { seconds: 60, nanos: 1_000_000 },
  }),
  'a stream whose heart beats too slow by a nanosecond': stream('heartbeatMs=60001', {
    heartbeatInterval: { seconds: 60, nanos: 1 },
  }),
  'a wait of less than nothing': {
    rest: () => ['GET', '/v1/connections:wait?timeoutMs=-1'],
    grpc: ({ connections }) =>
      grpcCall((done) => connections.WaitConnections({ timeout: { nanos: -1 } }, done)),
  },
  'a stream of a listener that is none': {
    rest: () => ['GET', '/v1/events?listener=none', undefined, { accept: 'text/event-stream' }],
    async grpc() {
      using events = streamEvents(app.grpcAddress, { listeners: ['all', 'none'] }, {});
      const error = await events.ended;
      if (error !== null) throw error;
      return events.messages;
    },
  },
  'events of a listener that is none': {
    rest: () => ['GET', '/v1/events?listener=none'],
    grpc: ({ events }) =>
      grpcCall((done) => events.ListEvents({ filter: { listeners: ['none'] } }, done)),
  },
  'connections of a listener that is none': {
    rest: () => ['GET', `/v1/connections?listener=${nobody}`],
    grpc: ({ connections }) =>
      grpcCall((done) => connections.ListConnections({ listener: nobody }, done)),
  },
  'events with two starts': {
    rest: () => ['GET', '/v1/events?afterSeq=1&last=1'],
    grpc: ({ events }) => grpcCall((done) => events.ListEvents({ afterSeq: 1, last: 1 }, done)),
  },
  'events back from a start': {
    rest: () => ['GET', '/v1/events?order=desc&last=1'],
    grpc: ({ events }) =>
      grpcCall((done) => events.ListEvents({ order: 'EVENT_ORDER_DESC', last: 1 }, done)),
  },
  'listeners by a name that is none': {
    rest: () => ['GET', '/v1/listeners?name=9-lives'],
    grpc: ({ listeners }) => grpcCall((done) => listeners.ListListeners({ name: '9-lives' }, done)),
  },
  'events after the head': {
    rest: () => ['GET', '/v1/events?afterSeq=1000000'],
    grpc: ({ events }) => grpcCall((done) => events.ListEvents({ afterSeq: 1_000_000 }, done)),
  },
};

/** What an error says on either edge, request ids apart. */
function shared(error: { readonly [key: string]: unknown }) {
  const { code, detail, errors, owner, oldestSeq, headSeq, limit, limitValue } = error;
  return { code, detail, errors, owner, oldestSeq, headSeq, limit, limitValue };
}

describe('refused alike', () => {
  const seen = new Set<string>();

  test.each(Object.entries(refusals))('%s', async (_, { rest, grpc }) => {
    const reply = await call(app, ...rest());
    expect(reply.status, JSON.stringify(reply.body)).toBeGreaterThanOrEqual(400);
    expect(reply.status, JSON.stringify(reply.body)).toBeLessThan(500);
    const error = await grpc(client).then(
      (result) => expect.fail(`it was not refused: ${JSON.stringify(result)}`),
      (reason: ServiceError) => reason,
    );
    expect(shared(plainError(error))).toEqual(shared(reply.body));
    if (reply.body.code === 'invalid_argument') expect(reply.body.errors).not.toHaveLength(0);
    seen.add(reply.body.code);
  });

  test('with every code that a caller of a sound node can get', () => {
    const elsewhere = new Set([
      // Of REST only: web pages, and Idempotency-Key.
      'permission_denied',
      'idempotency_mismatch',
      // Wants a node of its own; see below, and parity-matrix.test.ts.
      'unauthenticated',
      'cursor_expired',
      'resource_exhausted',
      'unavailable',
      'internal',
    ]);
    const here = errorCodes.filter((code) => !elsewhere.has(code));
    expect([...seen].sort()).toEqual(here.sort());
  });

  test('without the token, and beyond a limit', long, async () => {
    const token = 'sixteen-or-more-characters';
    await using other = await startApp({ KODAMA_API_TOKEN: token, KODAMA_LISTENERS_MAX: '1' });
    using stranger = grpcClient(other.grpcAddress);
    using known = grpcClient(other.grpcAddress, { token });
    const error = (result: Promise<unknown>): Promise<ServiceError> =>
      result.then(
        () => expect.fail('it was not refused'),
        (reason) => reason,
      );
    const unknown = await call(other, 'POST', '/v1/listeners', {});
    expect(unknown.body.code).toBe('unauthenticated');
    expect(plainError(await error(create({})(stranger))).code).toBe('unauthenticated');
    const headers = { authorization: `Bearer ${token}` };
    await want(201, other, 'POST', '/v1/listeners', {}, headers);
    const full = await call(other, 'POST', '/v1/listeners', {}, headers);
    expect(full).toMatchObject({ status: 429, body: { limit: 'listenersMax', limitValue: 1 } });
    const more = grpcCall((done) => known.listeners.CreateListener({}, known.metadata, done));
    expect(shared(plainError(await error(more)))).toEqual(shared(full.body));
  });
});

/** Ids, ports and times differ from one create to the next. */
function masked(value: unknown): unknown {
  const text = JSON.stringify(value, (key, one) => {
    if (/^(id|seq|name|createdAt|updatedAt|closedAt|pid|fd)$/.test(key)) return `a ${key}`;
    return key === 'port' && one !== 0 ? 'a port' : one;
  });
  return JSON.parse(text);
}

function sameResult(fromGrpc: unknown, fromRest: unknown): void {
  expect(withoutNothing(plainMessage(fromGrpc))).toEqual(withoutNothing(fromRest as never));
}

function timestamp(time: string) {
  const [seconds = '', fraction = ''] = time.slice(0, -1).split('.');
  return { seconds: Date.parse(`${seconds}Z`) / 1000, nanos: Number(fraction) * 1000 };
}

describe('answered alike', () => {
  test('a create, with all defaults and with many fields', async () => {
    const fields = { labels: { env: 'ci', a: '' }, host: '127.0.0.2' };
    for (const each of [{}, fields]) {
      const fromRest = await want(201, app, 'POST', '/v1/listeners', each);
      const { listener: made } = (await create(each)(client)) as { listener: object };
      expect(masked(withoutNothing(plainMessage(made)))).toEqual(masked(withoutNothing(fromRest)));
    }
  });

  test('a batch and a range, all or nothing', async () => {
    const listeners = [{ labels: { n: '1' } }, { labels: { n: '2' } }];
    const fromRest = await want(201, app, 'POST', '/v1/listeners:batch', { listeners });
    const made = (await batch({ listeners })(client)) as { listeners: object[] };
    expect(masked(withoutNothing(plainMessage(made)))).toEqual(masked(withoutNothing(fromRest)));
    const before = await want(200, app, 'GET', '/v1/listeners?pageSize=1000');
    const ports = { from: foreignPort - 1, to: foreignPort };
    await expect(batch({ ports })(client)).rejects.toThrow();
    expect(await want(200, app, 'GET', '/v1/listeners?pageSize=1000')).toEqual(before);
  });

  test('a listener by id and by name, also a closed one', async () => {
    for (const id of [listener.id, 'all', closedId]) {
      const fromRest = await want(200, app, 'GET', `/v1/listeners/${id}`);
      sameResult(((await get(id)(client)) as { listener: object }).listener, fromRest);
    }
  });

  test('lists of listeners, by each filter', async () => {
    const filters = [
      [{}, ''],
      [{ state: 'LISTENER_STATE_CLOSED' }, 'state=closed'],
      [{ protocol: 'PROTOCOL_TCP' }, 'protocol=tcp'],
      [{ port: listener.laddr.port }, `port=${listener.laddr.port}`],
      [{ labels: { env: 'ci' } }, 'label=env=ci'],
      [{ labels: { env: 'no' } }, 'label=env=no'],
    ] as const;
    for (const [filter, query] of filters) {
      const fromRest = await want(200, app, 'GET', `/v1/listeners?${query}`);
      const found = await grpcCall((done) => client.listeners.ListListeners(filter, done));
      sameResult(found, fromRest);
    }
  });

  test('a change, with a mask and without', async () => {
    const made = await want(201, app, 'POST', '/v1/listeners', { name: 'x', labels: { a: '1' } });
    const update = async (request: object) => {
      const { listener: changed } = await grpcCall<{ listener?: object }>((done) =>
        client.listeners.UpdateListener({ id: made.id, ...request }, done),
      );
      const fromRest = await want(200, app, 'GET', `/v1/listeners/${made.id}`);
      sameResult(changed, fromRest);
      return fromRest;
    };
    expect(await update({ labels: { b: '2' } })).toMatchObject({ name: 'x', labels: { b: '2' } });
    expect(await update({ updateMask: { paths: ['name'] } })).toMatchObject({
      name: null,
      labels: { b: '2' },
    });
    expect(
      await update({ name: 'y', labels: { c: '3' }, updateMask: { paths: ['name', 'labels'] } }),
    ).toMatchObject({ name: 'y', labels: { c: '3' } });
    expect(await update({ updateMask: { paths: ['labels'] } })).toMatchObject({ labels: {} });
    const later = await update({ ttlMs: 3_600_000, updateMask: { paths: ['ttl_ms'] } });
    expect(Date.parse(later.expiresAt) - Date.now()).toBeGreaterThan(3_500_000);
    expect(await update({ updateMask: { paths: ['expires_at'] } })).toMatchObject({
      expiresAt: null,
    });
  });

  test('a time at the end of the year 9999 is told as one of it', async () => {
    const fromRest = await want(201, app, 'POST', '/v1/listeners', {
      expiresAt: '9999-12-31T23:59:59.999999Z',
    });
    const { listener: made } = await grpcCall<{ listener?: { id: string; expiresAt: object } }>(
      (done) =>
        client.listeners.CreateListener(
          { expiresAt: { seconds: 253_402_300_799, nanos: 999_999_999 } },
          done,
        ),
    );
    expect(fromRest.expiresAt).toBe('9999-12-31T23:59:59.000000Z');
    expect(made?.expiresAt).toMatchObject({ seconds: '253402300799', nanos: 0 });
    for (const id of [fromRest.id, made?.id]) {
      await want(204, app, 'DELETE', `/v1/listeners/${id}`);
    }
    const none = await want(200, app, 'GET', '/v1/connections?acceptedAfter=9999-12-31T23:59:59Z');
    expect(none.connections).toEqual([]);
  });

  test('a change is the same through either edge', long, async () => {
    const before = {
      labels: { a: '1', b: '2' },
      limits: { maxConnections: 5, maxConnectionsPerSource: 3, allowCidrs: ['127.0.0.0/8'] },
      expiresAt: '2100-01-01T00:00:00Z',
    };
    const changes: readonly (readonly [patch: object, request: object])[] = [
      [{}, {}],
      [{ labels: { c: '3' } }, { labels: { c: '3' } }],
      [{ labels: {} }, { updateMask: { paths: ['labels'] } }],
      [{ name: null }, { updateMask: { paths: ['name'] } }],
      [{ expiresAt: null }, { updateMask: { paths: ['expires_at'] } }],
      [{ faults: [] }, { updateMask: { paths: ['faults'] } }],
      [{ limits: { maxConnections: 9 } }, { limits: { maxConnections: 9 } }],
      [
        { limits: { maxConnectionsPerSource: null } },
        {
          limits: { maxConnections: 9 },
          updateMask: { paths: ['limits.max_connections_per_source'] },
        },
      ],
      [
        { limits: { allowCidrs: [], denyCidrs: ['10.0.0.1'] } },
        {
          limits: { denyCidrs: ['10.0.0.1'] },
          updateMask: { paths: ['limits.allow_cidrs', 'limits.deny_cidrs'] },
        },
      ],
      [
        { limits: { maxConnections: 10_000, maxConnectionsPerSource: null, allowCidrs: [] } },
        { updateMask: { paths: ['limits'] } },
      ],
    ];
    for (const [patch, request] of changes) {
      const name = (edge: string) => ({ ...before, name: `${edge}-changed` });
      const one = await want(201, app, 'POST', '/v1/listeners', name('rest'));
      const other = await want(201, app, 'POST', '/v1/listeners', name('grpc'));
      const fromRest = await want(200, app, 'PATCH', `/v1/listeners/${one.id}`, patch);
      const { listener: changed } = (await update({ id: other.id, ...request })(client)) as {
        listener: object;
      };
      const plain = masked(withoutNothing(plainMessage(changed)));
      expect(plain, JSON.stringify(request)).toEqual(masked(withoutNothing(fromRest)));
      for (const { id } of [one, other]) await want(204, app, 'DELETE', `/v1/listeners/${id}`);
    }
  });

  test('a change of one fault is the same through either edge', async () => {
    const latency = { type: 'latency', delayMs: 5, jitterMs: 3, seed: 7, match: { firstN: 2 } };
    const faults = [{ ...latency, name: 'one', expiresAt: '2100-01-01T00:00:00Z' }];
    const mask = (...paths: readonly string[]) => ({ updateMask: { paths } });
    const changes: readonly (readonly [patch: object, request: object])[] = [
      [{ enabled: false }, { fault: { enabled: false } }],
      [{ seed: null, match: null, expiresAt: null }, mask('seed', 'match', 'expires_at')],
      [{ name: null, jitterMs: null }, mask('name', 'latency.jitter_ms')],
      [
        { delayMs: 9, jitterMs: null, distribution: null },
        { fault: { seed: 1, latency: { delayMs: 9 } }, ...mask('latency') },
      ],
      [{ delayMs: null }, mask('latency.delay_ms')],
      [{ type: 'close', mode: null }, mask('close.mode')],
    ];
    for (const [patch, request] of changes) {
      const one = await want(201, app, 'POST', '/v1/listeners', { faults });
      const other = await want(201, app, 'POST', '/v1/listeners', { faults });
      const path = `/v1/listeners/${one.id}/faults/one`;
      const { status, body } = await call(app, 'PATCH', path, patch);
      const change = { id: other.id, faultName: 'one', ...request };
      const answer = grpcCall<{ listener: object }>((done) =>
        client.listeners.UpdateFault(change, done),
      );
      if (status === 200) {
        const { listener: changed } = await answer;
        const plain = masked(withoutNothing(plainMessage(changed)));
        expect(plain, JSON.stringify(request)).toEqual(masked(withoutNothing(body)));
      } else {
        await expect(answer, JSON.stringify(request)).rejects.toThrow(body.detail);
      }
      for (const { id } of [one, other]) await want(204, app, 'DELETE', `/v1/listeners/${id}`);
    }
  });

  test('a listener is written the same however it is asked for', async () => {
    const made = await want(201, app, 'POST', '/v1/listeners', { labels: { b: '1', a: '2' } });
    const found = await want(200, app, 'GET', `/v1/listeners/${made.id}`);
    const { listeners } = await want(200, app, 'GET', '/v1/listeners?label=b=1');
    const { events } = await want(200, app, 'GET', `/v1/events?listenerId=${made.id}`);
    const texts = [made, found, listeners[0], events[1].listener].map((one) => {
      // Labels are a map, without an order of its own.
      return JSON.stringify({ ...one, labels: null });
    });
    expect(new Set(texts).size).toBe(1);
  });

  test('streams, from each start and with each filter', long, async () => {
    const { events } = await want(200, app, 'GET', '/v1/events?pageSize=1000');
    const [first] = events;
    const { connection } = events.find((one: { connection?: object }) => one.connection);
    const asks: readonly (readonly [query: string, filter: object, start: object])[] = [
      ['afterSeq=0', {}, { afterSeq: 0 }],
      ['afterSeq=5', {}, { afterSeq: 5 }],
      ['last=7', {}, { last: 7 }],
      ['fromNow=true', {}, { fromNow: true }],
      ['', {}, {}],
      [`since=${events[9].time}`, {}, { since: timestamp(events[9].time) }],
      [
        `afterSeq=0&listenerId=${first.listenerId}`,
        { listenerIds: [first.listenerId] },
        { afterSeq: 0 },
      ],
      [
        `afterSeq=0&connectionId=${connection.id}`,
        { connectionIds: [connection.id] },
        { afterSeq: 0 },
      ],
      [
        'last=2&type=connection_closed&type=listener_closed',
        { types: ['EVENT_TYPE_CONNECTION_CLOSED', 'EVENT_TYPE_LISTENER_CLOSED'] },
        { last: 2 },
      ],
      ['afterSeq=0&remoteCidr=127.0.0.0/8', { remoteCidrs: ['127.0.0.0/8'] }, { afterSeq: 0 }],
      ['afterSeq=0&protocol=udp', { protocols: ['PROTOCOL_UDP'] }, { afterSeq: 0 }],
      ['afterSeq=0&listener=all', { listeners: ['all'] }, { afterSeq: 0 }],
      [
        `afterSeq=0&listener=was&listener=${first.listenerId}`,
        {
          listeners: ['was', first.listenerId],
        },
        { afterSeq: 0 },
      ],
      ['afterSeq=0&label=env=ci', { labels: { env: 'ci' } }, { afterSeq: 0 }],
      ['afterSeq=0&label=env=none', { labels: { env: 'none' } }, { afterSeq: 0 }],
    ];
    for (const [query, filter, start] of asks) {
      const url = `${app.url}/v1/events?${query}&endAtHead=true`;
      const lines = await collect(ndjson(url));
      using other = streamEvents(app.grpcAddress, filter, { ...start, endAtHead: true });
      expect(await other.ended).toBeNull();
      const seen = other.messages.map((one) => withoutNothing(plainMessage(one)));
      expect(seen, query).toEqual(lines.map(withoutNothing));
    }
  });

  test('an end: the port is free at once, a second end is no error', async () => {
    const made = await want(201, app, 'POST', '/v1/listeners', {});
    const end = () => grpcCall((done) => client.listeners.DeleteListener({ id: made.id }, done));
    expect(await end()).toEqual({ state: 'LISTENER_STATE_CLOSED' });
    const again = await want(201, app, 'POST', '/v1/listeners', { port: made.laddr.port });
    expect(again.laddr).toEqual(made.laddr);
    expect(await end()).toEqual({ state: 'LISTENER_STATE_CLOSED' });
  });

  test('connections, by each filter, and each by its id', async () => {
    const { connections } = await want(200, app, 'GET', '/v1/connections?listener=all');
    expect(connections).toHaveLength(3);
    const [newest] = connections;
    const seconds = Math.floor(Date.parse(newest.acceptedAt) / 1000);
    const at = new Date(seconds * 1000).toISOString();
    const filters = [
      [{}, ''],
      [{ listener: 'all' }, 'listener=all'],
      [
        { listener: listener.id, state: 'CONNECTION_STATE_CLOSED' },
        `listener=${listener.id}&state=closed`,
      ],
      [{ state: 'CONNECTION_STATE_OPEN' }, 'state=open'],
      [{ listener: 'was' }, 'listener=was'],
      [{ labels: { env: 'ci' } }, 'label=env=ci'],
      [{ labels: { env: 'ci' }, listener: 'another' }, 'label=env=ci&listener=another'],
      [{ raddr: '127.0.0.0/8' }, 'raddr=127.0.0.0/8'],
      [{ raddr: '10.0.0.1' }, 'raddr=10.0.0.1'],
      [{ lport: listener.laddr.port }, `lport=${listener.laddr.port}`],
      [{ closeReason: 'CLOSE_REASON_PEER_FIN' }, 'closeReason=peer_fin'],
      [{ closeReason: 'CLOSE_REASON_PEER_RST' }, 'closeReason=peer_rst'],
      [{ protocol: 'PROTOCOL_UDP' }, 'protocol=udp'],
      [{ acceptedAfter: { seconds } }, `acceptedAfter=${at}`],
      [{ acceptedBefore: { seconds } }, `acceptedBefore=${at}`],
    ] as const;
    for (const [filter, query] of filters) {
      const fromRest = await want(200, app, 'GET', `/v1/connections?${query}`);
      const found = await grpcCall((done) => client.connections.ListConnections(filter, done));
      sameResult(found, fromRest);
    }
    for (const { id } of connections) {
      const fromRest = await want(200, app, 'GET', `/v1/connections/${id}`);
      const { connection } = await grpcCall<{ connection?: object }>((done) =>
        client.connections.GetConnection({ id }, done),
      );
      sameResult(connection, fromRest);
    }
  });

  test('an end of a connection, and one of the ended one', async () => {
    const made = await want(201, app, 'POST', '/v1/listeners', {});
    for (const [mode, reason] of [
      ['CLOSE_MODE_FIN', 'operator_fin'],
      ['CLOSE_MODE_RST', 'operator_rst'],
      ['CLOSE_MODE_UNSPECIFIED', 'operator_fin'],
    ] as const) {
      await using peer = await openClient(made.laddr.port);
      await peer.echo('x');
      const path = `/v1/connections?listener=${made.id}&state=open`;
      const id = await waitFor('the record', async () => {
        return (await want(200, app, 'GET', path)).connections[0]?.id;
      });
      const end = () =>
        grpcCall<{ connection?: object }>((done) =>
          client.connections.CloseConnection({ id, mode }, done),
        );
      const { connection } = await end();
      expect(plainMessage(connection)).toMatchObject({
        state: 'closed',
        closeReason: reason,
        closeInitiator: 'operator',
      });
      const fromRest = await want(200, app, 'POST', `/v1/connections/${id}:close`, {});
      sameResult(connection, fromRest);
      sameResult((await end()).connection, fromRest);
      await peer.ended;
    }
  });

  test('pages of the log, each edge with the tokens of the other', async () => {
    const head = (await want(200, app, 'GET', '/v1/status')).headSeq;
    let token = '';
    let seen = 0;
    for (let turn = 0; turn === 0 || token !== ''; turn += 1) {
      const query = `pageSize=4&pageToken=${encodeURIComponent(token)}`;
      const fromRest = await want(200, app, 'GET', `/v1/events?${query}`);
      const found = await grpcCall<{ nextPageToken?: string }>((done) =>
        client.events.ListEvents({ pageSize: 4, pageToken: token }, done),
      );
      sameResult(found, fromRest);
      seen += fromRest.events.length;
      token = (turn % 2 === 0 ? found.nextPageToken : fromRest.nextPageToken) ?? '';
    }
    expect(seen).toBe(head);
  });

  test('a page goes on by its token, however its filters are written', async () => {
    const written = [
      'type=connection_opened&type=connection_closed&remoteCidr=127.0.0.1',
      'type=connection_closed&remoteCidr=127.0.0.1/32&type=connection_opened&type=connection_opened',
      'type=connection_closed&type=connection_opened&remoteCidr=::ffff:7f00:1',
    ];
    const { events, nextPageToken } = await want(200, app, 'GET', `/v1/events?${written[0]}`);
    expect(nextPageToken).toBeUndefined();
    let token = '';
    for (const query of [...written, ...written]) {
      const path = `/v1/events?pageSize=1&${query}&pageToken=${encodeURIComponent(token)}`;
      const page = await want(200, app, 'GET', path);
      expect(page.events).toEqual([events.shift()]);
      token = page.nextPageToken;
      if (events.length === 0) break;
    }
    const raddrs = ['127.0.0.1', '127.0.0.1/32', '::ffff:7f00:1/128'];
    let next = '';
    for (const raddr of raddrs) {
      const path = `/v1/connections?pageSize=1&raddr=${raddr}&pageToken=${next}`;
      next = (await want(200, app, 'GET', path)).nextPageToken ?? '';
    }
  });

  test('pages of the log from the newest, forth and back, by name and label', async () => {
    const asks = [
      ['last=3', { last: 3 }],
      ['order=desc', { order: 'EVENT_ORDER_DESC' }],
      ['order=asc&afterSeq=2', { order: 'EVENT_ORDER_ASC', afterSeq: 2 }],
      ['order=desc&listener=was', { order: 'EVENT_ORDER_DESC', filter: { listeners: ['was'] } }],
      ['last=2&label=env=ci', { last: 2, filter: { labels: { env: 'ci' } } }],
    ] as const;
    for (const [query, message] of asks) {
      const fromRest = await want(200, app, 'GET', `/v1/events?pageSize=2&${query}`);
      const found = await grpcCall((done) =>
        client.events.ListEvents({ pageSize: 2, ...message }, done),
      );
      sameResult(found, fromRest);
      expect(fromRest.events).toHaveLength(2);
    }
  });
});
