/** Drives bench/load: connects, waits for the word, runs, and tells what it did. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { benchDir, compile } from './compile.ts';

export interface EchoLoad {
  readonly mode: 'echo' | 'churn' | 'udp';
  readonly port: number;
  readonly connections: number;
  readonly bytes: number;
  readonly seconds: number;
  /** Connections a second; absent is full speed. Only for churn. */
  readonly rate?: number;
  /** Where to write each connection's address and time; only for churn. */
  readonly file?: string;
  /** What comes before the echo; `nothing` is as if absent, but by the same program as the others. */
  readonly before?: 'tls' | 'proxy' | 'nothing';
}

export interface LoadResult {
  readonly operations: number;
  readonly errors: number;
  /** Connections that could not be started in time, since all places were taken. */
  readonly missed: number;
  readonly seconds: number;
  readonly p50Us: number;
  readonly p99Us: number;
  /** Of each operation of a load with a rate; of others none, since there are too many. */
  readonly samplesUs: readonly number[];
}

export class LoadGenerator implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #exited: Promise<unknown>;

  private constructor(child: ChildProcess, lines: AsyncIterator<string>) {
    this.#child = child;
    this.#lines = lines;
    this.#exited = once(child, 'exit');
  }

  /** Resolves when all lasting connections are open, each after one round trip. */
  static async start(load: EchoLoad): Promise<LoadGenerator> {
    const { mode, port, connections, bytes, seconds, rate = 0, file, before } = load;
    const args = [mode, port, connections, bytes, seconds, rate].map(String);
    if (file !== undefined || before !== undefined) args.push(file ?? '');
    if (before !== undefined) args.push(before);
    const child = spawnLoad(load, args);
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const generator = new LoadGenerator(child, lines);
    const first = await lines.next();
    if (first.value !== 'ready') throw new Error(`the load could not start: ${first.value}`);
    return generator;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  async run(): Promise<LoadResult> {
    this.#child.stdin?.write('go\n');
    const line = await this.#lines.next();
    if (line.done === true) throw new Error('the load ended without a result');
    const result = JSON.parse(line.value) as LoadResult;
    if (result.errors > 0) throw new Error(`${result.errors} operations failed`);
    if (result.operations === 0) throw new Error('no operation was done');
    return result;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.stdin?.end();
    await this.#exited;
  }
}

/** Where there is no C compiler, the load for TCP is dearer, and there is none for UDP. TLS and PROXY are not in C. */
function spawnLoad({ mode, before }: EchoLoad, args: readonly string[]) {
  if (mode === 'udp') {
    const program = compile('load/udp-load.c');
    if (program === null) throw new Error('no C compiler');
    return spawn(program, args.slice(1), { stdio });
  }
  const program = before === undefined ? compile('load/echo-load.c') : null;
  return program === null
    ? spawn(process.execPath, [join(benchDir, 'load/echo-load.ts'), ...args], { stdio })
    : spawn(program, args, { stdio });
}

const stdio: ['pipe', 'pipe', 'inherit'] = ['pipe', 'pipe', 'inherit'];
