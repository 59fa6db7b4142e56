/** A kodama under attack: a process with its embedded PostgreSQL, started again whenever it is gone. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { waitFor } from '../support/wait-for.ts';

const mainFile = join(import.meta.dirname, '../../src/main.ts');
const readyTimeoutMs = 60_000;

export interface Crash {
  /** performance.now() of the kill. */
  readonly at: number;
}

export class KodamaProcess {
  readonly #dataDir: string;
  readonly #environment: Readonly<Record<string, string>>;
  readonly log: string[] = [];
  /** Ends of the control plane that were not orderly. */
  readonly crashes: Crash[] = [];
  #child: ChildProcess | null = null;
  #httpPort: number;
  #grpcPort: number;
  #isEnding = false;
  #life: Promise<void> = Promise.resolve();

  constructor(
    dataDir: string,
    ports: { http: number; grpc: number },
    extra: Readonly<Record<string, string>> = {},
  ) {
    this.#dataDir = dataDir;
    this.#httpPort = ports.http;
    this.#grpcPort = ports.grpc;
    this.#environment = extra;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#httpPort}`;
  }

  get grpcAddress(): string {
    return `127.0.0.1:${this.#grpcPort}`;
  }

  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  /** Starts it, and keeps starting it until `end`. */
  async begin(): Promise<void> {
    this.#life = this.#live();
    await this.ready();
  }

  async #live(): Promise<void> {
    while (!this.#isEnding) {
      const child = this.#spawn();
      this.#child = child;
      const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
      this.#child = null;
      if (this.#isEnding) return;
      this.log.push(`exit code ${code} signal ${signal}`);
      if (signal !== 'SIGKILL') throw new Error(`kodama ended by itself:\n${this.tail()}`);
    }
  }

  #spawn(): ChildProcess {
    const { PATH = '', TMPDIR } = process.env;
    const child = spawn(process.execPath, [mainFile], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH,
        ...(TMPDIR === undefined ? {} : { TMPDIR }),
        KODAMA_DATA_DIR: this.#dataDir,
        KODAMA_HTTP_PORT: String(this.#httpPort),
        KODAMA_GRPC_PORT: String(this.#grpcPort),
        KODAMA_LOG_FORMAT: 'json',
        ...this.#environment,
      },
    });
    for (const stream of [child.stdout, child.stderr]) {
      if (stream !== null) createInterface(stream).on('line', (line) => this.#note(line));
    }
    return child;
  }

  #note(line: string): void {
    this.log.push(line);
    if (this.log.length > 2000) this.log.splice(0, 1000);
  }

  tail(): string {
    return this.log.slice(-40).join('\n');
  }

  async isReady(): Promise<boolean> {
    try {
      const reply = await fetch(`${this.url}/readyz`, { signal: AbortSignal.timeout(3000) });
      return reply.status === 200;
    } catch {
      return false;
    }
  }

  async ready(): Promise<void> {
    const died = this.#life.then(() => Promise.reject(new Error('kodama was ended')));
    died.catch(() => undefined);
    await Promise.race([waitFor('kodama to be ready', () => this.isReady(), readyTimeoutMs), died]);
  }

  crash(): void {
    if (this.#child === null) return;
    this.crashes.push({ at: performance.now() });
    this.#child.kill('SIGKILL');
  }

  /** The worker processes, as the system sees them. */
  async workers(): Promise<number[]> {
    const children = this.pid === null ? [] : await childrenOf(this.pid);
    const named = await Promise.all(
      children.map(async (pid) => ((await commandOf(pid)).includes('worker') ? pid : 0)),
    );
    return named.filter((pid) => pid !== 0);
  }

  async postmaster(): Promise<number | null> {
    const path = join(this.#dataDir, 'postgres', 'postmaster.pid');
    const text = await readFile(path, 'utf8').catch(() => '');
    const pid = Number(text.split('\n')[0]);
    return pid > 0 ? pid : null;
  }

  async backends(): Promise<number[]> {
    const postmaster = await this.postmaster();
    return postmaster === null ? [] : await childrenOf(postmaster);
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
    const postmaster = await this.postmaster();
    this.#child?.kill('SIGKILL');
    if (postmaster !== null) signal(postmaster, 'SIGQUIT');
    await this.#life.catch(() => undefined);
  }
}

/** A process that is gone meanwhile is none to signal. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

async function childrenOf(pid: number): Promise<number[]> {
  const tasks = await readdir(`/proc/${pid}/task`).catch(() => []);
  const lists = await Promise.all(
    tasks.map((task) => readFile(`/proc/${pid}/task/${task}/children`, 'utf8').catch(() => '')),
  );
  return lists.flatMap((list) => list.split(' ').filter(Boolean).map(Number));
}

async function commandOf(pid: number): Promise<string> {
  return await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
}
