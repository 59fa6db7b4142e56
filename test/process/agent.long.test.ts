/** `kodama agent` as users start it: who it is, over restarts, and how it ends. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { startGateway } from '../support/agent-world.ts';
import { bindingOf } from '../support/data-plane-contract.ts';
import { openClient } from '../support/tcp-client.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { goodToken, TestAdmission } from '../support/test-admission.ts';
import { waitFor } from '../support/wait-for.ts';

const command = join(import.meta.dirname, '../../bin/kodama.js');

function agent(
  dataDir: string,
  words: readonly string[] = [],
  environment: Readonly<Record<string, string>> = {},
) {
  const { PATH = '', NODE_COMPILE_CACHE = '' } = process.env;
  const env = { PATH, NODE_COMPILE_CACHE, KODAMA_DATA_DIR: dataDir, ...environment };
  const child = spawn(process.execPath, [command, 'agent', ...words], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const output = { text: '' };
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output.text += text;
    });
  }
  const ended = once(child, 'close').then(([code, signal]) => ({
    code: code ?? signal,
    text: output.text,
  }));
  const said = (words: string) => output.text.includes(words);
  const sessionOf = (admission: TestAdmission) => {
    if (child.exitCode !== null) throw new Error(`it ended: ${output.text}`);
    return admission.session;
  };
  return { child, ended, said, sessionOf };
}

const given = { KODAMA_JOIN_TOKEN: goodToken };
const startMs = 60_000;

test('it joins, is the same node after a restart without a word, and gives up once it was removed', async () => {
  await using folder = await temporaryFolder();
  const dataDir = join(folder.path, 'data');
  const admission = new TestAdmission();
  await using gateway = await startGateway(admission, { unknownRetryAfterMs: 50 });
  const tokenFile = join(folder.path, 'token');
  await writeFile(tokenFile, `${goodToken}\n`, { mode: 0o600 });
  const words = ['--join', gateway.url, '--name', 'dmz-1', '--token-file', tokenFile];
  const first = agent(dataDir, words);
  const session = await waitFor('its session', () => first.sessionOf(admission), startMs);
  expect(admission.joins).toMatchObject([{ name: 'dmz-1', sourceIp: '127.0.0.1' }]);
  const { dataPlane } = session.link;
  const binding = bindingOf();
  const { laddr } = await dataPlane.open(binding);
  await dataPlane.wish({ generation: 1, binding });
  await using client = await openClient(laddr.port);
  await client.echo('hello');
  first.child.kill('SIGTERM');
  expect(await first.ended).toMatchObject({ code: 0 });
  const ends = admission.records.flatMap((one) =>
    one.kind === 'closed' ? [one.connection.closeReason] : [],
  );
  expect(ends).toEqual(['shutdown']);
  const state = join(dataDir, 'agent.json');
  expect((await stat(state)).mode & 0o777).toBe(0o600);
  expect(await readFile(state, 'utf8')).not.toContain(goodToken);

  await rm(tokenFile);
  // Where nobody takes it is not where it goes without being told.
  const nobody = 'http://127.0.0.1:1';
  const astray = agent(dataDir, ['--join', nobody, '--token-file', tokenFile]);
  await waitFor('a try', () => astray.said('without the control plane for now'), startMs);
  astray.child.kill('SIGTERM');
  expect(await astray.ended).toMatchObject({ code: 0 });
  expect(JSON.parse(await readFile(state, 'utf8'))).toMatchObject({ urls: [gateway.url] });
  const second = agent(dataDir, ['--join', nobody, '--join', gateway.url]);
  const next = await waitFor('its next session', () => second.sessionOf(admission), startMs);
  await waitFor('its way', async () => (await readFile(state, 'utf8')).includes(nobody));
  expect(next.hello.nodeId).toBe(session.hello.nodeId);
  expect(next.hello.bootId).not.toBe(session.hello.bootId);
  expect(admission.joins).toHaveLength(1);
  // A database that was put back to before it joined knows nothing of it, for a while.
  const known = [...admission.nodes];
  admission.nodes.clear();
  next.link.end({ reason: 'restored', retryAfterMs: 0, final: false });
  await waitFor('word of that', () => second.said('not on record'), startMs);
  expect(await readFile(state, 'utf8')).toContain('PRIVATE KEY');
  for (const [id, node] of known) admission.nodes.set(id, node);
  const again = await waitFor('its return', () => second.sessionOf(admission), startMs);
  // What it has open then is closed, and its record has nobody who takes it.
  const other = bindingOf();
  const { port } = (await again.link.dataPlane.open(other)).laddr;
  await again.link.dataPlane.wish({ generation: 1, binding: other });
  await using last = await openClient(port);
  await last.echo('hello');
  admission.nodes.clear();
  again.link.end({ reason: 'removed', retryAfterMs: 0, final: true });
  expect(await second.ended).toMatchObject({ code: 0 });
  expect(await readFile(state, 'utf8')).not.toContain('PRIVATE KEY');
  // A supervisor that starts it again with the same token makes no new node.
  const third = agent(dataDir, ['--join', gateway.url], given);
  const { code, text } = await third.ended;
  expect([code, text]).toEqual([0, expect.stringContaining('another token is needed')]);
  expect(admission.joins).toHaveLength(1);
});

test('a stop ends in order where what a client waits for can not be put on record', async () => {
  await using folder = await temporaryFolder();
  const admission = new TestAdmission();
  await using gateway = await startGateway(admission);
  const own = { ...given, KODAMA_SHUTDOWN_TIMEOUT_MS: '4000' };
  const { child, ended, sessionOf } = agent(folder.path, ['--join', gateway.url], own);
  const { link } = await waitFor('its session', () => sessionOf(admission), startMs);
  const binding = bindingOf({ recording: 'durable' });
  const { laddr } = await link.dataPlane.open(binding);
  await link.dataPlane.wish({ generation: 1, binding });
  const told = Promise.withResolvers<void>();
  Object.defineProperty(admission, 'gate', {
    get() {
      told.resolve();
      return new Promise(() => undefined);
    },
  });
  await using _client = await openClient(laddr.port);
  await told.promise;
  child.kill('SIGTERM');
  expect(await ended).toEqual({
    code: 0,
    text: expect.stringContaining('records could not be delivered'),
  });
});

test('what is missing or wrong is said, and ends it', async () => {
  await using folder = await temporaryFolder();
  const admission = new TestAdmission();
  await using gateway = await startGateway(admission);
  const wrong = `kodamajoin_${'B'.repeat(33)}`;
  const cases = [
    [[], {}, 2, 'kodama: where is the gateway?'],
    [['--join', 'http://192.0.2.1'], given, 2, 'kodama: --join: http://192.0.2.1 is no gateway'],
    [['--join', gateway.url], {}, 2, 'has not joined yet'],
    [['--join', gateway.url], { KODAMA_JOIN_TOKEN: 'sesame' }, 2, 'KODAMA_JOIN_TOKEN holds no'],
    [['--name', 'a b'], {}, 2, 'kodama: --name must start with a letter or digit'],
    // What may be otherwise at the next start is tried again by whoever supervises it.
    [['--join', gateway.url], { KODAMA_JOIN_TOKEN: wrong }, 1, 'refuses this host'],
    [['--join', gateway.url, '--token-file', join(folder.path, 'none')], {}, 1, 'ENOENT'],
    [['--join', gateway.url, '--token-file', command], {}, 1, 'holds no join token'],
    [[], { KODAMA_WORKERS: 'many' }, 2, 'KODAMA_WORKERS must be'],
  ] as const;
  const ends = cases.map(async ([words, environment, code, text], index) => {
    const { ended } = agent(join(folder.path, `${index}`), words, environment);
    expect(await ended).toEqual({ code, text: expect.stringContaining(text) });
  });
  await Promise.all(ends);
});
