/** `kodama apply` says what it waits for; whoever ends it in the middle finds what it had closed, or is told what is gone. */
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';
import { beginProgram, command } from '../support/command.ts';
import { long } from '../support/long.ts';
import { want } from '../support/rest-client.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { commonApp } from '../support/test-app.ts';
import { waitFor } from '../support/wait-for.ts';

const app = commonApp();

const tooFast = {
  ...{ code: 'resource_exhausted', status: 429, limit: 'requestsPerSecond', limitValue: 5 },
  detail: 'ends has reached its quota of 5 calls a second',
};

interface Gate {
  /** What it holds back reaches the app once this is kept. */
  readonly until?: Promise<void>;
  /** It is answered so instead, as a project with such a quota is. */
  readonly instead?: typeof tooFast;
}

/** In front of the app; what `gateOf` has nothing for passes. `held` has what was asked and is held back. */
async function gated(gateOf: (asked: string, body: string) => Gate | undefined) {
  const held: string[] = [];
  const server = createServer(async (asked, answer) => {
    const { headers, url = '', method = '' } = asked;
    const body = await text(asked);
    const { until, instead } = gateOf(`${method} ${url}`, body) ?? {};
    if (instead !== undefined) {
      answer.writeHead(429, { 'content-type': 'application/problem+json' });
      answer.end(JSON.stringify(instead));
      return;
    }
    if (until !== undefined) held.push(`${method} ${url}`);
    await until;
    const passed = request(new URL(url, app.url), { method, headers }, (answered) => {
      answer.writeHead(answered.statusCode ?? 0, answered.headers);
      answered.pipe(answer);
    });
    passed.end(body);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('not a TCP address');
  return { url: `http://127.0.0.1:${address.port}`, held };
}

/** A file that makes these again, which are there. */
async function closing(...names: readonly string[]): Promise<readonly string[]> {
  for (const name of names)
    await want(201, app, 'POST', '/v1/listeners', { name, labels: { by: 'test' } });
  const folder = await temporaryFolder();
  onTestFinished(() => folder[Symbol.asyncDispose]());
  const path = join(folder.path, 'listeners.yaml');
  await writeFile(
    path,
    JSON.stringify({ listeners: names.map((name) => ({ name, mode: 'info' })) }),
  );
  return ['apply', '-f', path, '--recreate'];
}

test('what it waits for is said, once', async () => {
  const words = await closing('ends-wait');
  let refused = 0;
  const proxy = await gated((asked) =>
    asked.startsWith('POST') && ++refused < 3 ? { instead: tooFast } : undefined,
  );
  const { code, stderr } = await command(proxy, words);
  expect(code).toBe(0);
  expect(stderr.split('\n').slice(1)).toEqual([
    `kodama: waits, for up to 30 s: ${tooFast.detail}`,
    '',
  ]);
});

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('%s ends it once what was closed is there again', long, async (signal, exitCode) => {
  const names = [`ends-${signal}-1`, `ends-${signal}-2`];
  const words = await closing(...names);
  const { promise: until, resolve: release } = Promise.withResolvers<void>();
  const proxy = await gated((asked) => (asked.startsWith('DELETE') ? { until } : undefined));
  const { child, output, ended } = beginProgram(proxy, words);
  await waitFor('both closes', () => proxy.held.length === 2);
  child.kill(signal);
  await waitFor('its word', () => output.stderr.includes(signal));
  release();
  const { code, stderr } = await ended;
  expect(code).toBe(exitCode);
  expect(stderr.split('\n').slice(2)).toEqual([
    `kodama: ${signal}: brings what it has begun to an end; once more ends it at once`,
    expect.stringMatching(/^closed, and made again as it was: ends-\S+-[12], ends-\S+-[12]$/),
    expect.stringMatching(/^ends-\S+ is fixed to port \d+ from now on; it had asked for any$/),
    expect.stringMatching(/^ends-\S+ is fixed to port \d+ from now on; it had asked for any$/),
    'kodama: not all of it is done: the same command does the rest',
    '',
  ]);
  for (const name of names) {
    const there = await want(200, app, 'GET', `/v1/listeners/${name}`);
    expect(there).toMatchObject({ mode: 'echo', labels: { by: 'test' }, state: 'listening' });
  }
});

test('Ctrl-C ends what it waits for, and what was closed is there again', long, async () => {
  const words = await closing('ends-fast');
  const proxy = await gated((asked, body) =>
    asked.startsWith('POST') && body.includes('info') ? { instead: tooFast } : undefined,
  );
  const { child, output, ended } = beginProgram(proxy, words);
  await waitFor('that it waits', () => output.stderr.includes('kodama: waits'));
  child.kill('SIGINT');
  const { code, stderr } = await ended;
  expect(code).toBe(130);
  expect(stderr).toContain('\nclosed, and made again as it was: ends-fast\n');
  const there = await want(200, app, 'GET', '/v1/listeners/ends-fast');
  expect(there).toMatchObject({ mode: 'echo', state: 'listening' });
});

test('a second Ctrl-C ends it at once, and says what is missing', long, async () => {
  const words = await closing('ends-now-1', 'ends-now-2');
  const { promise: until } = Promise.withResolvers<void>();
  const proxy = await gated((asked) => (asked.startsWith('POST') ? { until } : undefined));
  const { child, ended } = beginProgram(proxy, words);
  await waitFor('the create', () => proxy.held.length === 1);
  let hasEnded = false;
  child.once('exit', () => {
    hasEnded = true;
  });
  // What comes right behind the first is taken for its echo.
  await waitFor('its end', () => hasEnded || !child.kill('SIGINT'));
  const { code, stderr } = await ended;
  expect(code).toBe(130);
  expect(stderr.split('\n').slice(3)).toEqual([
    'closed, and perhaps not made again: ends-now-1, ends-now-2',
    'kodama: the same command makes them as the file says',
    '',
  ]);
  await want(404, app, 'GET', '/v1/listeners/ends-now-1');
});
