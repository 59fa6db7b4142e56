/** The command as it is started: by npx from any folder, and in place of `npm start`. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { beginProgram, runProgram } from '../support/command.ts';
import { makeHome } from '../support/test-app.ts';
import { waitFor } from '../support/wait-for.ts';

const root = join(import.meta.dirname, '../..');

test('npx runs it from a folder inside, by a Node that is new enough whichever is installed', async () => {
  const { stdout } = await promisify(execFile)('npx', ['kodama', 'version', '-o', 'json'], {
    cwd: join(root, 'src/cli'),
  });
  expect(Number.parseInt(JSON.parse(stdout).node, 10)).toBeGreaterThanOrEqual(24);
});

test('kodama up is the server: its flags, its banner, its signals and its exit code', async () => {
  await using home = await makeHome();
  const { KODAMA_HTTP_PORT: _, ...environment } = home.environment;
  const settings = { ...environment, KODAMA_LOG_FORMAT: 'text', KODAMA_LOG_LEVEL: 'info' };
  const words = ['up', '--port', '0', '--workers', '2'];
  const server = beginProgram({ url: '' }, words, { environment: settings });
  const [, url = ''] = await waitFor(
    'the banner',
    () => /REST +(http:\S+)\/v1/.exec(server.output.stdout),
    60_000,
  );
  const status = await runProgram({ url }, ['status', '--ready', '30s', '-o', 'json']);
  expect(JSON.parse(status.stdout).workers).toHaveLength(2);
  server.child.kill('SIGTERM');
  expect(await server.ended).toMatchObject({ code: 0, stderr: '' });
});

test('kodama up refuses what the configuration refuses, in its words', async () => {
  const { code, stderr } = await runProgram({ url: '' }, ['up', '--workers', '99']);
  expect({ code, stderr }).toEqual({
    code: 2,
    stderr: 'kodama: KODAMA_WORKERS must be a whole number from 0 to 64\n',
  });
});
