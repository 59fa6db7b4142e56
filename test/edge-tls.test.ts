/** A whole kodama whose edges speak TLS, as its clients see it; a renewal cuts nobody off. */
import { once } from 'node:events';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { type RequestOptions, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SecureVersion } from 'node:tls';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTls } from './support/edge-tls.ts';
import { call, grpcClient, streamEvents } from './support/grpc-client.ts';
import { long } from './support/long.ts';
import { run } from './support/printed-run.ts';
import { rawHttp } from './support/raw-http.ts';
import { startApp, type TestApp } from './support/test-app.ts';
import { makeAuthority, makeCertificate, type Pair } from './support/tls-certificates.ts';
import { waitFor } from './support/wait-for.ts';

let folder: string;
let authority: Pair;
let app: TestApp;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kodama-tls-'));
  authority = await makeAuthority();
  app = await startApp(await renew(), undefined, (config) => ({
    ...config,
    tls: { ...config.tls, limits: { ...config.tls.limits, readIntervalMs: 20 } },
  }));
});
afterAll(async () => {
  await app[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

/** Puts a new certificate and its key in the place of those of before, one after the other. */
async function renew() {
  const made = await makeCertificate(authority);
  for (const part of ['cert', 'key'] as const) {
    await writeFile(join(folder, `${part}.new`), made[part]);
    await rename(join(folder, `${part}.new`), join(folder, part));
  }
  return { KODAMA_TLS_CERT: join(folder, 'cert'), KODAMA_TLS_KEY: join(folder, 'key') };
}

async function ask(path: string, options: RequestOptions = {}): Promise<IncomingMessage> {
  const target = { host: '127.0.0.1', port: app.httpPort, path, ca: authority.cert };
  const asked = request({ ...target, agent: false, ...options }).end();
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  return response.setEncoding('utf8');
}

/** What a new connection to each edge is shown. */
async function fingerprints(): Promise<readonly (string | undefined)[]> {
  const edges = [
    { port: app.httpPort, ALPNProtocols: ['http/1.1'] },
    { port: app.grpcPort, ALPNProtocols: ['h2'] },
  ];
  const found = edges.map(async ({ port, ...options }) => {
    using socket = await openTls(port, { ca: authority.cert, ...options });
    return socket.getPeerX509Certificate()?.fingerprint256;
  });
  return await Promise.all(found);
}

test('both edges serve over TLS, and nothing without it', async () => {
  const created = await ask('/v1/listeners', { method: 'POST' });
  expect(created.statusCode).toBe(201);
  created.resume();
  using client = grpcClient(app.grpcAddress, { ca: authority.cert });
  const { listeners } = await call<{ listeners: unknown[] }>((done) =>
    client.listeners.ListListeners({}, done),
  );
  expect(listeners).toHaveLength(1);

  expect((await rawHttp(app.httpPort, 'GET /healthz HTTP/1.0\r\n\r\n')).text).not.toContain(
    'HTTP/',
  );
  using plain = grpcClient(app.grpcAddress);
  const refused = call((done) => plain.listeners.ListListeners({}, done));
  await expect(refused).rejects.toMatchObject({ code: 14 });
});

test.each([
  ['TLSv1.3', true],
  ['TLSv1.2', true],
  ['TLSv1.1', false],
  ['TLSv1', false],
] as const)('a client of %s is served: %s', async (version, isServed) => {
  for (const [port, protocol] of [
    [app.httpPort, 'http/1.1'],
    [app.grpcPort, 'h2'],
  ] as const) {
    const seen = await versionOf(port, version, protocol);
    if (isServed) expect(seen).toBe(version);
    else expect(seen).toBe('ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION');
  }
});

async function versionOf(port: number, version: SecureVersion, protocol: string) {
  try {
    using socket = await openTls(port, {
      ...{ ca: authority.cert, minVersion: version, maxVersion: version },
      // What OpenSSL lets its own clients of old versions do.
      ciphers: 'DEFAULT:@SECLEVEL=0',
      ALPNProtocols: [protocol],
    });
    return socket.getProtocol();
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? null;
  }
}

test('a renewed certificate is shown to who comes, and no stream is cut', async () => {
  const before = await fingerprints();
  expect(before[0]).toBe(before[1]);
  using grpc = streamEvents(app.grpcAddress, {}, { afterSeq: 0 }, { ca: authority.cert });
  await grpc.synced;
  const rest = await ask('/v1/events?fromNow=true', {
    headers: { accept: 'application/x-ndjson' },
  });
  let text = '';
  rest.on('data', (part: string) => {
    text += part;
  });
  const { socket } = rest;

  await renew();
  const after = await waitFor('the new certificate on both edges', async () => {
    const found = await fingerprints();
    return found[0] !== before[0] && found[1] !== before[1] ? found : null;
  });
  expect(after[0]).toBe(after[1]);

  const name = 'after-the-renewal';
  const headers = { 'content-type': 'application/json' };
  const created = request({
    ...{ host: '127.0.0.1', port: app.httpPort, path: '/v1/listeners', ca: authority.cert },
    ...{ method: 'POST', agent: false, headers },
  }).end(JSON.stringify({ name }));
  const [response] = (await once(created, 'response')) as [IncomingMessage];
  expect(response.resume().statusCode).toBe(201);
  await waitFor('the event on the stream of REST', () => text.includes(name));
  await waitFor('the event on the stream of gRPC', () =>
    grpc.events.some(({ message }) => message.listener?.name === name),
  );
  expect(rest.socket).toBe(socket);
  expect(rest.complete).toBe(false);
  rest.destroy();
});

test.each([
  ['KODAMA_TLS_CERT', '/nowhere/tls.crt', 'cannot be read: ENOENT'],
  ['KODAMA_TLS_KEY', import.meta.filename, ': is not a PEM private key'],
])('a start with %s at %s says so and ends', long, async (name, path, words) => {
  const KODAMA_DATA_DIR = join(folder, 'data');
  const files = { KODAMA_TLS_CERT: join(folder, 'cert'), KODAMA_TLS_KEY: join(folder, 'key') };
  const { code, stdout, stderr } = await run({
    ...{ KODAMA_DATA_DIR, KODAMA_LOG_FORMAT: 'text', ...files },
    [name]: path,
  });
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toMatch(new RegExp(`^kodama: ${name} ?${words}`));
});
