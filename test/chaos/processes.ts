/** Processes as /proc has them (proc(5)): children, files, sockets, and what is left of a kodama that has ended. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    // One that is gone meanwhile is none to signal.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

export function childrenOf(pid: number): readonly number[] {
  return listOf(`/proc/${pid}/task`)
    .map((task) => textOf(`/proc/${pid}/task/${task}/children`))
    .flatMap((children) => children.split(' ').filter(Boolean).map(Number));
}

export function commandOf(pid: number): string {
  return textOf(`/proc/${pid}/cmdline`).replaceAll('\0', ' ');
}

export function isAlive(pid: number): boolean {
  const state = /^\d+ \(.*\) (\S)/s.exec(textOf(`/proc/${pid}/stat`))?.[1];
  return state !== undefined && state !== 'Z' && state !== 'X';
}

/** Open file descriptors. */
export function fdCount(pid: number): number {
  return listOf(`/proc/${pid}/fd`).length;
}

/** Proportional set size in bytes: what would be free without it, shared pages divided. */
export function memoryOf(pid: number): number {
  const kilobytes = /^Pss:\s+(\d+)/m.exec(textOf(`/proc/${pid}/smaps_rollup`))?.[1];
  return Number(kilobytes ?? 0) * 1024;
}

const listen = '0A';

/** TCP sockets of the process: how many listen, and how many are anything else. */
export function tcpSocketsOf(pid: number): { readonly listening: number; readonly other: number } {
  const inodes = new Set(
    listOf(`/proc/${pid}/fd`).map(
      (fd) => /^socket:\[(\d+)\]$/.exec(linkOf(`/proc/${pid}/fd/${fd}`))?.[1],
    ),
  );
  const states = ['tcp', 'tcp6'].flatMap((family) =>
    textOf(`/proc/${pid}/net/${family}`)
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => inodes.has(fields[9]))
      .map((fields) => fields[3]),
  );
  const listening = states.filter((state) => state === listen).length;
  return { listening, other: states.length - listening };
}

/** Shared memory of PostgreSQL that the process has mapped: it outlives a process that is killed. */
export function sharedMemoryOf(pid: number): readonly string[] {
  return [...textOf(`/proc/${pid}/maps`).matchAll(/\/dev\/shm\/(PostgreSQL\.\d+)$/gm)].map(
    ([, name]) => name ?? '',
  );
}

export function sharedMemoryLeft(): readonly string[] {
  return listOf('/dev/shm');
}

/** Every living process that was started for the directory: by its environment, folder or command. */
export function processesOf(directory: string): readonly string[] {
  return listOf('/proc')
    .map(Number)
    .filter((pid) => pid > 0 && pid !== process.pid && isAlive(pid))
    .filter((pid) =>
      [textOf(`/proc/${pid}/environ`), linkOf(`/proc/${pid}/cwd`), commandOf(pid)].some((text) =>
        text.includes(directory),
      ),
    )
    .map((pid) => `${pid} ${commandOf(pid).slice(0, 120)}`);
}

function listOf(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
