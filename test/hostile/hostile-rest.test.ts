/**
 * Whatever is sent to the REST edge, it answers in time, in its own words, and lives: requests made of the
 * schemas in openapi.json, the same with one thing wrong, and what is hardly a request at all.
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { errorCodes } from '../../src/core/errors.ts';
import { fuzzRuns, isWholeFuzz } from '../support/fuzz-runs.ts';
import { joinedNode } from '../support/joined-node.ts';
import { call, want } from '../support/rest-client.ts';
import { talk } from '../support/tcp-client.ts';
import { commonApp } from '../support/test-app.ts';
import { waitFor } from '../support/wait-for.ts';
import { fieldName, hostileJson, hostileText, type Json, spoiled } from './hostile-values.ts';
import { type Operation, operations, valuesOf } from './schema-values.ts';

const answerWithinMs = 5000;
const runs = { seed: 20_261_125, endOnFailure: false };

const app = commonApp({ KODAMA_LISTENERS_MAX: '200' });
/** What stand for the ids of a connection, a key, a node, a join token and a project that there are. */
const aConnection = 'a-connection';
const aKey = 'a-key';
const aNode = 'a-node';
const aJoinToken = 'a-join-token';
const aProject = 'fixture-project';
let connectionId: string;
let keyId: string;
let nodeId = '';
let joinTokenId: string;

beforeAll(async () => {
  const { laddr } = await makeFixture();
  await talk(laddr.port, 'x');
  connectionId = await waitFor('the record', async () => {
    const { connections } = await want(200, app, 'GET', '/v1/connections?state=closed');
    return connections[0]?.id;
  });
  await makeTenancyFixture();
});

/** Whatever of it a call has taken away is there again. */
async function makeTenancyFixture(): Promise<void> {
  const name = `fixture-${randomUUID()}`;
  const key = await want(201, app, 'POST', '/v1/keys', { name, scopes: ['read'] });
  keyId = key.id;
  await call(app, 'POST', '/v1/projects', { name: aProject });
  // So many may be, and no more.
  const { joinTokens } = await want(200, app, 'GET', '/v1/join-tokens?pageSize=1000');
  for (const token of joinTokens) await want(204, app, 'DELETE', `/v1/join-tokens/${token.id}`);
  if (nodeId !== '') await want(204, app, 'DELETE', `/v1/nodes/${nodeId}`);
  const { id, secret } = await want(201, app, 'POST', '/v1/join-tokens', {});
  joinTokenId = id;
  nodeId = (await joinedNode(app.databaseUrl, secret, 'fixture')).nodeId;
}

async function makeFixture(): Promise<{ readonly laddr: { readonly port: number } }> {
  return await want(201, app, 'POST', '/v1/listeners', {
    name: 'fixture',
    faults: [{ type: 'latency', delayMs: 0, name: 'fixture' }],
  });
}

interface Request {
  /** What it was made of. */
  readonly operation?: string;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array | null;
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

/** A stream is let go after its first piece. */
async function send({ method, path, headers, body }: Request): Promise<Answer> {
  const signal = AbortSignal.timeout(answerWithinMs);
  const known = { [aConnection]: connectionId, [aKey]: keyId, [aNode]: nodeId };
  const ids = Object.entries({ ...known, [aJoinToken]: joinTokenId });
  const url = app.url + ids.reduce((text, [name, id]) => text.replace(name, id), path);
  const response = await fetch(url, { method, headers, body, signal });
  const type = response.headers.get('content-type') ?? '';
  const isStream = /event-stream|ndjson/.test(type);
  if (!isStream) return { status: response.status, type, text: await response.text() };
  await response.body?.cancel();
  return { status: response.status, type, text: '' };
}

/** What every answer keeps, whatever was asked. */
function checkAnswer({ status, type, text }: Answer): void {
  expect(status, text).toBeGreaterThanOrEqual(200);
  expect(status, text).toBeLessThan(500);
  if (status < 400) return;
  expect(type).toContain('application/problem+json');
  // The answer to a HEAD has no body.
  if (text === '') return;
  const problem = JSON.parse(text);
  expect(errorCodes).toContain(problem.code);
  expect(problem).toMatchObject({ status, requestId: expect.any(String), type: /^urn:kodama:/ });
  if (problem.code !== 'invalid_argument') return;
  const named = expect.objectContaining({ path: expect.any(String), message: expect.any(String) });
  expect(problem.errors, text).toEqual(expect.arrayContaining([named]));
}

/** What a request made or changed is taken away, and the fixture is as it was. */
async function clean({ method }: Request, { status }: Answer): Promise<void> {
  if (method === 'GET' || method === 'HEAD' || status >= 300) return;
  const { listeners } = await want(200, app, 'GET', '/v1/listeners?pageSize=1000');
  // One may be gone already, by a ttlMs of a moment.
  for (const { id } of listeners) await call(app, 'DELETE', `/v1/listeners/${id}`);
  await makeFixture();
}

async function sendAndCheck(request: Request): Promise<Answer> {
  const answer = await send(request);
  checkAnswer(answer);
  await clean(request, answer);
  return answer;
}

async function checked(request: Request): Promise<void> {
  await sendAndCheck(request);
}

function queryText(given: Readonly<Record<string, unknown>>): string {
  const pairs = Object.entries(given).flatMap(([name, value]) =>
    [value].flat().map((one) => [name, String(one).toWellFormed()] as [string, string]),
  );
  return pairs.length === 0 ? '' : `?${new URLSearchParams(pairs)}`;
}

function realOf({ path }: Operation, isId: boolean): string {
  if (path.startsWith('/v1/keys')) return aKey;
  if (path.startsWith('/v1/projects')) return aProject;
  if (path.startsWith('/v1/nodes')) return aNode;
  if (path.startsWith('/v1/join-tokens')) return aJoinToken;
  return isId ? aConnection : 'fixture';
}

/** Of one part of the operation, with what of it may be wrong. */
function requests(
  operation: Operation,
  isSpoiled: { readonly query?: boolean; readonly body?: boolean },
): fc.Arbitrary<Request> {
  const parameters = operation.parameters
    .filter((parameter) => parameter.in === 'query')
    .map(({ name, schema }) => [name, schema]);
  const good = valuesOf({ type: 'object', properties: Object.fromEntries(parameters) });
  const query = isSpoiled.query === true ? spoiled(good) : good;
  const named = operation.parameters
    .filter((parameter) => parameter.in === 'path')
    .map(({ schema }) => ({ schema, real: realOf(operation, schema.format === 'uuid') }));
  // Of several that are drawn by themselves hardly ever all would be those of something that is there.
  const ids: fc.Arbitrary<Json[]> = fc.oneof(
    fc.constant(named.map(({ real }) => real)),
    fc.tuple(
      ...named.map(({ schema, real }) =>
        fc.oneof(valuesOf(schema), fc.constant(real), hostileText),
      ),
    ),
  );
  const { body } = operation;
  const bodies = body === null ? fc.constant(null) : valuesOf(body);
  const accept = fc.constantFrom('*/*', 'application/json', 'text/event-stream', 'nonsense;q=x');
  return fc
    .record({
      query,
      ids,
      body: isSpoiled.body === true && body !== null ? spoiled(bodies) : bodies,
      accept,
      mode: fc.constantFrom('application/json', 'application/json; charset=utf-8'),
    })
    .map((one) => ({
      operation: nameOf(operation),
      method: operation.method,
      path: filled(operation.path, one.ids) + queryText(brief(operation, Object(one.query))),
      headers: { accept: one.accept, ...(body === null ? {} : { 'content-type': one.mode }) },
      body: body === null ? null : JSON.stringify(one.body),
    }));
}

/** A wait that may last is given a moment; of an empty list nothing is in the query. */
function brief({ path }: Operation, query: Readonly<Record<string, unknown>>) {
  const { timeoutMs: given = [] } = query;
  const [timeoutMs = 0, ...more] = [given].flat();
  if (!path.endsWith(':wait') || typeof timeoutMs !== 'number' || more.length > 0) return query;
  return { ...query, timeoutMs: Math.min(timeoutMs, 50) };
}

function filled(path: string, ids: readonly Json[]): string {
  const rest = [...ids];
  return path.replace(/\{\w+\}/g, () => encodeURIComponent(String(rest.shift()).toWellFormed()));
}

function nameOf({ method, path }: Operation): string {
  return `${method} ${path}`;
}

const calls = operations.filter(({ path }) => path.startsWith('/v1/') || path === '/metrics');

test('a request that fits its schema is answered in our words, and each call succeeds now and then', async () => {
  const succeeded = new Set<string>();
  const any = fc.oneof(...calls.map((operation) => requests(operation, {})));
  const property = fc.asyncProperty(any, async (request) => {
    const { status } = await sendAndCheck(request);
    if (status < 300 && request.operation !== undefined) succeeded.add(request.operation);
  });
  await fc.assert(property, { ...runs, numRuns: fuzzRuns(400) });
  if (!isWholeFuzz()) return;
  for (const operation of calls) {
    const few = fc.sample(requests(operation, {}), { seed: runs.seed, numRuns: 100 });
    for (const request of few) {
      if (succeeded.has(nameOf(operation))) break;
      if (/^\/v1\/(keys|projects|nodes|join-tokens)/.test(operation.path))
        await makeTenancyFixture();
      if ((await sendAndCheck(request)).status < 300) succeeded.add(nameOf(operation));
    }
  }
  expect([...succeeded].sort()).toEqual(calls.map(nameOf).sort());
});

test.each([
  ['has one thing wrong in its body', { body: true }],
  ['has one thing wrong in its query', { query: true }],
] as const)('a request that %s is answered in our words', async (_, isSpoiled) => {
  const concerned = calls.filter(
    ({ body, parameters }) =>
      (!('body' in isSpoiled) || body !== null) &&
      (!('query' in isSpoiled) || parameters.some((parameter) => parameter.in === 'query')),
  );
  const any = fc.oneof(...concerned.map((operation) => requests(operation, isSpoiled)));
  await fc.assert(fc.asyncProperty(any, checked), { ...runs, numRuns: fuzzRuns(300) });
});

test('any method, path, query, type and body is answered in our words', async () => {
  const piece = fc.oneof(
    fc.constantFrom('v1', 'listeners', 'listeners:batch', 'events', 'docs', '..', '.', '%', '%ff'),
    hostileText.map((text) => encodeURIComponent(text.toWellFormed())),
  );
  const any = fc.record({
    method: fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'QUERY'),
    path: fc.array(piece, { maxLength: 5 }).map((pieces) => `/${pieces.join('/')}`),
    query: fc.oneof(fc.constant({}), fc.dictionary(fieldName, hostileText, { maxKeys: 3 })),
    type: fc.constantFrom('application/json', 'text/plain', 'a/b; c', 'application/json\t', ','),
    body: fc.oneof(
      hostileJson.map((value) => JSON.stringify(value)),
      fc.uint8Array({ maxLength: 200 }),
    ),
  });
  const request = any.map(({ method, path, query, type, body }) => ({
    method,
    path: path + queryText(query),
    headers: { 'content-type': type },
    body: method === 'GET' || method === 'HEAD' ? null : (body as string),
  }));
  await fc.assert(fc.asyncProperty(request, checked), { ...runs, numRuns: fuzzRuns(300) });
});

/** Sends bytes as they are, then FIN; resolves with all that comes back. */
async function exchange(parts: readonly Uint8Array[]): Promise<string> {
  const socket = connect({ port: app.httpPort, host: '127.0.0.1' });
  socket.setTimeout(answerWithinMs, () => socket.destroy(new Error('no answer in time')));
  await once(socket, 'connect');
  const chunks: Buffer[] = [];
  socket.on('data', (data: Buffer) => chunks.push(data));
  const ended = new Promise<void>((resolve, reject) => {
    socket.once('close', () => resolve());
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') reject(error);
    });
  });
  for (const part of parts) socket.write(part);
  socket.end();
  await ended;
  return Buffer.concat(chunks).toString('latin1');
}

test('bytes that are hardly HTTP are answered with a problem, or not at all', async () => {
  const line = fc.constantFrom(
    'GET /v1/status HTTP/1.1',
    'GET /v1/status HTTP/1.0',
    'POST /v1/listeners HTTP/1.1',
    'GET http://127.0.0.1/v1/status HTTP/1.1',
    'GET * HTTP/1.1',
    'OPTIONS * HTTP/1.1',
    'CONNECT 127.0.0.1:80 HTTP/1.1',
    'TRACE / HTTP/1.1',
    'GET /\u0000 HTTP/1.1',
    'GET //\\..\\ HTTP/1.1',
    'get / http/1.1',
    'PRI * HTTP/2.0',
  );
  const header = fc.constantFrom(
    'host: localhost',
    'host: evil.example',
    'host: localhost\r\nhost: localhost',
    'content-length: 5',
    'content-length: -1',
    'content-length: 99999999999999999999',
    'content-length: 5\r\ncontent-length: 6',
    'transfer-encoding: chunked',
    'transfer-encoding: gzip, chunked',
    'content-type: application/json',
    'expect: 100-continue',
    'expect: 200-ok',
    'upgrade: websocket\r\nconnection: upgrade',
    'content-encoding: gzip',
    'x: \u0001',
    ': empty',
    `x: ${'y'.repeat(20_000)}`,
    'idempotency-key: \u00ff',
    'last-event-id: x',
    'authorization: Bearer',
  );
  const body = fc.constantFrom(
    '',
    '{}',
    '{"na',
    '5\r\n{}',
    '0\r\n\r\n',
    'zz\r\n',
    '\u0000'.repeat(9),
  );
  const text = fc
    .tuple(line, fc.array(header, { maxLength: 5 }), body)
    .map(([first, headers, rest]) => `${[first, ...headers].join('\r\n')}\r\n\r\n${rest}`)
    .map((all) => Buffer.from(all, 'latin1'));
  const cut = fc.tuple(text, fc.nat({ max: 400 })).map(([all, at]) => all.subarray(0, at));
  const bytes = fc.oneof(text, cut, fc.uint8Array({ minLength: 1, maxLength: 100 }));
  const property = fc.asyncProperty(
    fc.array(bytes, { minLength: 1, maxLength: 2 }),
    async (parts) => {
      const answer = await exchange(parts);
      for (const [, status] of answer.matchAll(/^HTTP\/1\.1 (\d{3}) /gm)) {
        expect(Number(status), answer).toBeLessThan(500);
      }
      if (/^HTTP\/1\.1 4/.test(answer)) expect(answer).toContain('application/problem+json');
    },
  );
  await fc.assert(property, { ...runs, numRuns: fuzzRuns(300) });
});

test('after all of it the node is ready, and does what it is asked', async () => {
  await want(200, app, 'GET', '/readyz');
  const { id, laddr } = await want(201, app, 'POST', '/v1/listeners', {});
  expect(await talk(laddr.port, 'still here')).toBe('still here');
  await want(204, app, 'DELETE', `/v1/listeners/${id}`);
});
