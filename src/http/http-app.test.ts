import { once } from 'node:events';
import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import pino from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { long } from '../../test/support/long.ts';
import { rawHttp } from '../../test/support/raw-http.ts';
import { call, want } from '../../test/support/rest-client.ts';
import { type RestEdge, restEdge } from '../../test/support/rest-edge.ts';
import { tokenKeys } from '../../test/support/token-keys.ts';
import { waitFor } from '../../test/support/wait-for.ts';
import { AppError } from '../core/errors.ts';

const json = { 'content-type': 'application/json' };
const unknownId = '01987c5e-3b1a-7c44-9f3e-5d1c2a7b8e90';

/** Of all that is refused before anything is done. */
let edge: RestEdge;
beforeAll(async () => {
  edge = await restEdge();
});
afterAll(() => edge[Symbol.asyncDispose]());

/** Sends a body as it is. */
function post(url: string, body: string | Uint8Array, headers: Record<string, string>) {
  return fetch(url, { method: 'POST', body, headers, signal: AbortSignal.timeout(10_000) });
}

test.each([
  ['GET', '/nope', 404, 'not_found'],
  ['GET', '/v1', 404, 'not_found'],
  ['GET', '/v2/listeners', 404, 'not_found'],
  ['GET', '/docs/static/nope.js', 404, 'not_found'],
  ['GET', '/docs/static/..%2f..%2fpackage.json', 404, 'not_found'],
  ['GET', '/v1/status/', 404, 'not_found'],
  ['GET', '/v1/listeners/', 404, 'not_found'],
  ['GET', '/v1/connections/?pageSize=1', 404, 'not_found'],
  ['DELETE', '/v1/listeners/', 404, 'not_found'],
  ['POST', '/v1/connections/:close', 404, 'not_found'],
  ['GET', '/nodes/', 404, 'not_found'],
  ['GET', '/listeners/', 404, 'not_found'],
  ['GET', '/connections/', 404, 'not_found'],
  ['GET', '/v1/listeners/nope', 404, 'not_found'],
  ['GET', `/v1/listeners/${unknownId}`, 404, 'not_found'],
  ['GET', `/v1/connections/${unknownId}`, 404, 'not_found'],
  ['GET', '/v1/connections?listener=nope', 404, 'not_found'],
  ['DELETE', '/v1/listeners/nope', 404, 'not_found'],
  ['POST', `/v1/connections/${unknownId}:close`, 404, 'not_found'],
  ['POST', `/v1/connections/${unknownId}:open`, 404, 'not_found'],
  ['GET', '/v1/%zz', 400, 'invalid_argument'],
  ['GET', '/v1/listeners/%00', 400, 'invalid_argument'],
  ['GET', `/v1/listeners/${'x'.repeat(100)}`, 400, 'invalid_argument'],
  ['GET', `/v1/listeners/${'x'.repeat(300)}`, 414, 'invalid_argument'],
  ['GET', '/v1/connections/1', 400, 'invalid_argument'],
  ['GET', '/v1/status?verbose=true', 400, 'invalid_argument'],
  ['GET', '/v1/listeners/x?fields=id', 400, 'invalid_argument'],
  ['DELETE', '/v1/listeners/x?drainMs=-1', 400, 'invalid_argument'],
])('%s %s is refused with %i', async (method, path, status, code) => {
  const { headers, ...reply } = await call(edge, method, path);
  expect(reply).toEqual({
    status,
    body: expect.objectContaining({
      type: `urn:kodama:error:${code}`,
      title: expect.any(String),
      detail: expect.any(String),
      status,
      code,
      requestId: headers.get('x-request-id'),
    }),
  });
  expect(headers.get('content-type')).toContain('application/problem+json');
  const named = [{ path: expect.any(String), message: expect.any(String) }];
  expect(reply.body.errors).toEqual(code === 'invalid_argument' ? named : undefined);
});

test.each([
  ['PUT', '/v1/listeners', 'GET, HEAD, POST'],
  ['QUERY', '/v1/listeners', 'GET, HEAD, POST'],
  ['QUERY', '/v1/events', 'GET, HEAD'],
  ['PROPFIND', '/v1/listeners', 'GET, HEAD, POST'],
  ['GET', '/v1/listeners:batch', 'POST'],
  ['POST', '/v1/status', 'GET, HEAD'],
  ['PUT', `/v1/connections/${unknownId}:close`, 'POST'],
  ['POST', `/v1/connections/${unknownId}`, 'GET, HEAD'],
  ['OPTIONS', '/v1/listeners', 'GET, HEAD, POST'],
  ['DELETE', '/healthz', 'GET, HEAD, OPTIONS'],
])('%s %s is told what the path takes', async (method, path, allow) => {
  const { status, headers, body } = await call(edge, method, path);
  expect({ status, allow: headers.get('allow') }).toEqual({ status: 405, allow });
  expect(body).toMatchObject({ code: 'invalid_argument', errors: [{ path: 'method' }] });
});

test.each([
  ['text/plain', '{}'],
  ['application/x-www-form-urlencoded', 'name=x'],
  ['multipart/form-data; boundary=x', '--x--'],
  ['application/merge-patch+json', '{}'],
  ['application/jsonx', '{}'],
  ['nonsense', '{}'],
  ['', '{}'],
])('a body of the type %j is refused', async (type, body) => {
  const reply = await post(`${edge.url}/v1/listeners`, Buffer.from(body), {
    'content-type': type,
  });
  expect(reply.status).toBe(415);
  expect(await reply.json()).toMatchObject({
    code: 'invalid_argument',
    status: 415,
    errors: [{ path: 'content-type' }],
  });
  expect(edge.dataPlane.calls).toEqual([]);
});

test.each(['{', 'nope', '{"name": "x",}', '\u0000', Buffer.from('{"name":"\xff"}', 'latin1')])(
  'a body that is no JSON is refused: %j',
  async (body) => {
    const reply = await post(`${edge.url}/v1/listeners`, body, json);
    expect(reply.status).toBe(400);
    expect(await reply.json()).toMatchObject({ code: 'invalid_argument', errors: [{ path: '' }] });
  },
);

test.each([
  ['{"__proto__": {"port": 1}}', '__proto__'],
  ['{"labels": {"__proto__": "x"}}', 'labels.__proto__'],
  ['{"constructor": {"prototype": {"port": 1}}}', 'constructor'],
])('%s is refused by its field', async (body, path) => {
  const reply = await post(`${edge.url}/v1/listeners`, body, json);
  expect(await reply.json()).toMatchObject({ status: 400, errors: [{ path }] });
});

test.each(['null', '[]', '5', '"x"', 'true'])(
  'a body that is no object is refused: %s',
  async (body) => {
    const reply = await post(`${edge.url}/v1/listeners`, body, json);
    expect(await reply.json()).toMatchObject({ status: 400, errors: [{ path: '' }] });
  },
);

test('an empty body asks for all the defaults, whatever its type', async () => {
  await using edge = await restEdge();
  const start = 'POST /v1/listeners HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n';
  const types = [null, 'application/json', 'application/x-www-form-urlencoded', 'nonsense', ''];
  for (const type of types) {
    const header = type === null ? '' : `content-type: ${type}\r\n`;
    const sized = await rawHttp(edge.port, `${start}${header}content-length: 0\r\n\r\n`);
    expect([type, sized.status]).toEqual([type, 201]);
  }
  const form = 'content-type: application/x-www-form-urlencoded\r\n';
  const chunks = 'transfer-encoding: chunked\r\n\r\n0\r\n\r\n';
  expect((await rawHttp(edge.port, `${start}${form}${chunks}`)).status).toBe(201);
});

test('a body in a transfer coding other than chunks is refused by that name', async () => {
  await using edge = await restEdge();
  const start =
    'POST /v1/listeners HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\n';
  const chunks = '2\r\n{}\r\n0\r\n\r\n';
  for (const [coding, status] of [
    ['chunked', 201],
    ['Chunked', 201],
    ['gzip, chunked', 415],
    ['deflate,chunked', 415],
  ] as const) {
    const text = `${start}transfer-encoding: ${coding}\r\n\r\n${chunks}`;
    const reply = await rawHttp(edge.port, text);
    expect([coding, reply.status]).toEqual([coding, status]);
    if (status === 415) expect(reply.body).toContain('"path":"transfer-encoding"');
  }
});

test('a body in an encoding is refused by that name, not taken for bad JSON', async () => {
  await using edge = await restEdge();
  const refused = await post(`${edge.url}/v1/listeners`, gzipSync('{}'), {
    ...json,
    'content-encoding': 'gzip',
  });
  expect({ status: refused.status, accepts: refused.headers.get('accept-encoding') }).toEqual({
    status: 415,
    accepts: 'identity',
  });
  expect(await refused.json()).toMatchObject({ errors: [{ path: 'content-encoding' }] });
  const plain = { ...json, 'content-encoding': 'identity' };
  expect((await post(`${edge.url}/v1/listeners`, '{}', plain)).status).toBe(201);
});

test('a colon of a path may be escaped', async () => {
  await using edge = await restEdge();
  await want(201, edge, 'POST', '/v1/listeners%3Abatch', { listeners: [{}] });
  await want(404, edge, 'POST', `/v1/connections/${unknownId}%3aclose`);
  const { body } = await call(edge, 'GET', '/v1/listeners%3Abatch?x=%3A');
  expect(body).toMatchObject({ status: 405 });
});

test('JSON ends with a newline, so that a terminal shows its prompt below', async () => {
  await using edge = await restEdge();
  const requests = [
    fetch(`${edge.url}/v1/status`),
    fetch(`${edge.url}/v1/nope`),
    fetch(`${edge.url}/openapi.json`),
    post(`${edge.url}/v1/listeners`, '{}', json),
    post(`${edge.url}/v1/listeners`, '{', json),
  ];
  for (const reply of await Promise.all(requests)) {
    expect(await reply.text(), reply.url).toMatch(/[^\n]\n$/);
  }
  const { body, headers } = await rawHttp(edge.port, 'nonsense\r\n\r\n');
  expect(body).toMatch(/}\n$/);
  expect(Number(headers['content-length'])).toBe(Buffer.byteLength(body));
});

test('PATCH takes a merge patch too', async () => {
  await using edge = await restEdge();
  const { id } = await want(201, edge, 'POST', '/v1/listeners', {});
  const patch = { 'content-type': 'application/merge-patch+json' };
  const changed = await want(200, edge, 'PATCH', `/v1/listeners/${id}`, { name: 'x' }, patch);
  expect(changed.name).toBe('x');
});

test('unknown fields are refused by name, however deep', async () => {
  await using edge = await restEdge();
  const body = {
    nope: 1,
    limits: { nope: 1 },
    faults: [{ type: 'refuse', nope: 1 }],
    proxyProtocol: { nope: 1 },
  };
  const { errors } = await want(400, edge, 'POST', '/v1/listeners', body);
  expect(errors.map((error: { path: string }) => error.path).sort()).toEqual([
    'faults[0].nope',
    'limits.nope',
    'nope',
    'proxyProtocol.nope',
  ]);
});

test('what is too large is refused by the name of its limit', async () => {
  await using edge = await restEdge({ limits: { bodyBytesMax: 1000, headerBytesMax: 4096 } });
  const large = await post(`${edge.url}/v1/listeners`, `"${'x'.repeat(2000)}"`, json);
  expect(await large.json()).toMatchObject({
    status: 413,
    code: 'resource_exhausted',
    limit: 'bodyBytesMax',
  });
  const header = `GET / HTTP/1.1\r\nhost: localhost\r\nx: ${'x'.repeat(5000)}\r\n\r\n`;
  const { status, headers, body } = await rawHttp(edge.port, header);
  expect({ status, type: headers['content-type'] }).toEqual({
    status: 431,
    type: 'application/problem+json',
  });
  expect(JSON.parse(body)).toMatchObject({ limit: 'headerBytesMax' });
});

test('what is no HTTP is answered with a problem', async () => {
  await using edge = await restEdge();
  for (const text of ['nonsense\r\n\r\n', '\u0016\u0003\u0001\r\n\r\n', 'GET / HTTP/9.9\r\n\r\n']) {
    const { status, body } = await rawHttp(edge.port, text);
    expect(status).toBe(400);
    expect(JSON.parse(body)).toMatchObject({ code: 'invalid_argument' });
  }
});

test(
  'a request that does not arrive in time is let go, be it in its headers or its body',
  long,
  async () => {
    await using edge = await restEdge({ limits: { headersTimeoutMs: 200, requestTimeoutMs: 400 } });
    const start = 'POST /v1/listeners HTTP/1.1\r\nhost: localhost\r\n';
    const headers = await rawHttp(edge.port, start);
    expect(headers.status).toBe(408);
    expect(JSON.parse(headers.body)).toMatchObject({ code: 'unavailable' });
    const body = `${start}content-type: application/json\r\ncontent-length: 10\r\n\r\n{`;
    expect((await rawHttp(edge.port, body)).status).toBe(408);
    await want(200, edge, 'GET', '/v1/status');
  },
);

test('nonsense after a stream has begun does not get into the stream', async () => {
  await using edge = await restEdge({ limits: { stopTimeoutMs: 200 } });
  const stream =
    'GET /v1/events HTTP/1.1\r\nhost: localhost\r\naccept: application/x-ndjson\r\n\r\n';
  const { text } = await rawHttp(edge.port, `${stream}nonsense\r\n\r\n`);
  expect(text).toBe('');
  await waitFor('the stream to end', () => edge.control.followers.length === 0);
});

test('on loopback only the names of loopback are answered', async () => {
  await using edge = await restEdge();
  const get = (host: string) =>
    rawHttp(edge.port, `GET /v1/status HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`);
  expect((await get('localhost')).status).toBe(200);
  expect((await get('[::1]:99')).status).toBe(200);
  const refused = await get('rebound.example');
  expect(refused.status).toBe(403);
  expect(JSON.parse(refused.body)).toMatchObject({ code: 'permission_denied' });
  const nameless = 'GET /v1/status HTTP/1.1\r\nconnection: close\r\n\r\n';
  expect((await rawHttp(edge.port, nameless)).status).toBe(403);
});

test.each([true, false])(
  'the probes answer whoever asks, as load balancers do (on loopback only: %s)',
  async (isLoopbackOnly) => {
    const allowedHosts = isLoopbackOnly ? [] : null;
    await using edge = await restEdge({ allowedHosts, keys: tokenKeys('sesame-open-sesame') });
    for (const path of ['/healthz', '/readyz']) {
      const asks = [
        `GET ${path} HTTP/1.0\r\n\r\n`,
        `OPTIONS ${path} HTTP/1.0\r\n\r\n`,
        `HEAD ${path} HTTP/1.1\r\nhost: balancer.example\r\nconnection: close\r\n\r\n`,
        `GET ${path}?from=lb HTTP/1.1\r\nhost: 10.1.2.3:80\r\nconnection: close\r\n\r\n`,
      ];
      for (const ask of asks) expect((await rawHttp(edge.port, ask)).status, ask).toBe(200);
    }
  },
);

test('a server with further names answers to those, too', async () => {
  await using edge = await restEdge({ allowedHosts: ['kodama.example'] });
  const get = async (host: string) => {
    const ask = `GET /v1/status HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`;
    return (await rawHttp(edge.port, ask)).status;
  };
  expect(await get('kodama.example')).toBe(200);
  expect(await get('kodama.example:443')).toBe(200);
  expect(await get('127.0.0.1')).toBe(200);
  expect(await get('rebound.example')).toBe(403);
});

test('elsewhere every name is answered, but a request has one', async () => {
  await using edge = await restEdge({ allowedHosts: null });
  const get = (headers: string) =>
    rawHttp(edge.port, `GET /v1/status HTTP/1.1\r\n${headers}connection: close\r\n\r\n`);
  expect((await get('host: kodama.example\r\n')).status).toBe(200);
  expect((await get('')).status).toBe(400);
});

test.each([
  ['host', 'host: localhost'],
  ['Host', 'HOST: rebound.example'],
  ['Authorization', 'authorization: Bearer another-token-of-someone'],
  ['origin', 'origin: http://localhost'],
  ['sec-fetch-site', 'sec-fetch-site: none'],
  ['content-type', 'content-type: text/plain'],
  ['idempotency-key', 'idempotency-key: other'],
  ['last-event-id', 'last-event-id: 1'],
])(
  'a second %s is refused, whichever comes first and however many headers there are',
  async (name, other) => {
    await using edge = await restEdge({ keys: tokenKeys('sesame-open-sesame') });
    const first: Readonly<Record<string, string>> = {
      host: 'localhost',
      authorization: 'Bearer sesame-open-sesame',
      [name.toLowerCase()]: other.slice(other.indexOf(' ') + 1),
    };
    const { host = '', ...rest } = first;
    const lines = Object.entries({ host, ...rest }).map(([key, value]) => `${key}: ${value}`);
    const many = Array.from({ length: 2100 }, () => 'x:');
    const text = (all: readonly string[]) =>
      `GET /v1/status HTTP/1.1\r\n${all.join('\r\n')}\r\nconnection: close\r\n\r\n`;
    for (const twice of [
      [...lines, other],
      [other, ...lines],
      [...lines, ...many, other],
    ]) {
      const { status, body } = await rawHttp(edge.port, text(twice));
      expect({ status, ...JSON.parse(body) }).toMatchObject({
        status: 400,
        code: 'invalid_argument',
        errors: [{ path: name.toLowerCase(), message: 'is given more than once' }],
      });
    }
  },
);

test('a second Content-Length is refused by the parser, and Accept may have lines', async () => {
  await using edge = await restEdge();
  const head = 'HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n';
  const two = `POST /v1/listeners ${head}content-length: 2\r\ncontent-length: 2\r\n\r\n{}`;
  expect((await rawHttp(edge.port, two)).status).toBe(400);
  const list = `GET /v1/status ${head}accept: text/html\r\naccept: application/json\r\n\r\n`;
  expect((await rawHttp(edge.port, list)).status).toBe(200);
});

test('a web page of another site can change nothing, and reads nothing', async () => {
  await using edge = await restEdge();
  const foreign: Record<string, string>[] = [
    { origin: 'http://evil.example' },
    { 'sec-fetch-site': 'cross-site' },
  ];
  for (const headers of foreign) {
    const refused = await call(edge, 'POST', '/v1/listeners', {}, headers);
    expect(refused).toMatchObject({ status: 403, body: { code: 'permission_denied' } });
  }
  expect(edge.dataPlane.calls).toEqual([]);
  const preflight = await call(edge, 'OPTIONS', '/v1/listeners', undefined, {
    origin: 'http://evil.example',
    'access-control-request-method': 'POST',
  });
  const read = await call(edge, 'GET', '/v1/status', undefined, { origin: 'http://evil.example' });
  for (const { headers } of [preflight, read]) {
    const cors = [...headers.keys()].filter((name) => name.startsWith('access-control'));
    expect(cors).toEqual([]);
  }
  await want(201, edge, 'POST', '/v1/listeners', {}, { origin: edge.url });
});

test('with a token every path wants it but the probes and the API page', async () => {
  const apiToken = 'sesame-open-sesame';
  await using edge = await restEdge({ keys: tokenKeys(apiToken) });
  const wrong: Record<string, string>[] = [{}, { authorization: 'Bearer wrong' }];
  for (const path of ['/v1/listeners', '/v1/status', '/v1/events', '/metrics', '/nope']) {
    for (const headers of wrong) {
      const refused = await call(edge, 'GET', path, undefined, headers);
      expect(refused, path).toMatchObject({ status: 401, body: { code: 'unauthenticated' } });
      expect(refused.headers.get('www-authenticate')).toBe('Bearer realm="kodama"');
    }
    const { status } = await call(edge, 'GET', path, undefined, {
      authorization: `Bearer ${apiToken}`,
    });
    expect(status).toBe(path === '/nope' ? 404 : 200);
  }
  const page = ['/docs', '/docs/json', '/docs/static/index.css', '/openapi.json'];
  for (const path of ['/healthz', '/readyz', ...page]) await want(200, edge, 'GET', path);
  expect(JSON.stringify(edge.log)).not.toContain(apiToken);
});

test('a bug is answered with a fixed text, and its cause is logged once', async () => {
  await using edge = await restEdge();
  edge.dataPlane.openErrors.push(new Error('the very cause'));
  const { status, body } = await call(edge, 'POST', '/v1/listeners', {});
  expect({ status, code: body.code }).toEqual({ status: 500, code: 'internal' });
  expect(JSON.stringify(body)).not.toContain('very cause');
  const told = edge.log.filter((line) => JSON.stringify(line).includes('the very cause'));
  expect(told).toMatchObject([{ requestId: body.requestId, msg: 'a request failed' }]);
});

test('a bug in a request whose caller has left is logged, once', async () => {
  const key = Promise.withResolvers<never>();
  const asked = Promise.withResolvers<void>();
  const identify = () => {
    asked.resolve();
    return key.promise;
  };
  await using edge = await restEdge({ keys: { ...tokenKeys(null), identify } });
  const leaving = new AbortController();
  const answer = fetch(`${edge.url}/v1/listeners`, { signal: leaving.signal });
  await asked.promise;
  leaving.abort();
  await expect(answer).rejects.toThrow();
  await waitFor('its leaving', () => edge.log.length > 0);
  key.reject(new Error('the very cause'));
  const told = () => edge.log.filter(({ msg }) => msg !== 'request');
  await waitFor('its line', () => told().length > 0);
  const route = 'GET /v1/listeners';
  expect(told()).toMatchObject([
    { msg: 'a request failed', route, err: { message: 'the very cause' } },
  ]);
});

test('an outage says when to come back', async () => {
  await using edge = await restEdge();
  edge.dataPlane.openErrors.push(new AppError('unavailable', 'away', { retryAfterMs: 2500 }));
  const { status, headers } = await call(edge, 'POST', '/v1/listeners', {});
  expect({ status, after: headers.get('retry-after') }).toEqual({ status: 503, after: '3' });
});

test('a silent log is silent, whatever goes wrong', async () => {
  const lines: string[] = [];
  const stream = { write: (line: string) => void lines.push(line) };
  await using edge = await restEdge({ logger: pino({ level: 'silent' }, stream) });
  edge.dataPlane.openErrors.push(new AppError('unavailable', 'away'), new Error('a bug'));
  await want(503, edge, 'POST', '/v1/listeners', {});
  await want(500, edge, 'POST', '/v1/listeners', {});
  expect(lines).toEqual([]);
});

test('a request has one line in the log for debugging, which names its route', async () => {
  await using edge = await restEdge();
  const { headers } = await call(edge, 'GET', '/v1/listeners/secret?x=secret', undefined, {
    'x-request-id': 'theirs',
  });
  await waitFor('the line', () => edge.log.length > 0);
  expect(edge.log).toMatchObject([
    {
      level: 20,
      msg: 'request',
      requestId: headers.get('x-request-id'),
      method: 'GET',
      route: '/v1/listeners/:listener',
      status: 400,
      durationMs: expect.any(Number),
      project: 'default',
    },
  ]);
  expect(JSON.stringify(edge.log)).not.toMatch(/secret|theirs/);
});

test('the probes say whether the node lives and serves', async () => {
  await using edge = await restEdge();
  expect(await want(200, edge, 'GET', '/healthz')).toEqual({ status: 'ok' });
  expect(await want(200, edge, 'GET', '/readyz')).toEqual({ status: 'ready' });
  edge.dataPlane.isUp = false;
  edge.store.isAway = true;
  const { headers, ...refused } = await call(edge, 'GET', '/readyz');
  expect(refused).toMatchObject({
    status: 503,
    body: { code: 'unavailable', problems: ['no worker is up', 'the store is away'] },
  });
  expect(headers.get('retry-after')).toBe('1');
  await want(200, edge, 'GET', '/healthz');
});

test('while the store is away the log has a few lines without a stack, and the count of the rest', async () => {
  const edge = await restEdge({ limits: { outageLinesPerSecondMax: 1 } });
  edge.store.isAway = true;
  const count = 40;
  const asks = Array.from({ length: count }, () => call(edge, 'GET', '/v1/connections'));
  for (const { status } of await Promise.all(asks)) expect(status).toBe(503);
  await edge[Symbol.asyncDispose]();
  const shown = edge.log.filter(({ msg }) => msg === 'not available');
  const route = 'GET /v1/connections';
  const expected = { level: 40, route, reason: expect.stringContaining('away') };
  expect(shown[0]).toMatchObject({ ...expected, requestId: expect.any(String) });
  expect(shown.length).toBeLessThan(count);
  const leftOut = edge.log
    .filter(({ msg }) => msg === 'requests not available and not shown')
    .reduce((sum, line) => sum + Number(line[route]), 0);
  expect(shown.length + leftOut).toBe(count);
  expect(JSON.stringify(edge.log)).not.toContain('stack');
});

test('metrics are served as they are made, or not at all', async () => {
  await using edge = await restEdge();
  const { headers, body } = await call(edge, 'GET', '/metrics');
  expect(headers.get('content-type')).toContain('text/plain; version=0.0.4');
  expect(body).toBe('kodama_workers 1\n');
  await using without = await restEdge({ metrics: null });
  await want(404, without, 'GET', '/metrics');
});

test('the API page has all that it needs on this server', long, async () => {
  await using edge = await restEdge();
  const page = await fetch(`${edge.url}/docs`);
  expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
  const html = await page.text();
  const sources = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path]) => path ?? '');
  expect(sources.length).toBeGreaterThan(3);
  for (const path of sources) {
    expect(path).toMatch(/^\//);
    const { status } = await call(edge, 'GET', path);
    expect(status, path).toBe(200);
  }
  expect(await want(200, edge, 'GET', '/docs/json')).toEqual(
    await want(200, edge, 'GET', '/openapi.json'),
  );
});

test(
  'a part of the API page that did not change is told without a type or length',
  long,
  async () => {
    await using edge = await restEdge();
    const asked = 'GET /docs/static/index.css HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n';
    const { status, headers } = await rawHttp(edge.port, `${asked}If-None-Match: *\r\n\r\n`);
    expect(status).toBe(304);
    expect(Object.keys(headers)).toContain('etag');
    expect(Object.keys(headers).filter((name) => name.startsWith('content-'))).toEqual([
      'content-security-policy',
    ]);
  },
);

test('each part of the API page is sent as small as its reader takes it', async () => {
  await using edge = await restEdge();
  for (const path of ['/docs/', '/docs/static/index.css', '/docs/yaml', '/openapi.json']) {
    const plain = await fetch(edge.url + path, { headers: { 'accept-encoding': 'identity' } });
    const packed = await fetch(edge.url + path, { headers: { 'accept-encoding': 'gzip, br' } });
    expect(packed.headers.get('content-encoding'), path).toBe('br');
    expect(packed.headers.get('etag'), path).toBe(plain.headers.get('etag'));
    expect(await packed.text(), path).toBe(await plain.text());
  }
});

test('nothing but the API page and its document is behind their paths', long, async () => {
  await using edge = await restEdge({ keys: tokenKeys('x'.repeat(40)) });
  const others = ['v1/status', 'v1/listeners', 'metrics', 'healthz'].flatMap((one) => [
    ...[`/docs/../${one}`, `/docs/%2e%2e/${one}`],
  ]);
  // One way to write each part: what is made of it is kept.
  const odd = ['%69ndex.css', './index.css', '/index.css', 'x/../index.css', 'index.css/'];
  for (const path of [...others, ...odd.map((one) => `/docs/static/${one}`)]) {
    const head = 'Host: localhost\r\nConnection: close\r\n';
    const { status, body } = await rawHttp(edge.port, `GET ${path} HTTP/1.1\r\n${head}\r\n`);
    expect({ path, status, code: JSON.parse(body).code }).toEqual({
      ...{ path, status: 404, code: 'not_found' },
    });
  }
});

test('connections that say nothing make room, the one that was idle for longest first', async () => {
  await using edge = await restEdge({ limits: { connectionsMax: 2 } });
  using sockets = new DisposableStack();
  const closed: number[] = [];
  for (const n of [1, 2]) {
    const socket = connect(edge.port, '127.0.0.1').on('error', () => undefined);
    sockets.defer(() => socket.destroy());
    socket.on('close', () => closed.push(n)).resume();
    // Half a request is none.
    socket.write('GET /v1/status HTTP/1.1\r\n');
    await once(socket, 'connect');
  }
  await want(200, edge, 'GET', '/v1/status');
  await waitFor('the end of the first', () => closed.length === 1);
  expect(closed).toEqual([1]);
});

test.each([
  ['A body that does not end', 'POST /v1/listeners', ['Expect: 100-continue', 'Content-Length: 2']],
  ['One of a probe', 'OPTIONS /healthz', ['Expect: 100-continue', 'Content-Length: 2']],
  ['A page that needs no key and is not read', 'GET /docs/static/swagger-ui-bundle.js', []],
])('%s keeps no connection from others', async (_, line, headers) => {
  await using edge = await restEdge({ limits: { connectionsMax: 1 } });
  const socket = connect(edge.port, '127.0.0.1').on('error', () => undefined);
  using __ = { [Symbol.dispose]: () => socket.destroy() };
  const type = 'Content-Type: application/json';
  const request = [`${line} HTTP/1.1`, 'Host: localhost', type, ...headers, '', ''].join('\r\n');
  socket.write(headers.length > 0 ? request : request.repeat(16));
  await once(socket, 'readable');
  await want(200, edge, 'GET', '/healthz');
});

test('a connection whose requests are answered makes room', async () => {
  await using edge = await restEdge({ limits: { connectionsMax: 1, keepAliveTimeoutMs: 600_000 } });
  const socket = connect(edge.port, '127.0.0.1').on('error', () => undefined);
  using _ = { [Symbol.dispose]: () => socket.destroy() };
  let text = '';
  socket.setEncoding('utf8').on('data', (part: string) => {
    text += part;
  });
  socket.write('GET /v1/status HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(3));
  await waitFor('three answers', () => text.split('HTTP/1.1 200 ').length === 4);
  await waitFor('room', () =>
    call(edge, 'GET', '/v1/status').then(
      () => true,
      () => false,
    ),
  );
});

test('connections beyond the limit are turned away, and room comes back', async () => {
  await using edge = await restEdge({ limits: { connectionsMax: 2, keepAliveTimeoutMs: 100 } });
  const streams = [new AbortController(), new AbortController()];
  for (const { signal } of streams) {
    const headers = { accept: 'text/event-stream' };
    await fetch(`${edge.url}/v1/events`, { headers, signal });
  }
  await expect(fetch(`${edge.url}/v1/status`)).rejects.toThrow();
  for (const stream of streams) stream.abort();
  await waitFor('room', () => fetch(`${edge.url}/v1/status`).catch(() => null));
});

test.each([
  ['silent', 0],
  ['warn', 1],
])('at level %s a refusal for want of the store is logged %d times', async (level, count) => {
  const lines: string[] = [];
  const logger = pino({ level }, { write: (line: string) => void lines.push(line) });
  await using edge = await restEdge({ logger });
  edge.store.isAway = true;
  await want(503, edge, 'GET', '/v1/listeners');
  expect(lines).toHaveLength(count);
});
