import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { lockDataDir } from './data-dir-lock.ts';
import { isAnswered, listenIn } from './folder-socket.ts';

const isLinux = process.platform === 'linux';

async function folder(name = 'data') {
  const base = await mkdtemp(join(tmpdir(), 'kodama-lock-'));
  const path = join(base, name);
  await mkdir(path, { recursive: true });
  return { path, [Symbol.asyncDispose]: () => rm(base, { recursive: true, force: true }) };
}

test('a directory is locked once, also by this process, and free after the release', async () => {
  await using dir = await folder();
  const release = await lockDataDir(dir.path);
  await expect(lockDataDir(dir.path)).rejects.toThrow(`is in use by process ${process.pid}: `);
  const [name = '', ...others] = await readdir(dir.path);
  expect(others).toEqual([]);
  expect((await stat(join(dir.path, name))).mode & 0o777).toBe(0o600);
  await release();
  expect(await readdir(dir.path)).toEqual([]);
  await (await lockDataDir(dir.path))();
});

test('of several that lock a directory at once no two have it', async () => {
  await using dir = await folder();
  const tries = await Promise.allSettled(Array.from({ length: 4 }, () => lockDataDir(dir.path)));
  const won = tries.filter((outcome) => outcome.status === 'fulfilled');
  expect(won.length).toBeLessThanOrEqual(1);
  for (const { value: release } of won) await release();
  expect(await readdir(dir.path)).toEqual([]);
});

test.runIf(isLinux)(
  'one that answers has the directory, whatever its pid says in another namespace',
  async () => {
    await using dir = await folder();
    // That of pid 1 of another container: there is no process of this start here.
    const server = await listenIn(dir.path, 'kodama.lock.1-1-00000000-abcdefgh');
    await expect(lockDataDir(dir.path)).rejects.toThrow(
      `the data directory ${dir.path} is in use by a process that is not seen here`,
    );
    server.close();
    await (await lockDataDir(dir.path))();
  },
);

test.runIf(isLinux)('the path of a locked directory may be too long for a socket', async () => {
  await using dir = await folder('x'.repeat(120));
  const release = await lockDataDir(dir.path);
  const [name = ''] = await readdir(dir.path);
  expect(await isAnswered(dir.path, name)).toBe(true);
  await release();
});

test('what dead processes have left is no lock: a file, and a socket that nobody answers', async () => {
  await using dir = await folder();
  await writeFile(join(dir.path, 'kodama.lock.1-1-00000000'), '');
  const script = `require('node:net').createServer().listen(process.argv[1], () => process.kill(process.pid, 9))`;
  const socket = join(dir.path, 'kodama.lock.2-2-00000000-abcdefgh');
  await once(spawn(process.execPath, ['-e', script, socket], { stdio: 'inherit' }), 'exit');
  expect((await stat(socket)).isSocket()).toBe(true);
  const release = await lockDataDir(dir.path);
  expect((await readdir(dir.path)).length).toBe(1);
  await release();
});
