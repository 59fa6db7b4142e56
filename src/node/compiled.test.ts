import { execFile } from 'node:child_process';
import { chmod, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../../test/support/temporary-folder.ts';

const compiled = pathToFileURL(join(import.meta.dirname, 'compiled.ts')).href;

/** Where a process that begins with it keeps what it compiles; `undefined`: nowhere. */
async function useIn(dataDir: string): Promise<string> {
  const program = `
    import { getCompileCacheDir } from 'node:module';
    import { useCompiled } from '${compiled}';
    await useCompiled(process.argv[1]);
    console.log(getCompileCacheDir());`;
  const words = ['--input-type=module', '--eval', program, dataDir];
  const environment = { ...process.env, NODE_COMPILE_CACHE: '' };
  const { stdout } = await promisify(execFile)(process.execPath, words, { env: environment });
  return stdout.trim();
}

test('what an earlier start has left is used at once, and nothing is made where there is nothing', async () => {
  await using home = await temporaryFolder();
  const dataDir = join(home.path, 'data');
  expect(await useIn(dataDir)).toBe('undefined');
  expect(await readdir(home.path)).toEqual([]);
  await mkdir(join(dataDir, 'compile-cache'), { recursive: true, mode: 0o700 });
  expect(await useIn(dataDir)).toContain(join(dataDir, 'compile-cache'));
});

test('what others may have written is not used', async () => {
  await using home = await temporaryFolder();
  const cache = join(home.path, 'compile-cache');
  await mkdir(cache);
  await chmod(cache, 0o777);
  expect(await useIn(home.path)).toBe('undefined');
});
