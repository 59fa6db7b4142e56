/** A whole kodama in processes of its own, as users run it: embedded PostgreSQL, everything recorded and durable. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { benchDir } from './compile.ts';
import { cpuSeconds, treeCpuSeconds } from './process-stats.ts';
import type { EchoServer } from './reference-servers.ts';
import { type Rest, restClient } from './rest.ts';

export interface ListenerView {
  readonly id: string;
  readonly state: string;
  readonly laddr: { readonly ip: string; readonly port: number };
  readonly openConnections: number;
  readonly totalConnections: number;
}

export interface StatusView {
  readonly nodeId: string;
  readonly headSeq: number;
  readonly workers: readonly { readonly pid: number }[];
}

export interface CpuParts {
  readonly worker: number;
  readonly control: number;
  /** With all its processes, also those that came and went. */
  readonly postgres: number;
}

export interface KodamaOptions {
  /** Kept at the end; absent: a new one, removed at the end. */
  readonly dataDir?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** For the main process, such as --cpu-prof. */
  readonly nodeArgs?: readonly string[];
}

const stopTimeoutMs = 30_000;

export class Kodama implements AsyncDisposable {
  readonly pid: number;
  readonly httpPort: number;
  readonly grpcPort: number;
  /** From spawn to the ready line. */
  readonly startMs: number;
  readonly dataDir: string;
  readonly rest: Rest;
  readonly #child: ChildProcess;
  readonly #isDirOwn: boolean;

  private constructor(child: ChildProcess, ready: Ready, dataDir: string, isDirOwn: boolean) {
    this.pid = child.pid ?? 0;
    this.httpPort = ready.httpPort;
    this.grpcPort = ready.grpcPort;
    this.startMs = ready.startMs;
    this.dataDir = dataDir;
    this.rest = restClient(ready.httpPort);
    this.#child = child;
    this.#isDirOwn = isDirOwn;
  }

  static async start(options: KodamaOptions = {}): Promise<Kodama> {
    const { environment = {}, nodeArgs = [] } = options;
    const dataDir = options.dataDir ?? (await makeDataDir());
    const startedAt = performance.now();
    const child = spawn(process.execPath, [...nodeArgs, join(benchDir, '../src/main.ts')], {
      env: {
        PATH: process.env.PATH ?? '',
        HOME: process.env.HOME ?? '',
        KODAMA_HTTP_PORT: '0',
        KODAMA_GRPC_PORT: '0',
        KODAMA_DATA_DIR: dataDir,
        KODAMA_LOG_FORMAT: 'json',
        ...environment,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const ready = await untilReady(child, startedAt);
    return new Kodama(child, ready, dataDir, options.dataDir === undefined);
  }

  async createListener(spec: object = {}): Promise<ListenerView> {
    return this.rest.post('/v1/listeners', spec);
  }

  status(): Promise<StatusView> {
    return this.rest.get('/v1/status');
  }

  async workerPids(): Promise<readonly number[]> {
    return (await this.status()).workers.map(({ pid }) => pid);
  }

  cpu(workerPids: readonly number[]): CpuParts {
    const worker = cpuSeconds(workerPids);
    const control = cpuSeconds([this.pid]);
    return { worker, control, postgres: treeCpuSeconds(this.pid) - worker - control };
  }

  /** A new listener of this kodama, to be measured as a reference server is. */
  async asEchoServer(spec: object = {}): Promise<EchoServer & { readonly listenerId: string }> {
    const listener = await this.createListener(spec);
    const pids = await this.workerPids();
    return {
      name: 'kodama',
      listenerId: listener.id,
      port: listener.laddr.port,
      pid: pids[0] ?? 0,
      cpuSeconds: () => cpuSeconds(pids),
      [Symbol.asyncDispose]: () => this.rest.delete(`/v1/listeners/${listener.id}`),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.rest.close();
    await stopChild(this.#child);
    if (this.#isDirOwn) await rm(this.dataDir, { recursive: true, force: true });
  }
}

/** In order, or by force where that takes too long. */
export async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  const force = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs);
  child.kill('SIGTERM');
  await exited;
  clearTimeout(force);
}

interface Ready {
  readonly httpPort: number;
  readonly grpcPort: number;
  readonly startMs: number;
}

export function makeDataDir(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'kodama-bench-'));
}

/** Reads on after that, so that the child never waits for us. */
function untilReady(child: ChildProcess, startedAt: number): Promise<Ready> {
  const { stdout, stderr } = child;
  if (stdout === null || stderr === null) throw new Error('the child has no output');
  const said: string[] = [];
  const hear = (line: string): void => {
    said.push(line.slice(0, 2000));
    if (said.length > 20) said.shift();
  };
  createInterface({ input: stderr }).on('line', hear);
  return new Promise((resolve, reject) => {
    createInterface({ input: stdout }).on('line', (line) => {
      hear(line);
      if (!line.includes('"msg":"ready"')) return;
      resolve({ ...(JSON.parse(line) as Ready), startMs: performance.now() - startedAt });
    });
    child.once('exit', (code) => {
      reject(new Error(`kodama ended with ${code} before it was ready:\n${said.join('\n')}`));
    });
  });
}
