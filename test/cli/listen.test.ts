/** `kodama listen`: a listener for as long as the command runs. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { HeldListener } from '../../src/cli/held-listener.ts';
import { RestClient } from '../../src/cli/rest-client.ts';
import { beginProgram, command, jsonLines, runProgram } from '../support/command.ts';
import { testTls } from '../support/edge-tls.ts';
import { long } from '../support/long.ts';
import { call, want } from '../support/rest-client.ts';
import { talk } from '../support/tcp-client.ts';
import { commonApp } from '../support/test-app.ts';
import { waitFor } from '../support/wait-for.ts';

const app = commonApp();

test('it says where it listens, prints what happens there, and closes it at the end', async () => {
  const { child, output, ended } = beginProgram(app, [
    'listen',
    '--latency',
    '1ms',
    '-l',
    'cli=held',
  ]);
  const [, port = '', name = ''] = await waitFor('where it listens', () =>
    /^listening on 127\.0\.0\.1:(\d+) {2}\((\w+-\w+), tcp, latency 1ms\)/m.exec(output.stderr),
  );
  // Whoever kills it leaves the listener for two minutes at most.
  const { id, expiresAt } = await want(200, app, 'GET', `/v1/listeners/${name}`);
  expect(Date.parse(expiresAt) - Date.now()).toBeLessThanOrEqual(120_000);
  await talk(Number(port), 'hello');
  await waitFor('its end', () => output.stdout.includes(' closed '));
  child.kill('SIGTERM');
  const { code, stdout, stderr } = await ended;
  expect(code).toBe(0);
  expect(stdout).toMatch(/^\S+ {2}opened +127\.0\.0\.1:\d+ +pid \d+ fd \d+\n/);
  expect(stdout).toMatch(/ closed +127\.0\.0\.1:\d+ +peer_fin by peer {2}in 5 out 5 {2}\S+ s\n$/);
  expect(stderr).toMatch(new RegExp(`\\nclosed ${name}: 1 connection, 5 bytes in, 5 out\\n$`));
  expect(await want(200, app, 'GET', `/v1/listeners/${id}`)).toMatchObject({ state: 'closed' });
});

test('a program beside it is told where to connect, has stdout to itself, and its exit code is the last word', async () => {
  const script = `
    const { KODAMA_HOST: host, KODAMA_PORT: port, KODAMA_LISTENER: name } = process.env;
    const socket = require('node:net').connect(port, host, () => socket.end('hello'));
    socket.on('data', (bytes) => console.log(name, String(bytes)));
    socket.on('close', () => process.exit(7));`;
  const words = ['listen', '--name', 'cli-beside', '--', process.execPath, '-e', script];
  const { code, stdout, stderr } = await runProgram(app, words);
  expect({ code, stdout }).toEqual({ code: 7, stdout: 'cli-beside hello\n' });
  expect(stderr).toMatch(/ opened +127\.0\.0\.1/);
  expect(stderr).toContain('\nclosed cli-beside: 1 connection');
  await want(404, app, 'GET', '/v1/listeners/cli-beside');
});

test('a program beside it asks for the same things at the same kodama', async () => {
  const script = `
    const { KODAMA_URL, KODAMA_PROJECT, KODAMA_CA_CERT } = process.env;
    console.log(JSON.stringify({ KODAMA_URL, KODAMA_PROJECT, KODAMA_CA_CERT }));`;
  const { ca } = await testTls();
  const folder = await mkdtemp(join(tmpdir(), 'kodama-ca-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = join(folder, 'ca.pem');
  await writeFile(file, ca);
  const told = async (flags: readonly string[], environment = {}) => {
    const words = ['listen', ...flags, '--', process.execPath, '-e', script];
    const { code, stdout } = await runProgram(app, words, { environment });
    return { code, variables: jsonLines(stdout) };
  };
  const url = { KODAMA_URL: app.url };
  expect(await told([])).toEqual({ code: 0, variables: [url] });
  const flags = ['--url', `${app.url}/`, '--project', 'default', '--ca-cert', relative('.', file)];
  const given = { ...url, KODAMA_PROJECT: 'default', KODAMA_CA_CERT: file };
  // A flag comes before its variable, and a variable is handed on as it is.
  const others = { KODAMA_URL: 'http://127.0.0.1:1', KODAMA_PROJECT: 'another' };
  expect(await told(flags, others)).toEqual({ code: 0, variables: [given] });
  const fromVariable = { KODAMA_PROJECT: 'default' };
  const kept = { ...url, ...fromVariable };
  expect(await told([], fromVariable)).toEqual({ code: 0, variables: [kept] });
});

test('a program that is not there leaves nothing behind', async () => {
  const words = ['listen', '--name', 'cli-none', '--', '/nonexistent/program'];
  expect(await command(app, words)).toMatchObject({ code: 127, stdout: '' });
  await want(404, app, 'GET', '/v1/listeners/cli-none');
});

test('it ends when somebody else closes its listener; --keep leaves it there', long, async () => {
  const theirs = '/v1/listeners/cli-theirs';
  const ended = command(app, ['listen', '--name', 'cli-theirs', '-o', 'json']);
  await waitFor('it', async () => (await call(app, 'GET', theirs)).status === 200);
  await want(204, app, 'DELETE', theirs);
  const { code, stdout, stderr } = await ended;
  expect(code).toBe(1);
  expect(jsonLines(stdout).at(-1)).toMatchObject({ event: { type: 'listener_closed' } });
  expect(jsonLines(stderr.trim().split('\n').at(-1) ?? '')).toMatchObject([{ code: 'failed' }]);

  const kept = beginProgram(app, ['listen', '--name', 'cli-kept', '--keep']);
  await waitFor('ready', () => kept.output.stderr.includes('listening on'));
  kept.child.kill('SIGINT');
  expect(await kept.ended).toMatchObject({ code: 0 });
  const left = await want(200, app, 'GET', '/v1/listeners/cli-kept');
  expect(left).toMatchObject({ state: 'listening', expiresAt: null });
});

test('the time of what is held is renewed until it is let go of', long, async () => {
  const client = new RestClient({ url: app.url, ca: null, token: null, project: null });
  const body = { name: 'cli-renewed' };
  const say = () => undefined;
  await using held = await HeldListener.open({ client, body, leaseMs: 12_000, say });
  const { id, expiresAt } = held.listener;
  const now = () => want(200, app, 'GET', `/v1/listeners/${id}`);
  await waitFor('a renewal', async () => {
    const renewed = await now();
    return Date.parse(renewed.expiresAt) - Date.parse(expiresAt ?? '') > 1500;
  });
  await held.close();
  expect(await now()).toMatchObject({ state: 'closed' });
});
