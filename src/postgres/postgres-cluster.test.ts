/** Where the server's socket lies. */
import { lstat, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { ensureSocketDirectory } from './postgres-cluster.ts';

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
