/**
 * Whether a path is ours to trust: kodama runs code and believes files out of its directories, so nobody but those
 * who could change kodama anyway may have a say in what lies there.
 *
 * - Trusted are this user, root, and the owner of kodama's own code; of groups, those that this process is in.
 * - On the way to a directory nobody else may own, or write to, what could be renamed or put in its place. A sticky
 *   directory such as /tmp is fine: there only its owner renames an entry (inode(7)).
 * - A link is as good as its owner, and as the way to what it points to.
 */
import { statSync } from 'node:fs';
import { lstat, mkdir, readlink, realpath, stat } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';

interface Rights {
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
}

const groupWrite = 0o020;
const otherWrite = 0o002;
const sticky = 0o1000;

/** Of this process; null where the system has no users. */
export function ownUid(): number | null {
  return process.getuid?.() ?? null;
}

/** Within a container, what root owns outside is shown as another's: so is `/` then. */
function trusted() {
  const root = statSync('/');
  const code = statSync(import.meta.dirname);
  const codeGroup = (code.mode & groupWrite) === 0 ? [] : [code.gid];
  return {
    uids: new Set([ownUid(), 0, root.uid, code.uid]),
    gids: new Set([process.getegid?.(), ...(process.getgroups?.() ?? []), 0, ...codeGroup]),
  };
}

export function isTrustedOwner({ uid }: Rights): boolean {
  return trusted().uids.has(uid);
}

/** Whether somebody who is not trusted may make, rename and remove entries of the directory. */
export function isOpenToOthers({ mode, gid }: Rights): boolean {
  return (mode & otherWrite) !== 0 || ((mode & groupWrite) !== 0 && !trusted().gids.has(gid));
}

/**
 * Walks to a directory that exists, and through every link on the way. What the directory itself may be is the
 * caller's to judge. @throws an Error that names what another user could change
 */
export async function assertTrustedWay(path: string): Promise<void> {
  if (ownUid() === null) return;
  // What has no end, links that lead to themselves, has no real path.
  await realpath(path);
  await walk(resolve(path));
}

async function walk(path: string): Promise<void> {
  let at: string = sep;
  const names = path.split(sep).filter((name) => name !== '');
  for (const [index, name] of names.entries()) {
    const parent = await lstat(at);
    assertOwner(at, parent);
    if (isOpenToOthers(parent) && (parent.mode & sticky) === 0) {
      throw new Error(
        `others may write to ${at}, so they could put another directory in the place of ${path}: ` +
          `take that right away (chmod go-w ${at}), or use another directory`,
      );
    }
    at = join(at, name);
    const entry = await lstat(at);
    if (!entry.isSymbolicLink()) continue;
    assertOwner(at, entry);
    const target = resolve(dirname(at), await readlink(at));
    await walk(join(target, ...names.slice(index + 1)));
    return;
  }
}

function assertOwner(path: string, stats: Rights): void {
  if (isTrustedOwner(stats)) return;
  throw new Error(`${path} belongs to another user (uid ${stats.uid}): use another directory`);
}

/**
 * As `mkdir -p`, for this user alone. That of Node tries without end where a directory is there and takes none, as /proc
 * does. @throws an Error that says why it can not be made
 */
export async function ensureDirectory(path: string): Promise<void> {
  const parent = dirname(path);
  const make = async (): Promise<NodeJS.ErrnoException | null> =>
    await mkdir(path, { mode: 0o700 }).then(
      () => null,
      (error) => error,
    );
  let failure = await make();
  if (failure?.code === 'ENOENT') {
    await ensureDirectory(parent);
    failure = await make();
  }
  if (failure === null || (await isDirectory(path))) return;
  if (failure.code !== 'ENOENT') throw failure;
  throw new Error(`ENOENT: no directory can be made in ${parent}`, { cause: failure });
}

async function isDirectory(path: string): Promise<boolean> {
  return await stat(path).then(
    (stats) => stats.isDirectory(),
    () => false,
  );
}

/** A folder of our own, made if it is not there, into which nobody else can look. @throws an Error that says what is */
export async function privateFolder(directory: string): Promise<void> {
  await mkdir(directory, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  const stats = await lstat(directory);
  const isOurs = ownUid() === null || stats.uid === ownUid();
  if (stats.isDirectory() && isOurs && (stats.mode & 0o077) === 0) return;
  throw new Error(`${directory} must be a directory that only this user can enter: remove it`);
}
