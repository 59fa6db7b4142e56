/** The proxies of docs/hosting.md as they stand, in front of a whole kodama, where they are installed. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { credentials } from '@grpc/grpc-js';
import { expect, onTestFinished, test } from 'vitest';
import { blocks } from './support/clients-page.ts';
import { freePort } from './support/free-port.ts';
import { healthClient } from './support/health-client.ts';
import { want } from './support/rest-client.ts';
import { sharedApp } from './support/test-app.ts';
import { makeAuthority, makeCertificate } from './support/tls-certificates.ts';
import { waitFor } from './support/wait-for.ts';

const name = 'kodama.example.com';
const token = 'the-operators-own-token';
const environment = {
  ...{ KODAMA_API_TOKEN: token, KODAMA_ALLOWED_HOSTS: name },
  KODAMA_TRUSTED_PROXIES: '127.0.0.1/32',
};
const app = sharedApp(environment, undefined, (config) => ({
  ...config,
  tenancy: { ...config.tenancy, keyUseIntervalMs: 50 },
}));
const bearer = (secret: string) => ({ authorization: `Bearer ${secret}` });

interface Proxy {
  readonly fence: string;
  readonly program: string;
  readonly file: string;
  words(file: string, folder: string): readonly string[];
  /** Around the block of the page: other ports and files, and nothing that it would leave elsewhere. */
  config(block: string, place: Place): string;
}

interface Place {
  readonly folder: string;
  readonly port: number;
}

const proxies: readonly Proxy[] = [
  {
    ...{ fence: 'nginx', program: 'nginx', file: 'nginx.conf' },
    words: (file, folder) => ['-c', file, '-p', folder, '-e', 'stderr'],
    config: (block, { folder, port }) => {
      const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
        .map((kind) => `${kind}_temp_path ${folder}/${kind};`)
        .join(' ');
      const server = block.replace('listen 443', `listen 127.0.0.1:${port}`);
      return `daemon off; pid ${folder}/pid; events {} http { access_log off; ${temporary}\n${server} }`;
    },
  },
  {
    ...{ fence: 'caddy', program: 'caddy', file: 'Caddyfile' },
    words: (file) => ['run', '--config', file, '--adapter', 'caddyfile'],
    config: (block, { folder, port }) => {
      const site = block.replace(
        `${name} {`,
        `https://${name}:${port} {\n\ttls ${folder}/tls.crt ${folder}/tls.key`,
      );
      return `{\n\tadmin off\n\tauto_https disable_redirects\n}\n${site}`;
    },
  },
];

async function startProxy(proxy: Proxy): Promise<number | null> {
  const [block = ''] = blocks(proxy.fence, 'docs/hosting.md');
  const config = block
    .replaceAll('127.0.0.1:8080', `127.0.0.1:${app.httpPort}`)
    .replaceAll('127.0.0.1:50051', app.grpcAddress);
  return await startWith(proxy, config);
}

async function startWith(proxy: Proxy, block: string): Promise<number | null> {
  const folder = await mkdtemp(join(tmpdir(), 'kodama-proxy-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const { cert, key } = await makeCertificate(await makeAuthority());
  await writeFile(join(folder, 'tls.crt'), cert);
  await writeFile(join(folder, 'tls.key'), key);
  const port = await freePort();
  const config = proxy.config(block, { folder, port }).replaceAll('/etc/kodama/', `${folder}/`);
  const file = join(folder, proxy.file);
  await writeFile(file, config);
  const env = { PATH: process.env.PATH, HOME: folder };
  const child = spawn(proxy.program, proxy.words(file, folder), { env });
  const spawned = await once(child, 'spawn').catch(() => null);
  if (spawned === null) return null;
  onTestFinished(() => ended(child));
  await waitFor(`${proxy.program} on its port`, async () => {
    expect(child.exitCode, `${proxy.program} ended`).toBe(null);
    return await curl(port, '/healthz').catch(() => null);
  });
  return port;
}

async function ended(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  await exited;
}

/** From an address of its own, so that it is seen whose address counts. */
function words(port: number, path: string): string[] {
  const to = ['--insecure', '--resolve', `${name}:${port}:127.0.0.1`, '--interface', '127.0.0.7'];
  return ['-sSfN', ...to, `https://${name}:${port}${path}`];
}

async function curl(port: number, path: string, ...more: readonly string[]): Promise<string> {
  return (await promisify(execFile)('curl', [...words(port, path), ...more])).stdout;
}

test.for(proxies)(
  'what stands on the page for $fence passes calls, streams and gRPC on',
  async (proxy, { skip }) => {
    const port = await startProxy(proxy);
    if (port === null) return skip(`${proxy.program} is not installed`);
    const made = { name: proxy.fence, scopes: ['read', 'write'] };
    const key = await want(201, app, 'POST', '/v1/keys', made, bearer(token));
    const authorization = ['-H', `authorization: Bearer ${key.secret}`];
    const stream = spawn('curl', [
      ...words(port, '/v1/events'),
      ...[...authorization, '-H', 'accept: application/x-ndjson'],
    ]);
    onTestFinished(() => void stream.kill());
    const lines = createInterface({ input: stream.stdout })[Symbol.asyncIterator]();
    expect((await lines.next()).value).toContain('"synced"');
    const json = ['-H', 'content-type: application/json', '-d', `{"name": "by-${proxy.fence}"}`];
    await curl(port, '/v1/listeners', ...authorization, ...json);
    // It comes though nothing follows it: no proxy holds it back.
    expect((await lines.next()).value).toContain(`by-${proxy.fence}`);
    await waitFor('the address of who called', async () => {
      const shown = await want(200, app, 'GET', `/v1/keys/${key.id}`, undefined, bearer(token));
      return shown.lastUsedIp === '127.0.0.7';
    });
    const over = credentials.createSsl(null, null, null, { rejectUnauthorized: false });
    using health = healthClient(`127.0.0.1:${port}`, { over, name });
    expect(await health.check()).toBe('SERVING');
  },
);

/** Answers all with its name, while it is there. */
async function makeReplica(name: string) {
  const port = await freePort();
  const server = createServer((_, response) => response.end(name));
  const stop = async () => {
    const closed = server.listening && once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  };
  onTestFinished(stop);
  return { port, start: () => once(server.listen(port, '127.0.0.1'), 'listening'), stop };
}

test.for(proxies)(
  'of two replicas that restart one after the other $fence finds the one that is there',
  async (proxy, { skip }) => {
    const [first, second] = [await makeReplica('first'), await makeReplica('second')];
    const [single = '', pair = ''] = blocks(proxy.fence, 'docs/hosting.md');
    const server = single
      .replace('http://127.0.0.1:8080', 'http://rest')
      .replace('grpc://127.0.0.1:50051', 'grpc://grpc');
    const block = (proxy.fence === 'nginx' ? `${pair}\n${server}` : pair)
      .replaceAll('10.0.0.11:8080', `127.0.0.1:${first.port}`)
      .replaceAll('10.0.0.12:8080', `127.0.0.1:${second.port}`);
    await first.start();
    const port = await startWith(proxy, block);
    if (port === null) return skip(`${proxy.program} is not installed`);
    // Each is asked while it is away, and is the only one a moment later.
    const answers = async () => [await curl(port, '/'), await curl(port, '/')];
    expect(await answers()).toEqual(['first', 'first']);
    await first.stop();
    await second.start();
    expect(await answers()).toEqual(['second', 'second']);
    await second.stop();
    await first.start();
    expect(await answers()).toEqual(['first', 'first']);
  },
);
