/** Safe by default: what a whole kodama refuses to strangers, with the settings that users run. */
import { globSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client, credentials, type Metadata, status } from '@grpc/grpc-js';
import { expect, test } from 'vitest';
import { readConfig } from '../src/config.ts';
import { call as grpcCall, grpcClient, streamEvents } from './support/grpc-client.ts';
import { long } from './support/long.ts';
import { expectOpen } from './support/open-edge.ts';
import { run } from './support/printed-run.ts';
import { rawHttp } from './support/raw-http.ts';
import { call, want } from './support/rest-client.ts';
import { openClient } from './support/tcp-client.ts';
import { makeHome, sharedApp } from './support/test-app.ts';
import { waitFor } from './support/wait-for.ts';

const token = 'a-token-that-strangers-do-not-have';
const authorization = `Bearer ${token}`;
const wrongTokens = [
  undefined,
  '',
  'Bearer',
  token,
  `Basic ${token}`,
  `Bearer ${token.slice(1)}`,
  `Bearer ${token}x`,
  `Bearer ${token.toUpperCase()}`,
];

const everywhere = { KODAMA_HTTP_HOST: '0.0.0.0', KODAMA_GRPC_HOST: '::' };
const guarded = sharedApp({ ...everywhere, KODAMA_API_TOKEN: token }, undefined, (config) => ({
  ...config,
  tenancy: { ...config.tenancy, failedKeysPerSecond: 1000 },
}));
const headersTimeoutMs = 2000;
const loopback = { KODAMA_HTTP_HOST: 'localhost', KODAMA_GRPC_HOST: 'localhost' };
const app = sharedApp(loopback, undefined, (config) => ({
  ...config,
  http: { ...config.http, limits: { ...config.http.limits, headersTimeoutMs } },
}));

const edges = ['KODAMA_HTTP_HOST', 'KODAMA_GRPC_HOST'];

test.each(['0.0.0.0', '::', '0', '192.0.2.1', 'localhost.example.com', '127.0.0.1.example.com'])(
  'without a token no edge may open to %s',
  (host) => {
    for (const name of edges) {
      expect(() => readConfig({ [name]: host }), name).toThrow(`${name} is not a loopback address`);
      expect(() => readConfig({ [name]: host, KODAMA_INSECURE: 'false' }), name).toThrow(name);
    }
  },
);

test.each(['KODAMA_ALLOWED_HOSTS', 'KODAMA_TRUSTED_PROXIES'])(
  'without a token %s is refused: a proxy beside kodama would make everyone its operator',
  (name) => {
    const open = { [name]: '192.0.2.7' };
    const words = `${name} opens the API to more than loopback, so anyone who reaches it`;
    expect(() => readConfig(open)).toThrow(words);
    expect(() => readConfig({ ...open, KODAMA_INSECURE: 'false' })).toThrow(words);
    for (const meant of [{ KODAMA_API_TOKEN: token }, { KODAMA_INSECURE: 'true' }]) {
      expect(() => readConfig({ ...open, ...meant })).not.toThrow();
    }
  },
);

test(
  'without a token an edge that would open to everyone ends the start before it begins',
  long,
  async () => {
    await using home = await makeHome();
    const { KODAMA_DATA_DIR: dataDir = '' } = home.environment;
    const { code, stdout, stderr } = await run({
      ...home.environment,
      KODAMA_GRPC_HOST: '0.0.0.0',
    });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toBe(
      'kodama: KODAMA_GRPC_HOST is not a loopback address, so anyone who reaches it could drive the ' +
        'API: set KODAMA_API_TOKEN, or say KODAMA_INSECURE=true\n',
    );
    expect(await readdir(dataDir)).toEqual([]);
  },
);

test('with a token both edges open to every address', () => expectOpen(guarded, authorization));

test('localhost is both of its addresses, on both edges', async () => {
  for (const ip of ['127.0.0.1', '[::1]']) {
    await want(200, { url: `http://${ip}:${app.httpPort}` }, 'GET', '/v1/status');
    await using stream = streamEvents(`${ip}:${app.grpcPort}`, {}, { afterSeq: 0 });
    await stream.synced;
  }
});

/** What the standard health service answers, read by hand: field 1 is 1 for SERVING. */
async function grpcHealth(address: string): Promise<string> {
  using client = Object.assign(new Client(address, credentials.createInsecure()), {
    [Symbol.dispose]: () => client.close(),
  });
  const empty = () => Buffer.alloc(0);
  const path = '/grpc.health.v1.Health/Check';
  const answer = await grpcCall<Buffer>((done) =>
    client.makeUnaryRequest(path, empty, (bytes) => bytes, null, done),
  );
  return answer.toString('hex');
}

test('with a token REST and gRPC want it for all but the probes and the API page', async () => {
  const app = guarded;
  for (const path of ['/healthz', '/readyz']) await want(200, app, 'GET', path);
  expect(await grpcHealth(app.grpcAddress)).toBe('0801');

  const paths = ['/v1/status', '/v1/listeners', '/v1/events', '/metrics'];
  for (const path of [...paths, '/nope']) {
    expect(await call(app, 'GET', path), path).toMatchObject({ status: 401 });
  }
  using client = grpcClient(app.grpcAddress);
  for (const wrong of wrongTokens) {
    const headers: Record<string, string> = wrong === undefined ? {} : { authorization: wrong };
    const refused = await call(app, 'POST', '/v1/listeners', {}, headers);
    expect(refused, wrong).toMatchObject({ status: 401, body: { code: 'unauthenticated' } });
    expect(refused.headers.get('www-authenticate')).toMatch(/^Bearer/);
    const metadata: Metadata = client.metadata.clone();
    if (wrong !== undefined) metadata.set('authorization', wrong);
    await expect(
      grpcCall((done) => client.listeners.CreateListener({}, metadata, done)),
      wrong,
    ).rejects.toMatchObject({ code: status.UNAUTHENTICATED });
  }
  using stream = streamEvents(app.grpcAddress, {}, { afterSeq: 0 });
  expect((await stream.ended)?.code).toBe(status.UNAUTHENTICATED);
  expect(stream.messages).toEqual([]);

  const { listeners } = await want(200, app, 'GET', '/v1/listeners', undefined, { authorization });
  expect(listeners).toEqual([]);
  await want(201, app, 'POST', '/v1/listeners', {}, { authorization });
});

test('the token is compared in one place, by digest and in constant time', async () => {
  const root = join(import.meta.dirname, '..');
  const read = (file: string) => readFile(join(root, file), 'utf8');
  const source = await read('src/tenancy/key-ring.ts');
  expect(source).toMatch(/timingSafeEqual\(digest, this\.#token\)/);
  const secret = '(apiToken|token|digest|secret)';
  expect(source).not.toMatch(new RegExp(`[!=]== *${secret}\\b|\\b${secret} *[!=]==(?! null)`));
  const edges = globSync('src/{http,grpc}/**/*.ts', { cwd: root });
  for (const file of edges.filter((path) => !path.endsWith('.test.ts'))) {
    expect(await read(file), file).not.toMatch(/apiToken|timingSafeEqual/);
  }
});

test('on loopback a request under a foreign name is refused, and does nothing', async () => {
  for (const host of ['evil.example', `evil.example:${app.httpPort}`, 'localhost.evil.example']) {
    for (const request of ['GET /v1/status', 'GET /docs', 'POST /v1/listeners']) {
      const reply = await rawHttp(
        app.httpPort,
        `${request} HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`,
      );
      expect(reply.status, `${request} of ${host}`).toBe(403);
      expect(JSON.parse(reply.body)).toMatchObject({ code: 'permission_denied' });
    }
  }
  expect((await want(200, app, 'GET', '/v1/listeners')).listeners).toEqual([]);
});

test('what a browser can send to the gRPC port gets no answer', async () => {
  const post = 'POST /kodama.v1.ListenerService/CreateListener HTTP/1.1\r\nhost: evil.example\r\n';
  const { text } = await rawHttp(
    app.grpcPort,
    `${post}content-type: application/grpc\r\ncontent-length: 5\r\n\r\n\0\0\0\0\0`,
  );
  expect(text).not.toMatch(/^HTTP\/1/);
  expect((await want(200, app, 'GET', '/v1/listeners')).listeners).toEqual([]);
});

test('no page of another site is let in: no CORS header, no preflight, no change', async () => {
  const origin = 'http://evil.example';
  const preflight = { origin, 'access-control-request-method': 'POST' };
  const replies = [
    await call(app, 'GET', '/v1/listeners', undefined, { origin }),
    await call(app, 'GET', '/openapi.json', undefined, { origin }),
    await call(app, 'GET', '/v1/events?afterSeq=0&endAtHead=true', undefined, {
      origin,
      accept: 'text/event-stream',
    }),
    await call(app, 'OPTIONS', '/v1/listeners', undefined, preflight),
    await call(app, 'POST', '/v1/listeners', {}, { origin }),
    await call(app, 'POST', '/v1/listeners', undefined, { origin }),
  ];
  expect(replies.map((reply) => reply.status)).toEqual([200, 200, 200, 403, 403, 403]);
  const names = replies.flatMap(({ headers }) => [...headers.keys()]);
  expect(names.filter((name) => name.startsWith('access-control-'))).toEqual([]);
  expect((await want(200, app, 'GET', '/v1/listeners')).listeners).toEqual([]);
});

test('headers, bodies and messages have their limits', async () => {
  const name = (bytes: number) => ({ name: 'x'.repeat(bytes) });
  expect(await call(app, 'POST', '/v1/listeners', name(1_048_576))).toMatchObject({ status: 413 });
  const long = await rawHttp(
    app.httpPort,
    `GET /v1/status HTTP/1.1\r\nhost: localhost\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`,
  );
  expect(long.status).toBe(431);
  using client = grpcClient(app.grpcAddress);
  await expect(
    grpcCall((done) => client.listeners.CreateListener(name(1_048_577), done)),
  ).rejects.toMatchObject({ code: status.RESOURCE_EXHAUSTED });
  await want(200, app, 'GET', '/v1/status');
});

test(
  'a request that does not come to its end is let go, while others are served',
  long,
  async () => {
    const startedAt = performance.now();
    // A hundred who send a header again and again, so as to seem alive.
    const slow = await Promise.all(
      Array.from({ length: 100 }, async () => {
        const client = await openClient(app.httpPort);
        client.socket.resume().write('GET /v1/status HTTP/1.1\r\nhost: localhost\r\n');
        const timer = setInterval(() => client.socket.write('x: y\r\n'), headersTimeoutMs / 10);
        void client.ended.then(() => clearInterval(timer));
        return client;
      }),
    );
    const gone = Promise.all(slow.map(({ ended }) => ended));
    let isOver = false;
    void gone.then(() => {
      isOver = true;
    });
    await waitFor('all of them to be gone', async () => {
      await want(200, app, 'GET', '/v1/status');
      return isOver;
    });
    expect(performance.now() - startedAt).toBeGreaterThan(0.9 * headersTimeoutMs);
  },
);
