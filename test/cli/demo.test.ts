/** What else the command does: the demo, and what a shell completes with. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { command, runProgram } from '../support/command.ts';
import { want } from '../support/rest-client.ts';
import { commonApp } from '../support/test-app.ts';

const app = commonApp();

test.runIf(process.platform === 'linux')(
  'the demo shows four sockets of one listener, and what a half-close is',
  async () => {
    const { code, stdout } = await command(app, ['demo']);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^1\. \w+-\w+ listens on 127\.0\.0\.1:\d+: one socket, pid \d+ fd \d+\.$/m,
    );
    expect(stdout.match(/^127\.0\.0\.\d:\d+ +127\.0\.0\.1:\d+ +\d+ +\d+ +open$/gm)).toHaveLength(4);
    expect(stdout).toMatch(
      /^3\. 127\.0\.0\.2:(\d+) and 127\.0\.0\.3:\1: two hosts, and the same port/m,
    );
    expect(stdout).toMatch(/the 7 of 7 bytes still came back\. Then our FIN: peer_fin by peer\.$/m);
  },
);

test('a shell that completes the name of a listener is told which there are', async () => {
  await want(201, app, 'POST', '/v1/listeners', { name: 'cli-completed' });
  const { code, stdout } = await command(app, ['__complete', 'listener']);
  expect({ code, names: stdout.split('\n') }).toMatchObject({
    code: 0,
    names: expect.arrayContaining(['cli-completed']),
  });
});

test('what the command has compiled can be written by nobody else', async () => {
  expect(await runProgram(app, ['version'])).toMatchObject({ code: 0 });
  const { mode } = await stat(join(import.meta.dirname, '../../node_modules/.cache/kodama'));
  expect(mode & 0o777).toBe(0o700);
});

test('completion is printed for a shell that it knows, and refused for another', async () => {
  const script = await command(app, ['completion', 'bash']);
  expect(script).toMatchObject({ code: 0, stderr: '' });
  expect(script.stdout).toMatch(/^complete .* kodama$/m);
  const other = await command(app, ['completion', 'tcsh']);
  expect(other).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('tcsh') });
});
