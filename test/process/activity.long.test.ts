/** What a kodama prints of a flood, of what listens again, above the level info, and in JSON. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { startText } from '../support/printed-run.ts';
import { call, want } from '../support/rest-client.ts';
import { openClient } from '../support/tcp-client.ts';
import { makeHome, startProcess } from '../support/test-app.ts';
import { waitFor } from '../support/wait-for.ts';

/** A connection that is turned away. */
async function knock(port: number): Promise<void> {
  const socket = connect({ host: '127.0.0.1', port });
  socket.on('error', () => undefined);
  await new Promise((resolve) => socket.once('close', resolve));
}

test('above info there are no lines; the banner of a wildcard names what can be reached, and what it says to try works', async () => {
  await using home = await makeHome();
  const token = 'a-token-for-tests-only';
  const app = await startText(home, {
    KODAMA_LOG_LEVEL: 'warn',
    KODAMA_HTTP_HOST: '0.0.0.0',
    KODAMA_GRPC_HOST: '0.0.0.0',
    KODAMA_API_TOKEN: token,
  });
  const banner = app.running.output.stdout;
  expect(banner).not.toContain('0.0.0.0');
  expect(banner).toMatch(/REST +http:\/\/127\.0\.0\.1:\d+\/v1\b/);
  expect(banner).toMatch(/gRPC +127\.0\.0\.1:\d+\b/);
  const [, command = ''] = /Try: +(.*)$/m.exec(banner) ?? [];
  const env = { PATH: process.env.PATH, KODAMA_API_TOKEN: token };
  const tried = await promisify(execFile)('bash', ['-c', `${command} -s`], { env });
  const { state, laddr } = JSON.parse(tried.stdout);
  expect(state).toBe('listening');
  await using client = await openClient(laddr.port);
  await client.echo('x');
  await app.stop();
  expect(app.running.output.stdout).toBe(banner);
});

test('a flood has few lines and is counted; the next start says what listens again, and what can not', async () => {
  await using home = await makeHome();
  const first = await startText(home);
  const taken = await want(201, first, 'POST', '/v1/listeners', { name: 'taken' });
  const limits = { maxConnections: 1 };
  const busy = await want(201, first, 'POST', '/v1/listeners', { name: 'busy', limits });
  {
    await using client = await openClient(busy.laddr.port);
    await client.echo('x');
    for (let round = 0; round < 20; round += 1) {
      await Promise.all(Array.from({ length: 25 }, () => knock(busy.laddr.port)));
    }
    const sumOf = (pattern: RegExp) =>
      first.lines().reduce((sum, line) => sum + Number(pattern.exec(line)?.[1] ?? 0), 0);
    const notShown = () => sumOf(/^connections not shown .*refused=(\d+)/);
    const shown = () => sumOf(/^busy: \S+ refused .* count=(\d+)$/);
    await waitFor('the count', () => shown() + notShown() === 500);
    const lines = first.lines().filter((line) => line.startsWith('busy: 127'));
    const seconds = first.lines().filter((line) => line.startsWith('connections not shown'));
    expect(lines.length).toBeLessThanOrEqual(20 * (seconds.length + 1));
    expect(seconds.length).toBeGreaterThan(0);
  }
  await first.stop();

  const foreign = createServer().listen(taken.laddr.port, '127.0.0.1');
  await once(foreign, 'listening');
  const second = await startText(home);
  const lines = second.lines();
  const at = lines.indexOf('  Listeners from the last run:');
  expect(lines.slice(at + 1, at + 3)).toEqual([
    expect.stringMatching(`^    taken  tcp 127.0.0.1:${taken.laddr.port}  failed: .*in use`),
    `    busy  tcp 127.0.0.1:${busy.laddr.port}  listens again`,
  ]);
  // The banner has said it.
  expect(lines.filter((line) => /^(busy|taken):/.test(line))).toEqual([]);
  foreign.close();
  const word = `taken: listening again protocol=tcp laddr=127.0.0.1:${taken.laddr.port}`;
  await waitFor('the bind', () => second.lines().includes(word));
  await second.stop();
});

test('in JSON a line has the ids too, and what listens again is in it', async () => {
  await using home = await makeHome();
  const ids = { id: '', connectionId: '' };
  {
    await using app = await startProcess(home);
    const { id, laddr } = await want(201, app, 'POST', '/v1/listeners', { name: 'tour' });
    await using client = await openClient(laddr.port);
    const raddr = `127.0.0.1:${client.socket.localPort}`;
    await client.echo('x');
    const connection = await waitFor('the record', async () => {
      const { connections } = await want(200, app, 'GET', '/v1/connections');
      return connections[0];
    });
    Object.assign(ids, { id, connectionId: connection.id });
    app.child.kill('SIGTERM');
    await app.exited;
    const told = app.lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));
    const { connectionId } = ids;
    const who = { level: 30, listener: 'tour', listenerId: id };
    expect(told).toContainEqual(expect.objectContaining({ ...who, msg: 'listening' }));
    const whose = { ...who, connectionId, raddr };
    expect(told).toContainEqual(expect.objectContaining({ ...whose, msg: 'connected' }));
    const how = { reason: 'shutdown', initiator: 'system', bytesIn: 1, bytesOut: 1 };
    expect(told).toContainEqual(expect.objectContaining({ ...whose, ...how, msg: 'disconnected' }));
  }
  await using app = await startProcess(home);
  const line = app.lines.find((each) => each.includes('listening again')) ?? '{}';
  expect(JSON.parse(line)).toMatchObject({ listener: 'tour', listenerId: ids.id, protocol: 'tcp' });
});

test('each step of a tour is one line, and neither calls nor probes are any', async () => {
  await using home = await makeHome();
  const app = await startText(home);
  const { id, laddr } = await want(201, app, 'POST', '/v1/listeners', { name: 'tour' });
  const client = await openClient(laddr.port);
  const { localPort } = client.socket;
  await client.echo('hello');
  await client[Symbol.asyncDispose]();
  await waitFor('its end', () => app.lines().some((line) => line.includes('disconnected')));
  for (const path of ['/healthz', '/readyz', '/metrics', '/v1/listeners', '/v1/none']) {
    await call(app, 'GET', path);
  }
  await want(200, app, 'PATCH', '/v1/listeners/tour', { limits: { maxConnections: 5 } });
  await want(204, app, 'DELETE', `/v1/listeners/${id}`);
  await app.stop();
  const lines = app.lines();
  const from = lines.findIndex((line) => line.startsWith('tour:'));
  const raddr = `127.0.0.1:${localPort}`;
  const where = `protocol=tcp laddr=127.0.0.1:${laddr.port}`;
  expect(lines.slice(from).map((line) => line.replace(/durationMs=\d+/, 'durationMs=0'))).toEqual([
    `tour: listening ${where}`,
    `tour: ${raddr} connected`,
    `tour: ${raddr} disconnected reason=peer_fin initiator=peer bytesIn=5 bytesOut=5 durationMs=0`,
    `tour: changed ${where}`,
    `tour: closed ${where} connections=1`,
    'stopping signal=SIGTERM',
    'stopped',
    '',
  ]);
});
