/** `kodama apply` and `export`: what listens, as a file. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import {
  beginProgram,
  type CommandEnd,
  command,
  jsonLines,
  runProgram,
} from '../support/command.ts';
import { long } from '../support/long.ts';
import { want } from '../support/rest-client.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { commonApp } from '../support/test-app.ts';
import { makeOwnCertificate } from '../support/tls-certificates.ts';
import { waitFor } from '../support/wait-for.ts';

const app = commonApp();

const file = `
set: cli-apply
listeners:
  - name: cli-slow
    faults: [{type: latency, delayMs: 300, seed: 42}]
  - name: cli-flaky
    protocol: tls
    faults: [{type: close, afterBytes: 1024, mode: rst, probability: 0.3}]
`;

async function apply(text: string, ...flags: readonly string[]): Promise<CommandEnd> {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'listeners.yaml');
  await writeFile(path, text);
  return await command(app, ['apply', '-f', path, ...flags]);
}

test('of a file that is no YAML the place is told, in one line', async () => {
  const { code, stderr } = await apply('set: a\nlisteners: b: c\n');
  expect(code).toBe(1);
  expect(stderr).toMatch(/^[^\n]*listeners\.yaml: .* at line 2, column \d+\n$/);
});

test('a file that is not there is named once', async () => {
  const { code, stderr } = await command(app, ['apply', '-f', 'nope.yaml']);
  const told = 'kodama: nope.yaml: ENOENT: no such file or directory\n';
  expect({ code, stderr }).toEqual({ code: 1, stderr: told });
  const folder = await command(app, ['apply', '-f', '/']);
  expect(folder.stderr).toBe('kodama: /: EISDIR: illegal operation on a directory\n');
});

test('a file becomes what listens, and nothing more is done the second time', async () => {
  const dry = await apply(file, '--exit-code', '-o', 'json');
  expect(dry).toMatchObject({ code: 3, stderr: '' });
  expect(jsonLines(dry.stdout)).toEqual([
    { action: 'create', name: 'cli-slow', changes: [] },
    { action: 'create', name: 'cli-flaky', changes: [] },
  ]);
  await want(404, app, 'GET', '/v1/listeners/cli-slow');

  const made = await apply(file, '-o', 'json');
  expect(made).toMatchObject({ code: 0 });
  expect(jsonLines(made.stdout)).toMatchObject([
    { name: 'cli-slow', labels: { set: 'cli-apply' }, state: 'listening' },
    { name: 'cli-flaky', protocol: 'tls', faults: [{ probability: 0.3 }] },
  ]);
  const again = await apply(file);
  expect(again).toEqual({
    code: 0,
    stdout: '',
    stderr: '= keep      cli-slow\n= keep      cli-flaky\n',
  });

  const exported = await command(app, ['export', '-l', 'set=cli-apply']);
  expect(parse(exported.stdout)).toEqual({
    set: 'cli-apply',
    listeners: [
      {
        name: 'cli-slow',
        host: '127.0.0.1',
        faults: [{ type: 'latency', delayMs: 300, seed: 42 }],
      },
      {
        name: 'cli-flaky',
        protocol: 'tls',
        host: '127.0.0.1',
        faults: [{ type: 'close', afterBytes: 1024, mode: 'rst', probability: 0.3 }],
      },
    ],
  });
});

test('what differs is changed, made again only when that is said, and what is left out goes only when that is said', async () => {
  await apply('{set: cli-prune, listeners: [{name: cli-a}, {name: cli-b}]}');
  const before = await want(200, app, 'GET', '/v1/listeners/cli-a');

  const changed = await apply(
    '{set: cli-prune, listeners: [{name: cli-a, faults: [{type: refuse}]}]}',
  );
  expect(changed.stderr).toMatch(/^~ update +cli-a .* faults\n$/);
  expect(await want(200, app, 'GET', '/v1/listeners/cli-a')).toMatchObject({
    id: before.id,
    faults: [{ type: 'refuse' }],
  });

  const other = '{set: cli-prune, listeners: [{name: cli-a, protocol: udp}]}';
  const refused = await apply(other, '--prune', '--yes');
  expect(refused).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('nothing was done: cli-a'),
  });
  const unasked = await apply(other, '--prune', '--recreate');
  expect(unasked).toMatchObject({ code: 2, stderr: expect.stringContaining('--yes') });
  await want(200, app, 'GET', '/v1/listeners/cli-b');

  expect(await apply(other, '--prune', '--recreate', '--yes')).toMatchObject({ code: 0 });
  await want(404, app, 'GET', '/v1/listeners/cli-b');
  const after = await want(200, app, 'GET', '/v1/listeners/cli-a');
  expect(after).toMatchObject({ protocol: 'udp', state: 'listening' });
  expect(after.id).not.toBe(before.id);
});

test.each([[[]], [['--dry-run']], [['--exit-code']], [['--recreate', '--prune', '--yes']]])(
  'a file that is wrong is refused by name before anything is done (%j)',
  async (flags) => {
    const set = 'set: cli-wrong\nlisteners:\n';
    const good = '  - {name: cli-wrong-one}\n  - {name: cli-wrong-two}\n';
    await apply(`${set}${good}`);
    const before = await want(200, app, 'GET', '/v1/listeners?label=set=cli-wrong');
    expect(before.listeners).toHaveLength(2);
    const bad = '{name: cli-bad, port: 99999, limits: {maxConnections: 0}, labels: 5}';
    const typo = '{name: cli-wrong-one, mode: info, prot: 3}';
    const { code, stdout, stderr } = await apply(`${set}  - ${bad}\n  - ${typo}\n`, ...flags);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr.trim().split('\n')).toEqual([
      expect.stringMatching(/^kodama: invalid_argument: cli-bad\.port: must be a whole number/),
      expect.stringMatching(/^kodama: cli-bad\.labels: must be/),
      expect.stringMatching(/^kodama: cli-bad\.limits\.maxConnections: must be a whole number/),
      'kodama: cli-wrong-one.prot: is not a field of this request; did you mean protocol?',
    ]);
    expect(await want(200, app, 'GET', '/v1/listeners?label=set=cli-wrong')).toEqual(before);
  },
);

test('what is new is made all at once or not at all, and what was closed for it as it was', async () => {
  const one = await apply('listeners: [{name: cli-lost, labels: {by: test}}, {name: cli-there}]');
  expect(one).toMatchObject({ code: 0 });
  const { laddr } = await want(200, app, 'GET', '/v1/listeners/cli-there');
  const before = await want(200, app, 'GET', '/v1/listeners/cli-lost');
  const taken = `{name: cli-lost, port: ${laddr.port}}`;
  const { code, stderr } = await apply(`listeners: [{name: cli-new}, ${taken}]`, '--recreate');
  expect(code).toBe(1);
  expect(stderr.trim().split('\n').slice(2)).toEqual([
    'closed, and made again as it was: cli-lost',
    `cli-lost is fixed to port ${before.laddr.port} from now on; it had asked for any`,
    expect.stringMatching(/^kodama: port_in_use: cli-lost: 127\.0\.0\.1 port \d+ is in use by /),
  ]);
  await want(404, app, 'GET', '/v1/listeners/cli-new');
  expect(await want(200, app, 'GET', '/v1/listeners/cli-lost')).toMatchObject({
    state: 'listening',
    labels: { by: 'test' },
    laddr: before.laddr,
  });
  // Alone it is told by its name too, as is one that is refused a change.
  const alone = await apply(`listeners: [${taken}]`, '--recreate');
  expect(alone.stderr).toMatch(/^kodama: port_in_use: cli-lost: /m);
  const limits = 'limits: {maxConnections: 999999999}';
  const refused = await apply(`listeners: [{name: cli-there, ${limits}}]`);
  expect(refused).toMatchObject({ code: 1 });
  expect(refused.stderr).toMatch(
    /^kodama: invalid_argument: cli-there[.:] ?limits\.maxConnections/m,
  );
});

test('a certificate and a key that are no pair are refused before anything is closed', async () => {
  const [own, other] = await Promise.all([makeOwnCertificate(), makeOwnCertificate()]);
  const file = (tls: object, more: object = {}) =>
    JSON.stringify({ listeners: [{ name: 'cli-own-pair', protocol: 'tls', tls, ...more }] });
  expect(await apply(file(own))).toMatchObject({ code: 0 });
  const before = await want(200, app, 'GET', '/v1/listeners/cli-own-pair');
  const mixed = { cert: other.cert, key: own.key };
  const refused = await apply(file(mixed, { mode: 'info' }), '--recreate');
  const told = 'kodama: invalid_argument: cli-own-pair.tls.key: is not the key of tls.cert\n';
  expect(refused).toEqual({ code: 1, stdout: '', stderr: told });
  const after = await want(200, app, 'GET', '/v1/listeners/cli-own-pair');
  expect(after).toMatchObject({ id: before.id, state: 'listening' });
});

test('what can not be made as the file says has its own certificate again, whose key the file has', async () => {
  const [own, other] = await Promise.all([makeOwnCertificate(), makeOwnCertificate()]);
  const file = (tls: object, more: object = {}) =>
    JSON.stringify({ listeners: [{ name: 'cli-own-key', protocol: 'tls', tls, ...more }] });
  const minVersion = 'TLSv1.3';
  expect(await apply(file({ ...own, minVersion }))).toMatchObject({ code: 0 });
  const before = await want(200, app, 'GET', '/v1/listeners/cli-own-key');
  const { laddr } = await want(201, app, 'POST', '/v1/listeners', { name: 'cli-in-the-way' });
  const refused = await apply(file(own, { port: laddr.port }), '--recreate');
  expect(refused).toMatchObject({ code: 1, stdout: '' });
  expect(refused.stderr).toMatch(/^closed, and made again as it was: cli-own-key$/m);
  const { fingerprint256 } = before.tls;
  expect(await want(200, app, 'GET', '/v1/listeners/cli-own-key')).toMatchObject({
    ...{ state: 'listening', tls: { isSelfSigned: false, fingerprint256, minVersion } },
  });
  // Nobody knows the key of the one before.
  const lost = await apply(file(other, { port: laddr.port }), '--recreate');
  expect(lost.stderr).toMatch(/^closed, and not made again: cli-own-key$/m);
});

test('what comes on stdin is applied as a file is', long, async () => {
  const words = ['apply', '-f', '-'];
  const made = await runProgram(app, words, { input: 'listeners: [{name: cli-stdin}]' });
  expect(made).toEqual({ code: 0, stdout: '', stderr: '+ create    cli-stdin\n' });
  await want(200, app, 'GET', '/v1/listeners/cli-stdin');
  const none = await runProgram(app, words, { input: 'listeners: [' });
  expect(none).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringMatching(/^kodama: -: /),
  });
});

test('what comes on stdin is read to its end, whenever that comes', long, async () => {
  const words = ['apply', '-f', '-', '--dry-run'];
  const { child, ended } = beginProgram(app, words, { input: null });
  const { stdin } = child;
  stdin?.on('error', () => undefined);
  // It is more than the kernel keeps, so that it is taken by nobody but its reader.
  stdin?.write(`# ${'a comment'.repeat(100_000)}\n`);
  await waitFor('its reader', () => stdin?.writableLength === 0);
  stdin?.end('listeners: [{name: cli-late}]\n');
  expect(await ended).toEqual({ code: 0, stdout: '+ create    cli-late\n', stderr: '' });
});
