/** The console as it is served: its files, who gets them, and what a browser is told to allow. */
import { readdirSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { rawHttp } from '../../test/support/raw-http.ts';
import { guardedRestEdge, type RestEdge } from '../../test/support/rest-edge.ts';

let edge: RestEdge;
beforeAll(async () => {
  edge = await guardedRestEdge('a-token-of-sixteen');
});
afterAll(() => edge[Symbol.asyncDispose]());

interface Answer {
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: Buffer;
}

/** As it comes, which `fetch` would decode. */
async function get(path: string, headers: Record<string, string> = {}): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  request(`${edge.url}${path}`, { headers }, async (response) => {
    const chunks = await Array.fromAsync(response);
    const { statusCode: status } = response;
    resolve({ status, headers: response.headers, body: Buffer.concat(chunks) });
  })
    .on('error', reject)
    .end();
  return await promise;
}

const folder = join(import.meta.dirname, '../../generated/console');
const scripts = readdirSync(folder).flatMap((name) => (name.endsWith('.js') ? `/${name}` : []));

test.each([
  '/',
  '/connections',
  '/connections/an-id',
  '/keys',
  '/nodes',
  '/listeners',
  '/listeners/tour',
  '/?at=7',
])('%s is the page, without a token', async (path) => {
  const { status, headers, body } = await get(path);
  expect([status, headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
  expect(body.toString()).toContain('<script type="module" src="/console.js"></script>');
  expect(headers['content-security-policy']).toBe(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
      "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; " +
      "require-trusted-types-for 'script'; trusted-types 'none'",
  );
});

test.each([
  ...scripts.map((path) => [path, 'text/javascript; charset=utf-8']),
  ['/console.css', 'text/css; charset=utf-8'],
])('%s comes as small as the reader takes it', async (path = '', type) => {
  const plain = await get(path);
  expect([plain.status, plain.headers['content-type']]).toEqual([200, type]);
  expect(plain.headers['content-encoding']).toBeUndefined();
  const small = await get(path, { 'accept-encoding': 'gzip, br' });
  expect(small.headers['content-encoding']).toBe('br');
  expect(brotliDecompressSync(small.body)).toEqual(plain.body);
  const zipped = await get(path, { 'accept-encoding': 'gzip' });
  expect(zipped.headers['content-encoding']).toBe('gzip');
  expect(gunzipSync(zipped.body)).toEqual(plain.body);
  expect(zipped.headers.vary).toBe('accept-encoding');
});

test('a browser that has it asks whether it is still so, and is not sent it again', async () => {
  const { headers } = await get('/console.js');
  expect(headers['cache-control']).toBe('no-cache');
  const again = await get('/console.js', { 'if-none-match': `"other", ${headers.etag}` });
  expect([again.status, again.body.length]).toEqual([304, 0]);
  expect((await get('/console.js', { 'if-none-match': '"other"' })).status).toBe(200);
});

test('it is small: what a page begins with is 40 kB at most, what comes later and the style less', async () => {
  const sizeOf = async (path: string) => gzipSync((await get(path)).body).length;
  const [first, later] = [
    scripts.filter((path) => ['/console.js', '/console-shared.js'].includes(path)),
    scripts.filter((path) => !['/console.js', '/console-shared.js'].includes(path)),
  ];
  const sizes = await Promise.all(first.map(sizeOf));
  expect(first).toHaveLength(2);
  expect(sizes.reduce((sum, size) => sum + size)).toBeLessThanOrEqual(40_000);
  for (const path of later) expect(await sizeOf(path), path).toBeLessThanOrEqual(15_000);
  expect(await sizeOf('/console.css')).toBeLessThanOrEqual(10_000);
});

test('a page that had its own name point here is refused it', async () => {
  const { status } = await rawHttp(
    edge.port,
    'GET / HTTP/1.1\r\nHost: rebound.example\r\nConnection: close\r\n\r\n',
  );
  expect(status).toBe(403);
});

test.each(['/console', '/connections/a/b', '/listeners/a/b', '/live', '/console.js.map'])(
  'there is no %s',
  async (path) => {
    const { status, headers } = await get(path, { authorization: 'Bearer a-token-of-sixteen' });
    expect([status, headers['content-type']]).toEqual([
      404,
      'application/problem+json; charset=utf-8',
    ]);
  },
);

test('what is no page still wants the token, whether it is there or not', async () => {
  const statuses = await Promise.all(
    ['/v1/status', '/nothing'].map(async (path) => (await get(path)).status),
  );
  expect(statuses).toEqual([401, 401]);
});
