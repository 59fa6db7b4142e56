/** What the system's own accounting says of processes (proc(5)); Linux only. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

const ticksPerSecond = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

interface Stat {
  readonly parent: number;
  readonly ownSeconds: number;
  /** Of children that have ended and were waited for. */
  readonly endedSeconds: number;
}

function readStat(pid: number): Stat | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name may hold spaces and parentheses; what follows the last one is numbers, from field 3 on.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const seconds = (...numbers: number[]): number =>
      numbers.reduce((sum, number) => sum + Number(fields[number - 3]), 0) / ticksPerSecond;
    return {
      parent: Number(fields[1]),
      ownSeconds: seconds(14, 15),
      endedSeconds: seconds(16, 17),
    };
  } catch {
    return null;
  }
}

/** User and system time of all threads of these processes so far. */
export function cpuSeconds(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + (readStat(pid)?.ownSeconds ?? 0), 0);
}

/** As cpuSeconds, in milliseconds and finer than the clock's tick: what a single request costs. */
export function cpuMilliseconds(pids: readonly number[]): number {
  return pids.reduce(
    (sum, pid) => sum + threadsOf(pid).reduce((ms, path) => ms + onCpu(path), 0),
    0,
  );
}

function threadsOf(pid: number): readonly string[] {
  try {
    return readdirSync(`/proc/${pid}/task`).map((tid) => `/proc/${pid}/task/${tid}/schedstat`);
  } catch {
    return [];
  }
}

function onCpu(schedstat: string): number {
  try {
    return Number(readFileSync(schedstat, 'utf8').split(' ')[0]) / 1e6;
  } catch {
    return 0;
  }
}

/** The process and all below it. */
export function processTree(root: number): readonly number[] {
  const pids = readdirSync('/proc').map(Number).filter(Number.isInteger);
  const parents = new Map(pids.map((pid) => [pid, readStat(pid)?.parent]));
  const tree = [root];
  for (const pid of tree) tree.push(...pids.filter((child) => parents.get(child) === pid));
  return tree;
}

/** As cpuSeconds, of a whole tree, with those of its processes that came and went. */
export function treeCpuSeconds(root: number): number {
  const stats = processTree(root).map(readStat);
  return stats.reduce((sum, stat) => sum + (stat?.ownSeconds ?? 0) + (stat?.endedSeconds ?? 0), 0);
}

export function processName(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').join(' ').trim();
  } catch {
    return '';
  }
}

/** Proportional set size in bytes: shared pages count in parts. 0 when the process is gone. */
export function pssBytes(pid: number): number {
  try {
    const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
    return Number(/^Pss:\s+(\d+) kB/m.exec(text)?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}
