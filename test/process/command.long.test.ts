/** The command as it is started: by npx from any folder, and in place of `npm start`. */
import { execFile, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { beginProgram, runProgram } from '../support/command.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
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

test('a disk that is full, or takes a part only, is told as a failure', async () => {
  await using folder = await temporaryFolder();
  const text = (await runProgram({ url: '' }, ['completion', 'bash'])).stdout;
  const into = (limit: string, file: string) => {
    const words = [process.execPath, join(root, 'bin/kodama.js'), 'completion', 'bash'];
    const script = `${limit} && "$@" > ${file}`;
    const { status, stderr } = spawnSync('sh', ['-c', script, 'sh', ...words], {
      encoding: 'utf8',
      env: { NODE_DISABLE_COMPILE_CACHE: '1' },
    });
    return { status, stderr };
  };
  const told = (why: string) => ({
    status: 1,
    stderr: expect.stringMatching(`^kodama: cannot write to stdout: ${why}: .*\n$`),
  });
  const file = join(folder.path, 'kodama.bash');
  expect(into('true', file)).toEqual({ status: 0, stderr: '' });
  expect(await readFile(file, 'utf8')).toBe(text);
  // One or two KiB, by the shell.
  expect(into('ulimit -f 2', file)).toEqual(told('EFBIG'));
  expect((await readFile(file, 'utf8')).length).toBeGreaterThan(0);
  if (existsSync('/dev/full')) expect(into('true', '/dev/full')).toEqual(told('ENOSPC'));
});
