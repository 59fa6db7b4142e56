/** The mark on a kodama with a PostgreSQL of its own, whose data directory was brought back from a copy, as users do it. */
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { runProgram } from '../support/command.ts';
import { call, want } from '../support/rest-client.ts';
import { startProcess, type TestProcess } from '../support/test-app.ts';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../..');

async function end(app: TestProcess): Promise<void> {
  app.child.kill('SIGTERM');
  expect(await app.exited).toBe(0);
}

test('a copied data directory is marked offline, once, and only while no kodama uses it', async () => {
  const base = await mkdtemp(join(tmpdir(), 'kodama-restored-'));
  await using _ = {
    [Symbol.asyncDispose]: () => rm(base, { recursive: true, force: true, maxRetries: 5 }),
  };
  const dataDir = join(base, 'data');
  const environment = { KODAMA_HTTP_PORT: '0', KODAMA_GRPC_PORT: '0', KODAMA_DATA_DIR: dataDir };
  const home = { environment, [Symbol.asyncDispose]: async () => undefined };
  const words = ['restore-mark', '--data-dir', dataDir];
  const mark = () => runProgram({ url: '' }, words, { environment: { KODAMA_LOG_LEVEL: 'warn' } });
  // Where there is nothing, nothing is made.
  expect(await mark()).toMatchObject({ code: 1, stderr: expect.stringContaining('no database') });
  expect(await readdir(base)).toEqual([]);
  let cursor = '';
  {
    await using app = await startProcess(home);
    await want(201, app, 'POST', '/v1/listeners', { name: 'kept' });
    await end(app);
  }
  await run('cp', ['-Rp', dataDir, join(base, 'backup')]);
  {
    await using app = await startProcess(home);
    for (let count = 0; count < 5; count += 1) await want(201, app, 'POST', '/v1/listeners', {});
    const { headSeq, log } = await want(200, app, 'GET', '/v1/status');
    cursor = `/v1/events?afterSeq=${headSeq}&log=${log}`;
    await want(200, app, 'GET', cursor);
    const refused = await mark();
    expect(refused).toMatchObject({ code: 1 });
    expect(refused.stderr).toContain(`is in use by process ${app.pid}`);
    await end(app);
  }
  await rm(dataDir, { recursive: true });
  await run('cp', ['-Rp', join(base, 'backup'), dataDir]);
  const done = await mark();
  expect(done).toMatchObject({ code: 0 });
  expect(done.stdout + done.stderr).toMatch(/Each log of the embedded database has a new id/);
  await using app = await startProcess(home);
  const { log } = await want(200, app, 'GET', '/v1/status');
  expect(done.stdout + done.stderr).toContain(log);
  await want(200, app, 'GET', '/v1/listeners/kept');
  for (let count = 0; count < 9; count += 1) await want(201, app, 'POST', '/v1/listeners', {});
  expect(await call(app, 'GET', cursor)).toMatchObject({
    status: 410,
    body: { code: 'cursor_expired', why: 'log_changed', log },
  });
  const now = await want(200, app, 'GET', '/v1/status');
  await want(200, app, 'GET', `/v1/events?afterSeq=${now.headSeq}&log=${log}`);
  await end(app);
  // As a script of the package, too.
  const { PATH = '' } = process.env;
  const env = { ...environment, PATH, KODAMA_LOG_LEVEL: 'silent', KODAMA_LOG_FORMAT: 'text' };
  const { stdout } = await run('npm', ['run', '--silent', 'restore-mark'], { cwd: root, env });
  expect(stdout).toContain('Start kodama again.');
  expect(stdout).not.toContain(log);
});
