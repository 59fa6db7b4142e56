import { access, lstat, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { ensureSocketDirectory, readPostmaster, stopCluster } from './postgres-cluster.ts';

async function cluster() {
  const path = await mkdtemp(join(tmpdir(), 'kodama-cluster-'));
  const pidFile = join(path, 'postmaster.pid');
  return {
    path,
    pidFile,
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  };
}

test.each([
  ['that is empty', ''],
  ['of text', 'not a pid\n'],
  ['of zero bytes', '\0'.repeat(8192)],
  ['of pid 0', '0\n'],
  ['of a pid that no process can have', '99999999999999999999\n'],
  ['of a pid beyond what a process may have', '9999999999\n'],
  ['that is huge', `${'9'.repeat(64)}\n`.repeat(100_000)],
  ['that is a directory', null],
])('a pid file %s tells of no server, and is removed', async (_, text) => {
  await using here = await cluster();
  if (text === null) await mkdir(join(here.pidFile, 'deep'), { recursive: true });
  else await writeFile(here.pidFile, text);
  expect((await readPostmaster(here.path))?.pid ?? null).toBe(
    text === '9999999999\n' ? 9_999_999_999 : null,
  );
  await stopCluster(here.path, 1000);
  await expect(access(here.pidFile)).rejects.toThrow('ENOENT');
});

test.runIf(process.platform === 'linux').each([1, process.pid])(
  'a pid file that names process %i, which is no server of the cluster, is removed',
  async (pid) => {
    await using here = await cluster();
    await writeFile(here.pidFile, `${pid}\n${here.path}\n1\n5432\n`);
    expect(await readPostmaster(here.path)).toEqual({ pid, state: '' });
    await stopCluster(here.path, 1000);
    await expect(access(here.pidFile)).rejects.toThrow('ENOENT');
  },
);

test('where the data directory and TMPDIR are long, the socket is in a private folder of /tmp', async () => {
  const base = await mkdtemp(join(tmpdir(), 'kodama-long-'));
  const { TMPDIR } = process.env;
  onTestFinished(async () => {
    if (TMPDIR === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = TMPDIR;
    await rm(base, { recursive: true });
  });
  process.env.TMPDIR = join(base, 't'.repeat(90));
  const directory = await ensureSocketDirectory(join(base, 'd'.repeat(90)));
  onTestFinished(() => rm(directory, { recursive: true }));
  expect(directory).toMatch(/^\/tmp\/kodama-\d+-[0-9a-f]{16}$/);
  expect((await lstat(directory)).mode & 0o777).toBe(0o700);
  expect(await ensureSocketDirectory(join(base, 'd'.repeat(90)))).toBe(directory);
});
