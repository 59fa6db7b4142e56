/**
 * Workers that an earlier run of this node left behind. A worker ends with its control plane, but one that is stopped
 * or stuck can not see that it is gone: it holds its ports for ever, and nobody answers there.
 *
 * It is known by its command, which names the node and the process that started it, when that is not its parent any
 * more. Where there is no /proc its listeners stay `failed` with `port_in_use` until somebody ends it.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

const pollMs = 5;
const goneTimeoutMs = 2000;

/** Resolves, with their pids, when they are gone and their ports are free. */
export async function endOrphans(workerFile: string, nodeId: string): Promise<readonly number[]> {
  const orphans = processes().filter((pid) => isOrphan(pid, workerFile, nodeId));
  for (const pid of orphans) kill(pid);
  const deadline = performance.now() + goneTimeoutMs;
  for (const pid of orphans) {
    while (hasSockets(pid) && performance.now() < deadline) await delay(pollMs);
  }
  return orphans;
}

function processes(): readonly number[] {
  try {
    return readdirSync('/proc')
      .map(Number)
      .filter((pid) => pid > 0);
  } catch {
    return [];
  }
}

function isOrphan(pid: number, workerFile: string, nodeId: string): boolean {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    const at = words.indexOf(workerFile);
    if (at < 0 || words[at + 1] !== nodeId) return false;
    const parent = /^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return parent !== words[at + 2];
  } catch {
    // Gone meanwhile.
    return false;
  }
}

/** The kernel takes its command first, then its memory, and then its sockets: with the last of its threads. */
function hasSockets(pid: number): boolean {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return !(/^State:\s+[ZX]/m.test(status) && /^Threads:\s+[01]$/m.test(status));
  } catch {
    return false;
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Gone meanwhile, or not ours to end: then its ports are told as in use.
  }
}
