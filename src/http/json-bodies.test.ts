/** What a body may hold: what goes beyond is refused before it is read, and named as far as its beginning shows it. */
import { once } from 'node:events';
import { type IncomingMessage, type OutgoingHttpHeaders, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { want } from '../../test/support/rest-client.ts';
import { type RestEdge, restEdge } from '../../test/support/rest-edge.ts';
import { listenerSchemas } from '../api/listener-input.ts';
import { read } from '../api/parse.ts';
import { readConfig } from '../config.ts';
import { defaultBounds } from '../core/listener-bounds.ts';
import { excessOf } from './json-excess.ts';

const { bodyBytesMax, bodyDepthMax, bodyPartsMax, bodyEntriesMax } = readConfig({}).http.limits;
const tooManyEntries = 'an object or list in the body holds more than 1024 entries';
const tooManyParts = 'the body holds more than 32768 objects, lists and fields';
const unknown = 'is not a field of this request';

let edge: RestEdge;
beforeAll(async () => {
  edge = await restEdge({ limits: { bodyBytesMax, bodyPartsMax, bodyEntriesMax } });
});
afterAll(() => edge[Symbol.asyncDispose]());

async function refusalOf(path: string, body: string, method = 'POST') {
  const reply = await fetch(edge.url + path, {
    method,
    headers: { 'content-type': 'application/json' },
    body,
  });
  const { errors, detail } = (await reply.json()) as {
    readonly errors: readonly { readonly path: string; readonly message: string }[];
    readonly detail: string;
  };
  return { status: reply.status, detail, errors };
}

/** As fetch does not send it. */
async function get(path: string, body: string, headers: OutgoingHttpHeaders = {}) {
  const asked = request(edge.url + path, {
    headers: { 'content-type': 'application/json', 'content-length': body.length, ...headers },
  });
  asked.end(body);
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  return { status: answer.statusCode, text: await text(answer) };
}

test('a field that is given twice is refused by its path', async () => {
  const twice = '{"name":"a","limits":{"maxConnections":1,"maxConnections":2}}';
  const path = 'limits.maxConnections';
  expect(await refusalOf('/v1/listeners', twice)).toMatchObject({
    status: 400,
    errors: [{ path, message: 'is given more than once' }],
  });
  expect(await refusalOf('/v1/listeners/a', twice, 'PATCH')).toMatchObject({ errors: [{ path }] });
  expect(await refusalOf('/v1/listeners', '{"name":"a","\\u006eame":"b"}')).toMatchObject({
    errors: [{ path: 'name' }],
  });
  const name = 'n'.repeat(500_000);
  const long = await refusalOf('/v1/listeners', `{"${name}":1,"${name}":2}`);
  expect(JSON.stringify(long).length).toBeLessThan(4000);
});

test.each([
  ['/v1/listeners', 'application/json'],
  ['/v1/connections', 'application/json'],
  ['/v1/events', 'application/json'],
  ['/v1/events', 'application/x-ndjson'],
  ['/v1/status', 'application/json'],
])('a body that asks for something is refused of a GET, too: %s, %s', async (path, accept) => {
  const refused = await get(path, '{"pageSize":1}', { accept });
  expect(refused.status).toBe(400);
  expect(JSON.parse(refused.text).errors).toMatchObject([{ path: 'pageSize' }]);
  expect((await get(path, '{', { accept })).status).toBe(400);
  expect((await get(path, '{}', { accept, 'content-type': 'text/plain' })).status).toBe(415);
});

test('a GET whose body asks for nothing is answered, of whatever type where it has none', async () => {
  for (const body of ['', '{}', 'null']) {
    expect((await get('/v1/listeners', body)).status).toBe(200);
  }
  const headers = { 'content-type': 'nonsense' };
  expect((await fetch(`${edge.url}/v1/listeners`, { headers })).status).toBe(200);
  expect((await fetch(`${edge.url}/v1/listeners`, { headers, method: 'HEAD' })).status).toBe(200);
});

const fields = Array.from({ length: 45_000 }, (_, n) => `"k${n}":0`).join();

test.each([
  ['/v1/listeners', 'k0', `{${fields}}`],
  ['/v1/listeners:batch', 'listeners[1].k0', `{"listeners":[{},{${fields}}]}`],
  ['/v1/listeners:batch', 'ports.k0', `{"ports":{"from":1,"to":2,${fields}}}`],
  ['/v1/listeners', 'limits.k0', `{"limits":{"maxBytes":1,${fields}}}`],
  ['/v1/listeners', 'faults[0].k0', `{"faults":[{"type":"drop",${fields}}]}`],
  ['/v1/listeners', 'faults[0].match.k0', `{"faults":[{"type":"drop","match":{${fields}}}]}`],
  ['/v1/listeners', 'tls.k0', `{"protocol":"tls","tls":{${fields}}}`],
])('of 45,000 unknown fields the first are named: %s, %s', async (path, first, body) => {
  const { status, detail, errors } = await refusalOf(path, body);
  expect({ status, detail }).toEqual({ status: 400, detail: `${first}: ${unknown}` });
  expect(errors).toHaveLength(20);
  const place = first.slice(0, -'k0'.length);
  expect(errors.map((error) => error.path)).toEqual(errors.map((_, n) => `${place}k${n}`));
});

test.each([
  ['labels', `{"labels":{${fields.replaceAll(':0', ':"x"')}}}`, 'labels: holds at most 32'],
  ['listeners', `{"listeners":[${Array(40_000).fill('{}')}]}`, 'listeners: holds at most 100'],
  ['a field many times', `{${Array(2000).fill('"port":0')}}`, tooManyEntries],
  [
    'fields of many',
    `{"labels":{},${Array(700).fill(`"limits":{${Array(60).fill('"maxBytes":1')}}`)}}`,
    tooManyParts,
  ],
  [
    'networks',
    `{"limits":{"denyCidrs":[${Array(40_000).fill('"x"')}]}}`,
    'limits.denyCidrs: holds at most 256',
  ],
  ['a body that is no object', `[${Array(40_000).fill('{}')}]`, 'must be an object'],
  ['no JSON', `{${Array(2000).fill('"a":')}}`, 'the body is not valid JSON in UTF-8'],
])('what is wrong is told, and that there is too much: %s', async (_, body, detail) => {
  const path = body.includes('"listeners"') ? '/v1/listeners:batch' : '/v1/listeners';
  expect(await refusalOf(path, body)).toMatchObject({ status: 400, detail });
});

test('nothing comes of a body that holds too much, though its beginning is right', async () => {
  const { errors } = await refusalOf('/v1/listeners', `{${Array(2000).fill('"port":0')}}`);
  expect(errors).toEqual([{ path: '', message: tooManyEntries }]);
  expect((await want(200, edge, 'GET', '/v1/listeners')).listeners).toEqual([]);
});

test.each([
  ['DELETE', '', { drainMs: 5000 }, `drainMs: ${unknown}; send it in the query, as ?drainMs=`],
  ['DELETE', '/faults/latency', { enabled: false }, `enabled: ${unknown}`],
  ['POST', '/faults:reset', { name: 'latency' }, `name: ${unknown}`],
  ['POST', '/faults:reset', Object.fromEntries([...Array(2000).keys()].entries()), `0: ${unknown}`],
  ['DELETE', '', [], 'must be an object'],
])(
  'what no body may ask for is refused, and nothing done: %s %s %o',
  async (method, path, body, detail) => {
    const faults = [{ type: 'latency', delayMs: 1 }];
    const { id } = await want(201, edge, 'POST', '/v1/listeners', { faults });
    const at = `/v1/listeners/${id}`;
    const refusal = await refusalOf(at + path, JSON.stringify(body), method);
    expect(refusal).toMatchObject({ status: 400, detail });
    expect((await want(200, edge, 'GET', at)).faults).toHaveLength(1);
    await want(204, edge, 'DELETE', at);
  },
);

test.each([
  ['none', undefined],
  ['an empty one', ''],
  ['an empty object', '{}'],
  ['null', 'null'],
])('a body that asks for nothing is taken by every operation: %s', async (_, body) => {
  const { id } = await want(201, edge, 'POST', '/v1/listeners', {});
  const headers = { 'content-type': 'application/json' };
  for (const [method, path, status] of [
    ['POST', '/faults:reset', 200],
    ['DELETE', '', 204],
  ] as const) {
    const url = `${edge.url}/v1/listeners/${id}${path}`;
    expect((await fetch(url, { method, headers, body: body ?? null })).status).toBe(status);
  }
});

test('the largest batch holds less than that', () => {
  const { batchMax, faultsMax, labelsMax } = defaultBounds;
  const text = (n: number) => `label-${n}`;
  const one = {
    name: null,
    port: 0,
    labels: Object.fromEntries(Array.from({ length: labelsMax }, (_, n) => [text(n), 'x'])),
    protocol: 'tls',
    host: '::1',
    mode: 'echo',
    limits: {
      maxConnections: 1,
      maxConnectionsPerSource: 1,
      acceptRate: { perSecond: 1, burst: 1 },
      idleTimeoutMs: 1,
      maxDurationMs: 1,
      maxBytes: 1,
      writeTimeoutMs: 1,
      udpIdleTimeoutMs: 1,
      allowCidrs: ['::1'],
      denyCidrs: ['::1'],
    },
    faults: Array(faultsMax).fill({
      type: 'latency',
      delayMs: 1,
      jitterMs: 1,
      distribution: 'normal',
      probability: 1,
      seed: 1,
      match: { cidr: '::1', everyNth: 1, firstN: 1, afterN: 0 },
      enabled: true,
      expiresAt: null,
    }),
    tls: { clientAuth: 'none', minVersion: 'TLSv1.3' },
    proxyProtocol: { mode: 'off', trustedCidrs: [] },
    recording: 'durable',
    expiresAt: null,
    ttlMs: 1,
  };
  const value = { listeners: Array(batchMax).fill(one) };
  const body = Buffer.from(JSON.stringify(value));
  expect(body.length).toBeLessThanOrEqual(bodyBytesMax);
  expect(read(listenerSchemas(defaultBounds).batch, value)).toHaveProperty('data');
  const bounds = {
    depthMax: bodyDepthMax,
    partsMax: bodyPartsMax,
    entriesMax: bodyEntriesMax,
  };
  expect(excessOf(body, bounds)).toBeNull();
});
