import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { overlapWarning } from './ephemeral-ports.ts';

test('ports that the system gives to anybody are warned of, where it says which these are', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'kodama-ports-'));
  const path = join(folder, 'ip_local_port_range');
  await writeFile(path, '32768\t60999\n');
  expect(await overlapWarning({ from: 20_000, to: 32_767 }, path)).toBeNull();
  expect(await overlapWarning({ from: 61_000, to: 61_001 }, path)).toBeNull();
  for (const range of [
    { from: 20_000, to: 32_768 },
    { from: 60_999, to: 61_001 },
    { from: 40_000, to: 40_001 },
  ]) {
    const words = `KODAMA_LISTEN_PORTS ${range.from}-${range.to} overlaps`;
    expect(await overlapWarning(range, path)).toContain(words);
  }
  await rm(path);
  expect(await overlapWarning({ from: 40_000, to: 40_001 }, path)).toBeNull();
  await rm(folder, { recursive: true });
});
