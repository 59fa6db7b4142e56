/** What the system's own accounting says of a process (proc(5)): Linux only. */
import { readFileSync } from 'node:fs';
import { memoryOf } from '../chaos/processes.ts';

/** CPU of the process's main thread in milliseconds, finer than a tick: where a Node process runs its loop. */
export function loopMs(pid: number): number {
  const [onCpuNs] = readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'utf8').split(' ');
  return Number(onCpuNs) / 1e6;
}

/** Samples the memory of processes until it is stopped, and keeps the most that each had. */
export class PeakMemory implements Disposable {
  readonly #peaks: Map<number, number>;
  readonly #timer: NodeJS.Timeout;

  constructor(pids: readonly number[], everyMs = 100) {
    this.#peaks = new Map(pids.map((pid) => [pid, memoryOf(pid)]));
    this.#timer = setInterval(() => this.#look(), everyMs);
  }

  #look(): void {
    for (const [pid, peak] of this.#peaks) this.#peaks.set(pid, Math.max(peak, memoryOf(pid)));
  }

  of(pid: number): number {
    this.#look();
    return this.#peaks.get(pid) ?? 0;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
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
