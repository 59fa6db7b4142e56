/** A kodama under attack: a process that is started again whenever it is gone. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { waitFor } from '../support/wait-for.ts';
import { childrenOf, commandOf, sharedMemoryOf, signal } from './processes.ts';

const mainFile = join(import.meta.dirname, '../../src/main.ts');
const readyTimeoutMs = 60_000;
const restartPauseMs = 200;
const linesKept = 2000;

/** Workers that were lost at once: one by itself, or all with their control plane. */
export interface Kill {
  /** performance.now() of it. */
  readonly at: number;
  readonly what: 'worker' | 'control_plane';
  readonly workerPids: readonly number[];
}

export interface KodamaProcessOptions {
  readonly dataDir: string;
  /** The cluster of its PostgreSQL, wherever that runs. */
  readonly cluster: string;
  /** Its PostgreSQL is its own child, and ends with it. */
  readonly isEmbedded: boolean;
  readonly ports: { readonly http: number; readonly grpc: number };
  readonly environment?: Readonly<Record<string, string>>;
  /** Options of Node, which workers get too. */
  readonly nodeOptions?: readonly string[];
}

/** What an attack brings about; any other error in the log is a finding. */
const expectedErrors = new Set([
  'PostgreSQL ended, starting it again',
  'PostgreSQL could not be started again',
]);

export class KodamaProcess {
  readonly url: string;
  readonly grpcAddress: string;
  readonly log: string[] = [];
  readonly kills: Kill[] = [];
  /** Errors in its log that no attack explains. */
  readonly faults: string[] = [];
  /** Shared memory that its PostgreSQL has used. */
  readonly sharedMemory = new Set<string>();
  /** A start may fail now, such as for want of disk. */
  mayFail = false;
  readonly #options: KodamaProcessOptions;
  #child: ChildProcess | null = null;
  #isEnding = false;
  #life: Promise<void> = Promise.resolve();

  constructor(options: KodamaProcessOptions) {
    this.#options = options;
    this.url = `http://127.0.0.1:${options.ports.http}`;
    this.grpcAddress = `127.0.0.1:${options.ports.grpc}`;
  }

  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  /** Starts it, and keeps starting it until `end`. */
  async begin(): Promise<void> {
    this.#life = this.#live();
    this.#life.catch(() => undefined);
    await this.ready();
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
    const { dataDir, ports, environment, nodeOptions = [] } = this.#options;
    const child = spawn(process.execPath, [...nodeOptions, mainFile], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH,
        ...(TMPDIR === undefined ? {} : { TMPDIR }),
        KODAMA_DATA_DIR: dataDir,
        KODAMA_HTTP_PORT: String(ports.http),
        KODAMA_GRPC_PORT: String(ports.grpc),
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
    const { level, msg, workerPid } = JSON.parse(line);
    if (level >= 50 && !expectedErrors.has(msg) && !this.mayFail) this.faults.push(line);
    if (workerPid === undefined || !String(msg).startsWith('a worker was lost')) return;
    const isKnown = this.kills.some(({ workerPids }) => workerPids.includes(workerPid));
    if (!isKnown) this.faults.push(`a worker ended by itself: ${line}`);
  }

  tail(): string {
    return this.log.slice(-40).join('\n');
  }

  async isReady(): Promise<boolean> {
    try {
      const reply = await fetch(`${this.url}/readyz`, { signal: AbortSignal.timeout(3000) });
      // What is not read keeps its connection.
      await reply.text();
      return reply.status === 200;
    } catch {
      return false;
    }
  }

  /** Resolves with how long that took. */
  async ready(): Promise<number> {
    const begun = performance.now();
    const died = this.#life.then(() => Promise.reject(new Error('kodama was ended')));
    died.catch(() => undefined);
    await Promise.race([waitFor('kodama to be ready', () => this.isReady(), readyTimeoutMs), died]);
    const postmaster = this.postmaster();
    for (const name of postmaster === null ? [] : sharedMemoryOf(postmaster)) {
      this.sharedMemory.add(name);
    }
    return performance.now() - begun;
  }

  /** kill -9 of the control plane; its workers end with it. */
  crash(): void {
    if (this.#child === null) return;
    const workerPids = this.workers();
    this.kills.push({ at: performance.now(), what: 'control_plane', workerPids });
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

  postmaster(): number | null {
    try {
      const text = readFileSync(join(this.#options.cluster, 'postmaster.pid'), 'utf8');
      const pid = Math.abs(Number(text.split('\n')[0]));
      return pid > 0 ? pid : null;
    } catch {
      return null;
    }
  }

  backends(): readonly number[] {
    const postmaster = this.postmaster();
    return postmaster === null ? [] : childrenOf(postmaster);
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
    const postmaster = this.#options.isEmbedded ? this.postmaster() : null;
    if (postmaster !== null && commandOf(postmaster).includes('postgres')) {
      signal(postmaster, 'SIGQUIT');
    }
  }
}
