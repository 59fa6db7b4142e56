/**
 * What Node has compiled, kept in the data directory: what was compiled once needs no compiling at the next start, of which
 * it is more than half. Workers use it, too.
 */
import { existsSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';
import { compileCacheDir, compiledFolder, defaultDataDir } from './data-dir.ts';

/** Before the configuration is read, where an earlier start has left something: nothing is made. */
export async function useCompiled(dataDir = defaultDataDir): Promise<void> {
  if (existsSync(join(dataDir, compiledFolder))) await keepCompiled(dataDir);
}

/** From here on. It does nothing where it is done already, or where no place is ours alone. */
export async function keepCompiled(dataDir: string): Promise<void> {
  const directory = await compileCacheDir(dataDir);
  if (directory !== null) enableCompileCache(directory);
}
