/** What the system's own accounting says of a process (proc(5)): Linux only. */
import { readFileSync, writeFileSync } from 'node:fs';
import { isAlive } from '../chaos/processes.ts';

/** CPU of the process's main thread in milliseconds, finer than a tick: where a Node process runs its loop. */
export function loopMs(pid: number): number {
  const [onCpuNs] = readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'utf8').split(' ');
  return Number(onCpuNs) / 1e6;
}

/** The most memory that a process has had since this began, its peak resident set: beyond what it had before. */
export class PeakMemory {
  readonly #pid: number;
  readonly #before: number;

  constructor(pid: number) {
    this.#pid = pid;
    // The peak begins anew: proc_pid_clear_refs(5).
    writeFileSync(`/proc/${pid}/clear_refs`, '5');
    this.#before = this.#bytes('VmRSS');
  }

  #bytes(name: 'VmRSS' | 'VmHWM'): number {
    const status = readFileSync(`/proc/${this.#pid}/status`, 'utf8');
    return 1024 * Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]);
  }

  /** Of a process that is gone without end. */
  get grownBytes(): number {
    if (!isAlive(this.#pid)) return Number.POSITIVE_INFINITY;
    return this.#bytes('VmHWM') - this.#before;
  }
}

/** Calls on a beat until it is stopped, and keeps the longest that an answer took. */
export class Heartbeat implements AsyncDisposable {
  readonly #stop = new AbortController();
  readonly #beating: Promise<void>;
  #longestMs = 0;

  constructor(beat: () => Promise<unknown>, everyMs: number) {
    this.#beating = this.#run(beat, everyMs);
  }

  async #run(beat: () => Promise<unknown>, everyMs: number): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const startedAt = performance.now();
      await beat();
      this.#longestMs = Math.max(this.#longestMs, performance.now() - startedAt);
      await new Promise((next) => setTimeout(next, everyMs));
    }
  }

  get longestMs(): number {
    return this.#longestMs;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#beating;
  }
}
