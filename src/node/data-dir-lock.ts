/**
 * One kodama per data directory. Each holder is a file of its own, `kodama.lock.<pid>-<start>-<boot>`, whose
 * name can only ever mean one process: the pid, the time that process started, the boot that it ran in.
 *
 * - Announce, then look: whoever makes its file and then sees no other living one holds the lock, so there
 *   is never more than one holder.
 * - A file left by a dead process names nobody who can come back. Anyone may remove it at any time: there is
 *   no moment at which taking over a stale lock could break a live one.
 *
 * Processes are told apart within one pid namespace: two containers must not share a data directory.
 */

import { open, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const prefix = 'kodama.lock.';
/** Two that start in the same moment both step back, for random times; a real holder stays. */
const attemptsMax = 5;

/** Resolves to the release, or throws with the pid of the process that uses the directory. */
export async function lockDataDir(dataDir: string): Promise<() => Promise<void>> {
  const boot = await bootId();
  const own = `${prefix}${process.pid}-${(await startTime(process.pid)) ?? 0}-${boot}`;
  const file = join(dataDir, own);
  for (let attempt = 1; ; attempt += 1) {
    await announce(dataDir, file);
    const holder = await livingOther(dataDir, own, boot);
    if (holder === null) return () => rm(file, { force: true });
    await rm(file, { force: true });
    if (attempt === attemptsMax) throw inUse(dataDir, holder);
    await delay(20 + Math.random() * 60);
  }
}

async function announce(dataDir: string, file: string): Promise<void> {
  try {
    await (await open(file, 'wx', 0o600)).close();
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
    throw inUse(dataDir, process.pid);
  }
}

async function livingOther(dataDir: string, own: string, boot: string): Promise<number | null> {
  for (const name of await readdir(dataDir)) {
    if (!name.startsWith(prefix) || name === own) continue;
    const [pidText, start, itsBoot] = name.slice(prefix.length).split('-');
    const pid = Number(pidText);
    if (itsBoot === boot && String(await startTime(pid)) === start) return pid;
    await rm(join(dataDir, name), { force: true, recursive: true });
  }
  return null;
}

/** Clock ticks from boot to the start of a living process (proc(5), field 22); null when it is dead. */
async function startTime(pid: number): Promise<number | null> {
  if (process.platform !== 'linux') return isAlive(pid) ? 0 : null;
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // The command name, field 2, stands in brackets and may hold anything, brackets and spaces too.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const isZombie = fields[0] === 'Z' || fields[0] === 'X';
    return isZombie ? null : Number(fields[19]);
  } catch {
    return null;
  }
}

async function bootId(): Promise<string> {
  if (process.platform !== 'linux') return 'boot';
  return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).slice(0, 8);
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return errorCode(error) === 'EPERM';
  }
}

function inUse(dataDir: string, pid: number): Error {
  return new Error(
    `the data directory ${dataDir} is in use by process ${pid}: ` +
      'is kodama running already? KODAMA_DATA_DIR sets another directory',
  );
}

function errorCode(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : null;
}
