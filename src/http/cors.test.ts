/** Pages of other origins, as browsers speak for them: those that are named may call with a key, and read the answer. */
import { expect, test } from 'vitest';
import { rawHttp } from '../../test/support/raw-http.ts';
import { call } from '../../test/support/rest-client.ts';
import { guardedRestEdge, type RestEdge, restEdge } from '../../test/support/rest-edge.ts';
import { tokenKeys } from '../../test/support/token-keys.ts';

const token = 'sesame-open-sesame';
const origin = 'https://ci.example';
const page = { origin, 'sec-fetch-site': 'cross-site' };
const authorization = `Bearer ${token}`;

function edgeForPages(): Promise<RestEdge> {
  return restEdge({ keys: tokenKeys(token), corsOrigins: [origin, 'http://localhost:3000'] });
}

function corsOf(headers: Headers): Readonly<Record<string, string>> {
  const names = [...headers.keys()].filter((name) => name.startsWith('access-control-'));
  return Object.fromEntries(names.map((name) => [name, headers.get(name) ?? '']));
}

const marked = {
  'access-control-allow-origin': origin,
  'access-control-expose-headers':
    'allow, idempotent-replayed, location, retry-after, www-authenticate, x-request-id',
};

test('a preflight needs no key, and says what a page may send, but no cookie', async () => {
  await using edge = await edgeForPages();
  for (const path of ['/v1/listeners', '/v1/events', '/v1/listeners/any/faults', '/nowhere']) {
    const asked = { 'access-control-request-method': 'POST', ...page };
    const { status, headers, body } = await call(edge, 'OPTIONS', path, undefined, asked);
    expect({ status, body, ...corsOf(headers) }, path).toEqual({
      status: 204,
      body: '',
      ...marked,
      'access-control-allow-methods': 'GET, HEAD, POST, PATCH, DELETE',
      'access-control-allow-headers':
        'authorization, content-type, idempotency-key, kodama-project, last-event-id',
      'access-control-max-age': '7200',
    });
    expect(headers.get('vary')).toBe('origin');
  }
});

test('a page with a key may change things, and read what became of it', async () => {
  await using edge = await edgeForPages();
  const create = () =>
    call(edge, 'POST', '/v1/listeners', {}, { ...page, authorization, 'idempotency-key': 'one' });
  for (const [status, replayed] of [
    [201, null],
    [201, 'true'],
  ]) {
    const made = await create();
    expect(made).toMatchObject({ status });
    expect(corsOf(made.headers)).toEqual(marked);
    expect(made.headers.get('idempotent-replayed')).toBe(replayed);
  }
  const other = { ...page, origin: 'http://localhost:3000', authorization };
  const { status, headers } = await call(edge, 'GET', '/v1/listeners', undefined, other);
  expect([status, headers.get('access-control-allow-origin')]).toEqual([200, other.origin]);
});

test('a page may read why it was refused', async () => {
  await using edge = await edgeForPages();
  const refusals = [
    [401, 'GET', '/v1/listeners', {}],
    [400, 'GET', '/v1/listeners?pageSize=x', { authorization }],
    [404, 'GET', '/v1/listeners/nowhere', { authorization }],
    [404, 'GET', '/nowhere', { authorization }],
    [405, 'DELETE', '/v1/events', { authorization }],
    [400, 'GET', '/v1/listeners/%zz', { authorization }],
    [415, 'POST', '/v1/listeners', { authorization, 'content-encoding': 'gzip' }],
  ] as const;
  for (const [status, method, path, more] of refusals) {
    const body = method === 'POST' ? {} : undefined;
    const reply = await call(edge, method, path, body, { ...page, ...more });
    expect({ status: reply.status, ...corsOf(reply.headers) }, path).toEqual({ status, ...marked });
  }
});

test.each(['text/event-stream', 'application/x-ndjson'])(
  'a page may follow the log as %s',
  async (accept) => {
    await using edge = await edgeForPages();
    const asked = { ...page, authorization, accept };
    const path = '/v1/events?afterSeq=0&endAtHead=true';
    const { status, headers } = await call(edge, 'GET', path, undefined, asked);
    expect({ status, ...corsOf(headers) }).toEqual({ status: 200, ...marked });
    expect(headers.get('vary')).toBe('origin, accept');
  },
);

test('a key is a key: no page is let in without one', async () => {
  await using edge = await edgeForPages();
  const reply = await call(edge, 'POST', '/v1/listeners', {}, page);
  expect(reply).toMatchObject({ status: 401, body: { code: 'unauthenticated' } });
  const wrong = { ...page, authorization: 'Bearer another-token-of-no' };
  expect(await call(edge, 'POST', '/v1/listeners', {}, wrong)).toMatchObject({ status: 401 });
});

test.each(['https://evil.example', 'http://ci.example', 'https://ci.example:8443', 'null'])(
  'a page of %s may neither change nor read anything, with a key neither',
  async (foreign) => {
    await using edge = await edgeForPages();
    const headers = { ...page, origin: foreign, authorization };
    const asked = { ...headers, 'access-control-request-method': 'POST' };
    const replies = [
      await call(edge, 'POST', '/v1/listeners', {}, headers),
      await call(edge, 'OPTIONS', '/v1/listeners', undefined, asked),
      await call(edge, 'GET', '/v1/listeners', undefined, headers),
    ];
    expect(replies.map(({ status }) => status)).toEqual([403, 403, 200]);
    expect(replies.map((reply) => corsOf(reply.headers))).toEqual([{}, {}, {}]);
    // A cache must not hand a page the answer that was made for another.
    expect(replies.map((reply) => reply.headers.get('vary'))).toEqual(Array(3).fill('origin'));
  },
);

test('a host that is not ours is refused to pages, too, before any preflight', async () => {
  await using edge = await edgeForPages();
  const lines = [
    'OPTIONS /v1/listeners HTTP/1.1',
    'host: rebound.example',
    `origin: ${origin}`,
    'access-control-request-method: POST',
    'connection: close',
  ];
  const { status } = await rawHttp(edge.port, `${lines.join('\r\n')}\r\n\r\n`);
  expect(status).toBe(403);
});

test('the probes of load balancers answer OPTIONS as ever', async () => {
  await using edge = await edgeForPages();
  const { status, body } = await call(edge, 'OPTIONS', '/healthz');
  expect([status, body]).toEqual([200, { status: 'ok' }]);
});

test('where no origin is named no answer says a word of it', async () => {
  await using edge = await guardedRestEdge(token);
  const { status, headers } = await call(edge, 'GET', '/v1/listeners', undefined, {
    ...page,
    authorization,
  });
  expect([status, corsOf(headers), headers.get('vary')]).toEqual([200, {}, null]);
});
