/** A disk that takes nothing. It takes the right to mount a small one: elsewhere it is left out. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  copyCluster,
  makeDataDirs,
  query,
  startEmbedded,
} from '../../test/support/embedded-servers.ts';

let dirs: Awaited<ReturnType<typeof makeDataDirs>>;

beforeAll(async () => {
  dirs = await makeDataDirs();
});
afterAll(() => dirs[Symbol.asyncDispose]());

/** Null where this user may mount none. */
async function smallDisk(name: string) {
  const path = join(dirs.base, name);
  await mkdir(path);
  const words = ['-t', 'tmpfs', '-o', 'size=128m,mode=0700', 'tmpfs', path];
  if (spawnSync('mount', words).status !== 0) return null;
  await copyCluster(path);
  return { path, [Symbol.asyncDispose]: async () => void execFileSync('umount', ['-l', path]) };
}

async function fill(path: string): Promise<void> {
  const file = await open(path, 'w');
  try {
    for (let size = 1 << 20; size > 0; ) {
      const { bytesWritten } = await file.write(Buffer.alloc(size)).catch(() => ({
        bytesWritten: 0,
      }));
      if (bytesWritten < size) size >>= 1;
    }
  } finally {
    await file.close();
  }
}

test('a start on a full disk says so, and goes well once there is room', async ({ skip }) => {
  await using disk = await smallDisk('full');
  if (disk === null) return skip('no small disk can be mounted here');
  const filler = join(disk.path, 'filler');
  await fill(filler);
  await expect(startEmbedded(disk.path)).rejects.toThrow(
    `no space is left in KODAMA_DATA_DIR (${disk.path})`,
  );
  await rm(filler);
  await using server = await startEmbedded(disk.path);
  expect(await query(server, 'select 1 as one')).toEqual([{ one: 1 }]);
});

test('a start on a disk that is read-only says what cannot be used', async ({ skip }) => {
  await using disk = await smallDisk('read-only');
  if (disk === null) return skip('no small disk can be mounted here');
  execFileSync('mount', ['-o', 'remount,ro', disk.path]);
  await expect(startEmbedded(disk.path)).rejects.toThrow(
    `KODAMA_DATA_DIR (${disk.path}) cannot be used: listen EROFS: read-only file system`,
  );
});
