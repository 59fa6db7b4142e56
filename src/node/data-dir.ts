/**
 * The data directory: made for this user alone, and refused where another could have a say in what lies in it.
 *
 * | it is                              |                                                       |
 * |------------------------------------|-------------------------------------------------------|
 * | not there                          | made, mode 0700                                       |
 * | ours, others may look              | made private                                          |
 * | ours, others may write, empty      | made private (a fresh volume)                         |
 * | ours, others may write, not empty  | refused: nobody knows who wrote what is there         |
 * | root's, others can not write       | used as it is: what is private in it has its own mode |
 * | another's                          | refused                                               |
 */
import { chmod, readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import {
  assertTrustedWay,
  ensureDirectory,
  isOpenToOthers,
  ownUid,
  privateFolder,
} from './trusted-path.ts';

const privateMode = 0o700;

export const defaultDataDir = '.kodama';
export const compiledFolder = 'compile-cache';

/** Resolves to the path without links. @throws an Error that says what to change */
export async function prepareDataDir(path: string): Promise<string> {
  await ensureDirectory(path);
  await assertTrustedWay(path);
  const directory = await realpath(path);
  const stats = await stat(directory);
  if (ownUid() === null) return directory;
  const mode = stats.mode & 0o7777;
  if (stats.uid !== ownUid()) {
    if (stats.uid === 0 && !isOpenToOthers(stats)) return directory;
    throw new Error(
      `it belongs to ${stats.uid === 0 ? 'root, and others may write to it' : `another user (uid ${stats.uid})`}: ` +
        'give it to the user of kodama (chown), or use another directory',
    );
  }
  if ((mode & 0o077) === 0) return directory;
  await chmod(directory, privateMode);
  if (isOpenToOthers(stats) && (await readdir(directory)).length > 0) {
    await chmod(directory, mode);
    throw new Error(
      `others may write to it (mode ${mode.toString(8).padStart(4, '0')}), and it is not empty: ` +
        'look through what lies there, and then take that right away (chmod 0700)',
    );
  }
  return directory;
}

/**
 * Where Node may keep what it has compiled, which it runs without a look at its sources: null where there is no place
 * that is ours alone. Compiling is most of a start.
 */
export async function compileCacheDir(dataDir: string): Promise<string | null> {
  try {
    const directory = join(await prepareDataDir(dataDir), compiledFolder);
    await privateFolder(directory);
    return directory;
  } catch {
    // The parts of kodama that need the directory for more than that will say why it can not be had.
    return null;
  }
}
