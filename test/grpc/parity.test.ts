/** Every use case through REST and through gRPC: same results, same refusals in the same words. */
import { createServer } from 'node:net';
import type { ServiceError } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BatchCreateListenersRequest } from '../../src/grpc/generated/kodama/v1/BatchCreateListenersRequest.ts';
import type { CreateListenerRequest } from '../../src/grpc/generated/kodama/v1/CreateListenerRequest.ts';
import { type GrpcClient, call as grpcCall, grpcClient } from '../support/grpc-client.ts';
import { plainError, plainMessage, withoutNothing } from '../support/plain-message.ts';
import { call, want } from '../support/rest-client.ts';
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
type Rest = readonly [method: string, path: string, body?: object];

interface Case {
  readonly rest: () => Rest;
  readonly grpc: Send;
}

const create =
  (request: CreateListenerRequest): Send =>
  ({ listeners }) =>
    grpcCall((done) => listeners.CreateListener(request, done));
const batch =
  (request: BatchCreateListenersRequest): Send =>
  ({ listeners }) =>
    grpcCall((done) => listeners.BatchCreateListeners(request, done));
const get =
  (id: string): Send =>
  ({ listeners }) =>
    grpcCall((done) => listeners.GetListener({ id }, done));

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
  'a name that is taken': sameCreate({ name: 'all' }),
  'a privileged port': sameCreate({ port: 80 }),
  'an address that is not ours': sameCreate({ host: '192.0.2.1' }),
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
  test.each(Object.entries(refusals))('%s', async (_, { rest, grpc }) => {
    const reply = await call(app, ...rest());
    expect(reply.status, JSON.stringify(reply.body)).toBeGreaterThanOrEqual(400);
    expect(reply.status, JSON.stringify(reply.body)).toBeLessThan(500);
    const error = await grpc(client).then(
      (result) => expect.fail(`it was not refused: ${JSON.stringify(result)}`),
      (reason: ServiceError) => reason,
    );
    expect(shared(plainError(error))).toEqual(shared(reply.body));
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

  test('an end: the port is free at once, a second end is no error', async () => {
    const made = await want(201, app, 'POST', '/v1/listeners', {});
    const end = () => grpcCall((done) => client.listeners.DeleteListener({ id: made.id }, done));
    expect(await end()).toEqual({});
    const again = await want(201, app, 'POST', '/v1/listeners', { port: made.laddr.port });
    expect(again.laddr).toEqual(made.laddr);
    expect(await end()).toEqual({});
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
});
