/** `kodama wait`, the rest of it: what comes while it waits, what breaks meanwhile, and every exit code. */
import { expect, test } from 'vitest';
import { beginProgram, command, jsonLines } from '../support/command.ts';
import { foreignPort } from '../support/foreign-port.ts';
import { freePort } from '../support/free-port.ts';
import { call } from '../support/rest-client.ts';
import { talk } from '../support/tcp-client.ts';
import { makeHome, type RunningApp, sharedApp, startApp } from '../support/test-app.ts';
import { usedListener } from '../support/used-listener.ts';
import { waitFor } from '../support/wait-for.ts';

const app = sharedApp();

const untilItWaits = (of: RunningApp) =>
  waitFor('the wait', async () =>
    /^kodama_streams [1-9]/m.test(String((await call(of, 'GET', '/metrics')).body)),
  );

test('what comes while it waits is counted, and shown as a table', async () => {
  const { port } = await usedListener(app, 'cli-coming', 1);
  const { ended } = beginProgram(app, ['wait', 'cli-coming', '--at-least', '2', '--limit', '1']);
  await untilItWaits(app);
  await talk(port, 'hello');
  const { code, stdout, stderr } = await ended;
  expect(code).toBe(0);
  expect(stdout).toMatch(/^ACCEPTED .*\n\S+ {2}cli-coming .*peer_fin by peer\n$/);
  expect(stderr).toMatch(/^met: 2, of which the oldest 1 are shown, at seq \d+\n$/);
});

test('a wait outlives the server that it asked', async () => {
  await using home = await makeHome({ KODAMA_HTTP_PORT: String(await freePort()) });
  await using first = await startApp({}, home);
  const { port } = await usedListener(first, 'cli-restart', 0);
  const { ended } = beginProgram(first, ['wait', 'cli-restart', '--count', '1', '-o', 'json']);
  await untilItWaits(first);
  await first[Symbol.asyncDispose]();
  await using second = await startApp({}, home);
  const { laddr } = (await call(second, 'GET', '/v1/listeners/cli-restart')).body;
  expect(laddr.port).toBe(port);
  await talk(port, 'hello');
  const { code, stdout } = await ended;
  expect({ code, lines: jsonLines(stdout) }).toMatchObject({ code: 0, lines: [{ count: 1 }] });
});

test('one too many ends it at once, and in JSON the problem is one line', async () => {
  await usedListener(app, 'cli-many', 2);
  for (const bounds of [['--count', '1'], ['--at-most', '1'], ['--none']]) {
    const words = ['wait', 'cli-many', ...bounds, '--timeout', '10h', '-o', 'json'];
    const { code, stdout, stderr } = await command(app, words);
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' });
    expect(jsonLines(stderr)).toMatchObject([{ code: 'not_met', why: 'exceeded', count: 2 }]);
  }
});

test('what is not met in time says what came instead', async () => {
  await usedListener(app, 'cli-late', 1);
  const words = ['wait', 'cli-late', '--at-least', '1', '--min-bytes-out', '1kB', '--timeout', '0'];
  const { code, stdout, stderr } = await command(app, words);
  expect({ code, stdout }).toEqual({ code: 3, stdout: '' });
  expect(stderr).toMatch(
    /^not counted: 127\.0\.0\.1:\d+ {2}minBytesOut: 5, not 1000 or more\nkodama: not_met: timeout: .*\n$/,
  );
});

test('nobody of the name, a wrong command line, and nobody there at all', async () => {
  const nobody = await command(app, ['wait', 'cli-nobody']);
  expect(nobody).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringContaining('not_found'),
  });
  for (const wrong of [
    ['--settle', '2s', '--timeout', '1s'],
    ['--count', '1', '--none'],
    ['--close-reason', 'boredom'],
  ]) {
    const { code, stdout } = await command(app, ['wait', 'cli-late', ...wrong]);
    expect({ code, stdout }, wrong.join(' ')).toEqual({ code: 2, stdout: '' });
  }
  const left = await foreignPort();
  await left[Symbol.asyncDispose]();
  const away = await command({ url: `http://127.0.0.1:${left.port}` }, ['wait', 'x', '-o', 'json']);
  expect(away).toMatchObject({ code: 4, stdout: '' });
  expect(jsonLines(away.stderr)).toMatchObject([{ code: 'unreachable' }]);
});
