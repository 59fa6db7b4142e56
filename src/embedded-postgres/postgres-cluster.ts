/**
 * A PostgreSQL cluster as files and processes: where it lives, how it is made, and which processes of the
 * machine belong to it, whoever started them.
 *
 *   <dataDir>/postgres        the cluster
 *   <dataDir>/postgres.log    what the server says; .1 is the run before
 *   <dataDir>/postgres.run    its socket; where that path is too long, <tmp>/kodama-<uid>-<hash of dataDir>, where
 *                             <tmp> is TMPDIR, or /tmp where that is too long, too
 *
 * A process belongs to the cluster if the cluster is its working directory, by device and inode. That holds
 * for the postmaster and its children, survives a recycled pid and a moved folder, and cannot be guessed wrong.
 */

import { execFile, spawn } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { mkdtemp, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

import { assertTrustedWay, ownUid, privateFolder } from '../node/trusted-path.ts';
import { hintFor, type PostgresBinaries } from './postgres-binaries.ts';

export const superuser = 'kodama';
export const socketPort = 5432;
/** In the data directory. */
export const nearSocket = 'postgres.run';

/** sockaddr_un takes 107 bytes on Linux and 103 on macOS. */
const socketPathMax = 103;
const pollMs = 10;
/** More than a pid file has, and enough to tell one from what is none. */
const pidFileBytesMax = 4096;
/** An immediate shutdown that takes longer is stuck; so is a child that outlives its postmaster by as much. */
const quitTimeoutMs = 5_000;
const orphanTimeoutMs = 1_000;
const killTimeoutMs = 10_000;

/** Makes the cluster unless it is there. A killed initdb leaves a folder under another name, never a half cluster. */
export async function ensureCluster(
  directory: string,
  binaries: PostgresBinaries,
  signal: AbortSignal,
): Promise<void> {
  const version = await readFile(join(directory, 'PG_VERSION'), 'utf8').catch(() => null);
  if (version !== null) return checkVersion(directory, Number(version), binaries.majorVersion);

  const parent = dirname(directory);
  const unfinished = `${directory}.init-`;
  for (const name of await readdir(parent)) {
    const file = join(parent, name);
    if (file.startsWith(unfinished)) await rm(file, { recursive: true, maxRetries: 5 });
  }
  // A new name each time: an initdb that was ended removes its own folder, maybe only now.
  const fresh = `${unfinished}${randomUUID()}`;
  await initdb(fresh, binaries, signal);
  await rename(fresh, directory);
  const handle = await open(parent);
  await handle.sync().finally(() => handle.close());
}

/**
 * The private folder of the socket, made if needed: the same for the same data directory, always, unless somebody else
 * has taken its name in the folder for temporary files.
 */
export async function ensureSocketDirectory(dataDir: string): Promise<string> {
  const near = join(dataDir, nearSocket);
  if (isShortEnough(near)) {
    await privateFolder(near);
    return near;
  }
  const hash = createHash('sha256').update(dataDir).digest('hex').slice(0, 16);
  const name = `kodama-${ownUid() ?? 0}-${hash}`;
  const folder = isShortEnough(join(tmpdir(), `${name}-123456`)) ? tmpdir() : '/tmp';
  const directory = join(folder, name);
  const own = await privateFolder(directory).then(
    () => directory,
    () => mkdtemp(`${directory}-`),
  );
  // A user who could rename the directory could put a database of their own there.
  await assertTrustedWay(own);
  return own;
}

function isShortEnough(directory: string): boolean {
  return Buffer.byteLength(join(directory, `.s.PGSQL.${socketPort}`)) <= socketPathMax;
}

/**
 * What the postmaster says of itself in its pid file: `state` is starting, ready or stopping. Null where there is none,
 * or what is there was written by no PostgreSQL.
 */
export async function readPostmaster(
  directory: string,
): Promise<{ readonly pid: number; readonly state: string } | null> {
  const lines = (await readBeginning(pidFile(directory))).split('\n');
  const pid = /^-?([1-9]\d{0,9})$/.exec(lines[0] ?? '')?.[1];
  return pid === undefined ? null : { pid: Number(pid), state: (lines[7] ?? '').trim() };
}

function pidFile(directory: string): string {
  return join(directory, 'postmaster.pid');
}

/** Empty where there is nothing to read. */
async function readBeginning(path: string): Promise<string> {
  const file = await open(path).catch(() => null);
  if (file === null) return '';
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(pidFileBytesMax), 0);
    return buffer.toString('latin1', 0, bytesRead);
  } catch {
    return '';
  } finally {
    await file.close();
  }
}

/**
 * Ends every process of the cluster, and waits until they are gone: fast shutdown first, then immediate
 * shutdown, then SIGKILL. Stopped processes (SIGSTOP) are continued to hear of it. Resolves to the pids.
 * `postmaster` for one that was only just started, and has no pid file yet.
 */
export async function stopCluster(
  directory: string,
  timeoutMs: number,
  postmaster: number | null = null,
): Promise<readonly number[]> {
  const found = await clusterPids(directory);
  if (found.length > 0) {
    const leader = postmaster ?? (await readPostmaster(directory))?.pid;
    const leaders = found.filter((pid) => pid === leader);
    // Without their postmaster the others leave by themselves; signals would only confuse them.
    const isEnded =
      leaders.length > 0
        ? (await end(directory, leaders, 'SIGINT', timeoutMs)) ||
          (await end(directory, leaders, 'SIGQUIT', quitTimeoutMs))
        : await end(directory, [], 'SIGCONT', orphanTimeoutMs);
    if (!isEnded && !(await end(directory, found, 'SIGKILL', killTimeoutMs))) {
      const left = await clusterPids(directory);
      throw new Error(`PostgreSQL processes of ${directory} cannot be stopped: ${left.join(', ')}`);
    }
  }
  await removeStalePid(directory);
  return found;
}

/** Signals, then waits until no process of the cluster is left; false if some are when the time is over. */
async function end(
  directory: string,
  targets: readonly number[],
  signal: NodeJS.Signals,
  timeoutMs: number,
): Promise<boolean> {
  for (const pid of targets) kill(pid, signal);
  const deadline = performance.now() + timeoutMs;
  let left = await clusterPids(directory);
  for (const pid of left) kill(pid, signal === 'SIGKILL' ? 'SIGKILL' : 'SIGCONT');
  while (left.length > 0 && performance.now() < deadline) {
    await delay(pollMs);
    // Looks at all processes of the machine only once those it knows are gone.
    left = left.filter((pid) => process.platform !== 'linux' || belongs(pid, directory));
    if (left.length === 0 || process.platform !== 'linux') left = await clusterPids(directory);
  }
  return left.length === 0;
}

export async function clusterPids(directory: string): Promise<readonly number[]> {
  if (process.platform === 'linux') {
    return readdirSync('/proc')
      .map(Number)
      .filter((pid) => pid > 0 && belongs(pid, directory));
  }
  const list = await promisify(execFile)('/bin/ps', ['-axww', '-o', 'pid=,command='], {
    env: {},
  });
  return list.stdout
    .split('\n')
    .filter((line) => line.includes(`postgres -D ${directory} `))
    .map((line) => Number.parseInt(line, 10));
}

/** Somebody's shell may stand in the folder, too: only a process called postgres counts. */
function belongs(pid: number, directory: string): boolean {
  try {
    const cwd = statSync(`/proc/${pid}/cwd`);
    const cluster = statSync(directory, { throwIfNoEntry: false });
    const isHere = cwd.ino === cluster?.ino && cwd.dev === cluster.dev;
    // A server whose folder was deleted would still remove its socket at its end, which by then is ours.
    const wasHere =
      cwd.nlink === 0 && readlinkSync(`/proc/${pid}/cwd`) === `${directory} (deleted)`;
    return (isHere || wasHere) && readFileSync(`/proc/${pid}/comm`, 'utf8') === 'postgres\n';
  } catch {
    return false;
  }
}

/**
 * PostgreSQL takes a pid file for stale only if it can read it and no process has that pid: a recycled pid, or a file
 * that is no pid file, would lock us out for ever. Nothing of the cluster runs here any more. Without /proc we cannot
 * be sure that a pid is recycled, and leave the refusal to PostgreSQL.
 */
async function removeStalePid(directory: string): Promise<void> {
  const postmaster = await readPostmaster(directory);
  if (postmaster !== null && (process.platform !== 'linux' || !isTaken(postmaster.pid))) return;
  await rm(pidFile(directory), { force: true, recursive: true });
}

/** By whomever. */
function isTaken(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH');
  }
}

function kill(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

function checkVersion(directory: string, version: number, expected: number): void {
  if (version === expected) return;
  throw new Error(
    `${directory} was made by PostgreSQL ${version}, and this kodama brings PostgreSQL ${expected}: ` +
      'start it with the kodama that made it, or move its data over with pg_dump',
  );
}

async function initdb(
  directory: string,
  binaries: PostgresBinaries,
  signal: AbortSignal,
): Promise<void> {
  const [program = '', ...args] = [
    ...binaries.prefix,
    ...[binaries.initdb, '--pgdata', directory, '--username', superuser],
    // Whoever can enter the socket's folder is this user already.
    ...['--encoding=UTF8', '--locale=C', '--auth=trust', '--no-instructions'],
    // All that it wrote is on disk before it counts as there: by one call where there is one, not by one for each file.
    ...(process.platform === 'linux' ? ['--sync-method=syncfs'] : []),
  ];
  // Detached: Ctrl-C must reach kodama alone, which then ends it by the signal.
  const child = spawn(program, args, {
    env: binaries.env,
    cwd: dirname(directory),
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
    signal,
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  try {
    const [code, by] = await once(child, 'close');
    if (code === 0) return;
    const words = said.trim() || `it ended with ${code ?? by}`;
    throw new Error(`initdb failed: ${words}${hintFor(words)}`);
  } catch (error) {
    if (signal.aborted) throw new Error('initdb was not done in time', { cause: error });
    throw error;
  }
}
