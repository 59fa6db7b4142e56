/** A process under attack: it is started again whenever it is gone, and its log is read as it comes. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { childrenOf, commandOf, signal } from './processes.ts';

const restartPauseMs = 200;
const linesKept = 2000;

/** Workers that were lost at once: one by itself, or all with what started them. */
export interface Kill {
  /** performance.now() of it. */
  readonly at: number;
  readonly what: 'worker' | 'control_plane' | 'agent';
  readonly workerPids: readonly number[];
}

export interface LastingProcessOptions {
  readonly what: Exclude<Kill['what'], 'worker'>;
  /** Options of Node, which workers get too; the file, and what stands behind it. */
  readonly words: readonly string[];
  /** What stands before Node, to start it elsewhere: it must become that process. */
  readonly enter?: readonly string[] | undefined;
  readonly environment: Readonly<Record<string, string>>;
  /** Errors of its log that an attack brings about; any other one is a finding. */
  readonly expectedErrors: ReadonlySet<string>;
}

/** A line of its log. */
export interface LogLine {
  readonly level: number;
  readonly msg: string;
  readonly [field: string]: unknown;
}

export class LastingProcess {
  readonly log: string[] = [];
  readonly kills: Kill[] = [];
  /** Errors in its log that no attack explains. */
  readonly faults: string[] = [];
  /** A start may fail now, such as for want of disk. */
  mayFail = false;
  readonly #options: LastingProcessOptions;
  #child: ChildProcess | null = null;
  #isEnding = false;
  #life: Promise<void> = Promise.resolve();

  constructor(options: LastingProcessOptions) {
    this.#options = options;
  }

  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  /** Rejects when it has ended by itself. */
  protected get life(): Promise<void> {
    return this.#life;
  }

  /** Starts it, and keeps starting it until `end`. */
  protected live(): void {
    this.#life = this.#live();
    this.#life.catch(() => undefined);
  }

  async #live(): Promise<void> {
    // A run that ends in the middle leaves no kodama behind.
    const kill = () => void this.#child?.kill('SIGKILL');
    process.once('exit', kill);
    try {
      await this.#liveOn();
    } finally {
      process.off('exit', kill);
    }
  }

  async #liveOn(): Promise<void> {
    while (!this.#isEnding) {
      const child = this.#spawn();
      this.#child = child;
      const [code, name] = (await once(child, 'exit')) as [number | null, string | null];
      this.#child = null;
      if (this.#isEnding) return;
      this.log.push(`exit code ${code} signal ${name}`);
      if (name === 'SIGKILL') continue;
      if (!this.mayFail) throw new Error(`kodama ended by itself:\n${this.tail()}`);
      await new Promise((next) => setTimeout(next, restartPauseMs));
    }
  }

  #spawn(): ChildProcess {
    const { PATH = '', TMPDIR } = process.env;
    const { words, environment, enter = [] } = this.#options;
    const [program = '', ...rest] = [...enter, process.execPath, ...words];
    const child = spawn(program, rest, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH,
        ...(TMPDIR === undefined ? {} : { TMPDIR }),
        KODAMA_LOG_FORMAT: 'json',
        ...environment,
      },
    });
    for (const stream of [child.stdout, child.stderr]) {
      if (stream !== null) createInterface(stream).on('line', (line) => this.#note(line));
    }
    return child;
  }

  #note(line: string): void {
    this.log.push(line);
    if (this.log.length > linesKept) this.log.splice(0, linesKept / 2);
    if (!line.startsWith('{')) return;
    const told = JSON.parse(line) as LogLine;
    const { level, msg, workerPid } = told;
    this.told(told);
    if (level >= 50 && !this.#options.expectedErrors.has(msg) && !this.mayFail) {
      this.faults.push(line);
    }
    if (typeof workerPid !== 'number' || !String(msg).startsWith('a worker was lost')) return;
    const isKnown = this.kills.some(({ workerPids }) => workerPids.includes(workerPid));
    if (!isKnown) this.faults.push(`a worker ended by itself: ${line}`);
  }

  /** Each line, for who looks for one. */
  protected told(_line: LogLine): void {}

  tail(): string {
    return this.log.slice(-40).join('\n');
  }

  /** kill -9; its workers end with it. */
  crash(): void {
    if (this.#child === null) return;
    const workerPids = this.workers();
    this.kills.push({ at: performance.now(), what: this.#options.what, workerPids });
    this.#child.kill('SIGKILL');
  }

  killWorker(pid: number): void {
    this.kills.push({ at: performance.now(), what: 'worker', workerPids: [pid] });
    signal(pid, 'SIGKILL');
  }

  /** The worker processes, as the system sees them. */
  workers(): readonly number[] {
    const children = this.pid === null ? [] : childrenOf(this.pid);
    return children.filter((pid) => commandOf(pid).includes('worker-main'));
  }

  /** An orderly stop; rejects when it was anything else. */
  async end(): Promise<void> {
    this.#isEnding = true;
    const child = this.#child;
    if (child === null) return;
    child.kill('SIGTERM');
    const [code] = (await once(child, 'exit')) as [number | null];
    await this.#life;
    if (code !== 0) throw new Error(`the stop ended with ${code}:\n${this.tail()}`);
  }

  /** Whatever is left, at once. */
  async kill(): Promise<void> {
    this.#isEnding = true;
    this.#child?.kill('SIGKILL');
    await this.#life.catch(() => undefined);
  }
}
