import {
  chmod,
  chown,
  lchown,
  mkdir,
  mkdtemp,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { compileCacheDir, prepareDataDir } from './data-dir.ts';

const isRoot = process.getuid?.() === 0;
/** Of a user and a group that no test runs as. */
const stranger = 65_533;

let base = '';
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'kodama-data-dir-'));
});
afterAll(() => rm(base, { recursive: true, force: true }));

let folders = 0;
/** A folder of a test's own, with these rights whatever the umask. */
async function folder(mode: number, parent = base): Promise<string> {
  folders += 1;
  const path = join(parent, `f${folders}`);
  await mkdir(path);
  await chmod(path, mode);
  return path;
}

async function modeOf(path: string): Promise<number> {
  return (await stat(path)).mode & 0o7777;
}

test('one that is not there is made for this user alone, with the folders on the way', async () => {
  const path = join(base, 'new/deep/data');
  expect(await prepareDataDir(path)).toBe(path);
  expect([await modeOf(path), await modeOf(join(base, 'new'))]).toEqual([0o700, 0o700]);
});

test('several that start at once make it together', async () => {
  const path = join(base, 'at-once/deep/data');
  const made = await Promise.all(Array.from({ length: 8 }, () => prepareDataDir(path)));
  expect(new Set(made)).toEqual(new Set([path]));
});

test('one that can not be made is refused at once, with the folder that takes none', async () => {
  for (const path of ['/proc/kodama', '/proc/kodama/deep/data']) {
    const words = 'ENOENT: no directory can be made in /proc';
    await expect(prepareDataDir(path)).rejects.toThrow(words);
    expect(await compileCacheDir(path)).toBe(null);
  }
  const file = join(base, 'file');
  await writeFile(file, '');
  await expect(prepareDataDir(file)).rejects.toThrow('EEXIST');
  await expect(prepareDataDir(join(file, 'data'))).rejects.toThrow('ENOTDIR');
});

test.each([0o755, 0o750, 0o711])(
  'ours that others may look into, %o, is made private',
  async (mode) => {
    const path = await folder(mode);
    await writeFile(join(path, 'kept'), '');
    await prepareDataDir(path);
    expect(await modeOf(path)).toBe(0o700);
  },
);

test.each([0o777, 0o757, 0o1777])(
  'a fresh volume that anybody may write to, %o, is made private',
  async (mode) => {
    const path = await folder(mode);
    await prepareDataDir(path);
    expect(await modeOf(path)).toBe(0o700);
  },
);

test.each([0o777, 0o757, 0o1777])(
  'ours that anybody may write to, %o, is refused with what lies in it, again too',
  async (mode) => {
    const path = await folder(mode);
    await writeFile(join(path, 'node-id'), 'planted\n');
    for (let turn = 0; turn < 2; turn += 1) {
      await expect(prepareDataDir(path)).rejects.toThrow(/others may write to it \(mode \d+\)/);
      expect(await modeOf(path)).toBe(mode);
    }
    expect(await compileCacheDir(path)).toBe(null);
  },
);

test('a group of our own may have written there', async () => {
  const path = await folder(0o770);
  await writeFile(join(path, 'kept'), '');
  await prepareDataDir(path);
  expect(await modeOf(path)).toBe(0o700);
});

test('a parent that anybody may write to is refused, at any depth, unless it is sticky', async () => {
  const open = await folder(0o777);
  for (const path of [join(open, 'data'), join(open, 'deep/data')]) {
    await expect(prepareDataDir(path)).rejects.toThrow(`others may write to ${open}, so they`);
    expect(await compileCacheDir(path)).toBe(null);
  }
  const shared = await folder(0o1777);
  expect(await prepareDataDir(join(shared, 'data'))).toBe(join(shared, 'data'));
});

test('a link is followed, and so is the way to what it points to', async () => {
  const there = await folder(0o755);
  const link = join(base, 'link');
  await symlink(there, link);
  expect(await prepareDataDir(link)).toBe(there);
  expect(await modeOf(there)).toBe(0o700);
  const open = await folder(0o777);
  const behind = join(base, 'behind');
  await symlink(await folder(0o700, open), behind);
  await expect(prepareDataDir(join(behind, 'data'))).rejects.toThrow(`others may write to ${open}`);
  const loop = join(base, 'loop');
  await symlink(loop, loop);
  await expect(prepareDataDir(loop)).rejects.toThrow(/ELOOP|EEXIST/);
});

test('what has been compiled lies in a folder of its own, which nobody else may enter', async () => {
  const path = await folder(0o700);
  const cache = join(path, 'compile-cache');
  expect(await compileCacheDir(path)).toBe(cache);
  expect(await compileCacheDir(path)).toBe(cache);
  expect(await modeOf(cache)).toBe(0o700);
  await chmod(cache, 0o777);
  expect(await compileCacheDir(path)).toBe(null);
  await rm(cache, { recursive: true });
  await symlink(await folder(0o700), cache);
  expect(await compileCacheDir(path)).toBe(null);
});

test.runIf(isRoot)('another user’s directory, parent or link is refused', async () => {
  const theirs = await folder(0o700);
  await chown(theirs, stranger, stranger);
  await expect(prepareDataDir(theirs)).rejects.toThrow(
    `it belongs to another user (uid ${stranger})`,
  );
  const below = join(theirs, 'data');
  await expect(prepareDataDir(below)).rejects.toThrow(`${theirs} belongs to another user`);
  const link = join(base, 'their-link');
  await symlink(await folder(0o700), link);
  await lchown(link, stranger, stranger);
  await expect(prepareDataDir(link)).rejects.toThrow(`${link} belongs to another user`);
  const cache = join(await folder(0o700), 'compile-cache');
  await mkdir(cache, { mode: 0o700 });
  await chown(cache, stranger, stranger);
  expect(await compileCacheDir(join(cache, '..'))).toBe(null);
});

test.runIf(isRoot)('a group that is not ours may not write, there or on the way', async () => {
  const path = await folder(0o770);
  await chown(path, 0, stranger);
  await writeFile(join(path, 'kept'), '');
  await expect(prepareDataDir(path)).rejects.toThrow('others may write to it (mode 0770)');
  await expect(prepareDataDir(join(path, 'data'))).rejects.toThrow(`others may write to ${path}`);
});
