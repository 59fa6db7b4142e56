/** The command on listeners, against a kodama that runs. */
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { command, jsonLines } from '../support/command.ts';
import { foreignPort } from '../support/foreign-port.ts';
import { long } from '../support/long.ts';
import { want } from '../support/rest-client.ts';
import { commonApp } from '../support/test-app.ts';

const app = commonApp();

test('a listener is made, shown, changed and closed', async () => {
  const flags = ['--latency', '300ms±50ms', '--limit', '1kB:rst', '--seed', '42', '--idle', '30s'];
  const made = await command(app, ['create', '--name', 'cli-slow', '-l', 'cli=life', ...flags]);
  expect(made).toMatchObject({ code: 0, stderr: '' });
  expect(made.stdout).toMatch(
    /^NAME .*\ncli-slow +tcp .* listening .* latency 300ms±50ms, limit 1kB:rst\n$/,
  );
  const record = await want(200, app, 'GET', '/v1/listeners/cli-slow');
  expect(record).toMatchObject({
    labels: { cli: 'life' },
    limits: { idleTimeoutMs: 30_000 },
    faults: [
      { type: 'latency', delayMs: 300, jitterMs: 50, seed: 42 },
      { type: 'limit', bytes: 1000, action: 'rst', seed: 43 },
    ],
  });

  const shown = await command(app, ['get', 'cli-slow', '-o', 'json']);
  expect(jsonLines(shown.stdout)).toEqual([record]);
  const set = await command(app, ['set', 'cli-slow', '--no-faults', '-o', 'json']);
  expect(jsonLines(set.stdout)).toMatchObject([{ id: record.id, faults: [] }]);
  const more = ['-l', 'step=1', '--ttl', '1h', '--allow', '127.0.0.0/8', '-o', 'json'];
  const [bound] = jsonLines((await command(app, ['set', 'cli-slow', ...more])).stdout);
  expect(bound).toMatchObject({
    labels: { cli: 'life', step: '1' },
    expiresAt: expect.any(String),
    limits: { idleTimeoutMs: 30_000, allowCidrs: ['127.0.0.0/8'] },
  });
  const less = ['-l', 'step-', '--ttl', 'none', '--idle', 'none', '--allow', 'any', '-o', 'json'];
  const [freed] = jsonLines((await command(app, ['set', 'cli-slow', ...less])).stdout);
  const { limits } = await want(201, app, 'POST', '/v1/listeners', { labels: { cli: 'life' } });
  expect(freed).toMatchObject({ labels: { cli: 'life' }, expiresAt: null, limits });
  expect(freed.limits.idleTimeoutMs).toBeNull();
  const closed = await command(app, ['delete', '-l', 'cli=life', '--drain', '5s']);
  expect(closed).toMatchObject({
    code: 0,
    stdout: '',
    stderr: expect.stringContaining('closed cli-slow'),
  });
  expect(await want(200, app, 'GET', `/v1/listeners/${record.id}`)).toMatchObject({
    state: 'closed',
  });
});

test('who may send a PROXY header is set when a listener is made, and shown', async () => {
  const made = 'create --name cli-trust --proxy required --proxy-trusted 10.0.0.0/8 -o json';
  expect(jsonLines((await command(app, made.split(' '))).stdout)).toMatchObject([
    { proxyProtocol: { mode: 'required', trustedCidrs: ['10.0.0.0/8'] } },
  ]);
  const shown = await command(app, ['get', 'cli-trust']);
  expect(shown.stdout).toMatch(/^PROXY header +required, from 10\.0\.0\.0\/8$/m);
  await command(app, ['create', '--name', 'cli-trusting', '--proxy', 'optional']);
  const any = await command(app, ['get', 'cli-trusting']);
  expect(any.stdout).toMatch(/^PROXY header +optional$/m);
  const words = ['set', 'cli-trust', '--proxy-trusted', 'any'];
  const set = await command(app, words);
  expect(set).toMatchObject({ code: 2, stderr: expect.stringContaining('after creation') });
});

test('a list is the same as that of the API, line for line, and says where it is cut', async () => {
  for (const name of ['cli-one', 'cli-two', 'cli-three']) {
    await want(201, app, 'POST', '/v1/listeners', { name, labels: { cli: 'list' } });
  }
  const { listeners } = await want(200, app, 'GET', '/v1/listeners?label=cli=list');
  const all = await command(app, ['listeners', '-l', 'cli=list', '-o', 'json']);
  expect(all.stderr).toBe('');
  expect(jsonLines(all.stdout)).toEqual(listeners);
  const cut = await command(app, ['listeners', '-l', 'cli=list', '--limit', '2', '-o', 'wide']);
  expect(cut.stdout.split('\n').slice(1, -1)).toEqual([
    expect.stringMatching(/^cli-three .* cli=list .*-/),
    expect.stringMatching(/^cli-two /),
  ]);
  expect(cut.stderr).toContain('the newest 2 listeners are shown and there are more');
});

test('what is refused says so in words, or as the problem itself', async () => {
  const words = await command(app, ['get', 'cli-nobody']);
  expect(words).toEqual({
    code: 1,
    stdout: '',
    stderr: 'kodama: not_found: no listener cli-nobody\n',
  });
  const json = await command(app, ['get', 'cli-nobody', '-o', 'json']);
  expect(json).toMatchObject({ code: 1, stdout: '' });
  expect(jsonLines(json.stderr)).toMatchObject([{ code: 'not_found', status: 404 }]);
});

test('whoever is deleted beside one that is not there is deleted all the same', async () => {
  await want(201, app, 'POST', '/v1/listeners', { name: 'cli-there' });
  const { code, stderr } = await command(app, ['delete', 'cli-nobody', 'cli-there']);
  expect({ code, lines: stderr.trim().split('\n').toSorted() }).toEqual({
    code: 1,
    lines: ['closed cli-there', 'kodama: not_found: no listener cli-nobody'],
  });
});

test(
  'a wrong command line is told from a kodama that is not there, and from one that is no kodama',
  long,
  async () => {
    const usage = await command(app, ['listeners', '--state', 'asleep']);
    expect(usage).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('asleep') });
    const token = await command(app, ['status'], {
      environment: { KODAMA_API_TOKEN: 'two words' },
    });
    expect(token).toMatchObject({ code: 2, stderr: expect.not.stringContaining('two') });

    await using taken = await foreignPort();
    const stranger = { url: `http://127.0.0.1:${taken.port}` };
    const away = await command(stranger, ['status', '--ready', '1s', '-o', 'json']);
    expect(away).toMatchObject({ code: 4, stdout: '' });
    expect(jsonLines(away.stderr)).toMatchObject([{ code: 'unreachable' }]);
    const other = await command(app, ['status', '--url', `${app.url}/docs`]);
    expect(other).toMatchObject({ code: 1, stdout: '' });
  },
);

test('who gives the port of gRPC, of an echo, with TLS or without it is told so, with the URL that was used', async () => {
  const { laddr } = await want(201, app, 'POST', '/v1/listeners', { ttlMs: 60_000 });
  const overTls = await want(201, app, 'POST', '/v1/listeners', { protocol: 'tls', ttlMs: 60_000 });
  const grpc = 'it looks like the port of gRPC, and the command speaks REST';
  const speaksTls = 'it speaks TLS, and no HTTP without it: try https://';
  for (const [url, words] of [
    [`http://127.0.0.1:${app.grpcPort}`, grpc],
    [`http://127.0.0.1:${laddr.port}`, 'what it answers is not HTTP'],
    [app.url.replace('http:', 'https:'), 'it speaks no TLS: try http://'],
    // An echo says what a client of TLS has said.
    [`https://127.0.0.1:${laddr.port}`, 'it speaks no TLS: try http://'],
    [`http://127.0.0.1:${overTls.laddr.port}`, speaksTls],
  ] as const) {
    // It is not waited for either.
    for (const line of ['status', 'wait any --timeout 1h']) {
      const { code, stderr } = await command({ url }, line.split(' '));
      const told = `kodama: cannot reach kodama at ${url}: ${words}\n`;
      expect({ code, stderr }).toEqual({ code: 4, stderr: told });
    }
  }
});

/** A server of a test's own, and where it is. */
async function answering(answer: RequestListener): Promise<{ readonly url: string }> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

test('a listener whose node is away is to be closed, and not closed yet', async () => {
  const away = await answering(({ url }, response) => {
    response.writeHead(url?.startsWith('/v1/listeners/far') ? 202 : 204).end();
  });
  const { code, stdout, stderr } = await command(away, ['delete', 'far', 'near', '--drain', '1s']);
  expect({ code, stdout, lines: stderr.trim().split('\n').toSorted() }).toEqual({
    code: 0,
    stdout: '',
    lines: [
      'closed near, after at most 1s',
      'far is to be closed once its node is back: its name and port are taken until then',
    ],
  });
});

test('status waits through what a proxy says while kodama is away, and tells it as that', async () => {
  let asked = 0;
  const proxy = await answering((_, response) => {
    asked += 1;
    if (asked < 3) response.writeHead(502).end('<html>Bad Gateway</html>');
    else response.end('{"version":"1"}');
  });
  const words = `kodama: cannot reach kodama at ${proxy.url}: who is there says 502\n`;
  expect(await command(proxy, ['status'])).toEqual({ code: 4, stdout: '', stderr: words });
  const waited = await command(proxy, ['status', '--ready', '20s', '-o', 'json']);
  expect(waited).toEqual({ code: 0, stdout: '{"version":"1"}\n', stderr: '' });
});

test('status waits until the node can serve, and shows how it is', async () => {
  const status = await command(app, ['status', '--ready', '20s']);
  expect(status).toMatchObject({ code: 0, stderr: '' });
  // Other files use the same app: something may just be on its way to the store.
  expect(status.stdout).toMatch(/^store +reachable(, \d+ events? waits? for it)?$/m);
  expect(status.stdout).toMatch(/^kept +about \d+(\.\d [KMG]i| )B$/m);
});
