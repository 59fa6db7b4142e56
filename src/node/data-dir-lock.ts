/**
 * One kodama per data directory. Each holder has a file of its own there, `kodama.lock.<pid>-<start>-<boot>-<random>`:
 * a Unix socket that it listens on as long as it lives, and that any process with the directory can ask.
 *
 * - Announce, then look: whoever makes its file and then sees no other living one holds the lock, so there
 *   is never more than one holder. A file has its name only once it is answered.
 * - A file left by a dead process names nobody who can come back. Anyone may remove it at any time: there is
 *   no moment at which taking over a stale lock could break a live one.
 *
 * By its pid alone a process of another container is not seen, by its socket none of another kernel. Where no socket
 * can be, the pid is all there is.
 */

import { randomUUID } from 'node:crypto';
import { chmod, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import type { Server } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { errorCode, isAnswered, listenIn } from './folder-socket.ts';

const prefix = 'kodama.lock.';
/** Not yet to be looked at: who is bound, but does not listen, looks dead. */
const draftPrefix = 'kodama.lock-';
/** Two that start in the same moment both step back, for random times; a real holder stays. */
const attemptsMax = 5;
/** What file systems without sockets say. */
const withoutSockets: readonly unknown[] = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP'];

interface Holder {
  /** Null where it is out of this process's sight. */
  readonly pid: number | null;
}

/** Resolves to the release, or throws with the pid of the process that uses the directory. */
export async function lockDataDir(dataDir: string): Promise<() => Promise<void>> {
  const boot = await bootId();
  const start = (await startTime(process.pid)) ?? 0;
  for (let attempt = 1; ; attempt += 1) {
    const own = `${prefix}${process.pid}-${start}-${boot}-${randomUUID().slice(0, 8)}`;
    const release = await announce(dataDir, own).catch((cause: unknown) => {
      throw unusable(dataDir, cause);
    });
    const holder = await livingOther(dataDir, own, boot).catch(async (error: unknown) => {
      await release();
      throw unusable(dataDir, error);
    });
    if (holder === null) return release;
    await release();
    if (attempt === attemptsMax) throw inUse(dataDir, holder);
    await delay(20 + Math.random() * 60);
  }
}

async function announce(dataDir: string, own: string): Promise<() => Promise<void>> {
  const file = join(dataDir, own);
  const server = process.platform === 'linux' ? await socketAt(dataDir, own) : null;
  if (server === null) await (await open(file, 'wx', 0o600)).close();
  return async () => {
    await rm(file, { force: true });
    server?.close();
  };
}

/** Null where there can be none. */
async function socketAt(dataDir: string, own: string): Promise<Server | null> {
  const draft = `${draftPrefix}${randomUUID().slice(0, 8)}`;
  const file = join(dataDir, draft);
  const server = await listenIn(dataDir, draft).catch((error: unknown) => {
    if (withoutSockets.includes(errorCode(error))) return null;
    throw error;
  });
  if (server === null) return null;
  try {
    await chmod(file, 0o600);
    await rename(file, join(dataDir, own));
    return server;
  } catch (error) {
    server.close();
    await rm(file, { force: true });
    throw error;
  }
}

async function livingOther(dataDir: string, own: string, boot: string): Promise<Holder | null> {
  for (const name of await readdir(dataDir)) {
    if (!name.startsWith(prefix) || name === own) continue;
    const [pidText, start, itsBoot] = name.slice(prefix.length).split('-');
    const pid = Number(pidText);
    if (itsBoot === boot && String(await startTime(pid)) === start) return { pid };
    if (process.platform === 'linux' && (await isAnswered(dataDir, name))) return { pid: null };
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

/** The system names a file in its words, and not what a person has set. */
function unusable(dataDir: string, cause: unknown): Error {
  const text = cause instanceof Error ? cause.message : String(cause);
  const reason = text.replace(/ \/proc\/self\/fd\/\S+$/, '');
  return new Error(`KODAMA_DATA_DIR (${dataDir}) cannot be used: ${reason}`, { cause });
}

function inUse(dataDir: string, { pid }: Holder): Error {
  const holder =
    pid === null ? 'a process that is not seen here, as of another container' : `process ${pid}`;
  return new Error(
    `the data directory ${dataDir} is in use by ${holder}: ` +
      'is kodama running already? KODAMA_DATA_DIR sets another directory',
  );
}
