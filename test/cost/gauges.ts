/** What the system's own accounting says of a process (proc(5)): Linux only. */
import { readFileSync } from 'node:fs';
import { memoryOf } from '../chaos/processes.ts';

/** CPU of the process's main thread in milliseconds, finer than a tick: where a Node process runs its loop. */
export function loopMs(pid: number): number {
  const [onCpuNs] = readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'utf8').split(' ');
  return Number(onCpuNs) / 1e6;
}

const lookEveryMs = 100;

/** Samples the memory of a process until it is stopped, and keeps the most that it had. */
export class PeakMemory implements Disposable {
  readonly #pid: number;
  readonly #before: number;
  readonly #timer: NodeJS.Timeout;
  #peak: number;

  constructor(pid: number) {
    this.#pid = pid;
    this.#before = memoryOf(pid);
    this.#peak = this.#before;
    this.#timer = setInterval(() => this.#look(), lookEveryMs);
  }

  #look(): void {
    this.#peak = Math.max(this.#peak, memoryOf(this.#pid));
  }

  get grownBytes(): number {
    this.#look();
    return this.#peak - this.#before;
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
