/** A kodama of a test's own: on free ports, with a data directory that goes with it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { Kodama } from './kodama.ts';

export interface StartOptions {
  /** Program and words; by default the package `kodama` that is installed beside what calls this. */
  readonly command?: readonly [string, ...string[]];
  /**
   * Variables of kodama. Of this process it has all but DATABASE_URL and those that begin with KODAMA_: they are about
   * another kodama, or about a database that is not for tests. Its log is read here, so it is JSON, and no quieter than info.
   */
  readonly environment?: Readonly<Record<string, string>>;
  /** How long it may take to get ready; two minutes by default. */
  readonly timeoutMs?: number;
}

export interface StartedKodama extends Kodama, AsyncDisposable {
  readonly grpcAddress: string;
  readonly pid: number;
}

const startMsDefault = 120_000;
const stopMs = 10_000;
/** The end of what it printed, as it is told of a start that failed. */
const printedMax = 65_536;
/** At which it does not say that it is ready. */
const quietLevels = ['warn', 'error', 'silent'];

/**
 * `await using kodama = await startKodama()`: resolves when it is ready, with its embedded PostgreSQL.
 * @throws Error with what it printed when it does not get ready, or not in time
 */
export async function startKodama(options: StartOptions = {}): Promise<StartedKodama> {
  const dataDir = await mkdtemp(join(tmpdir(), 'kodama-'));
  const { command = installedCommand(), environment = {}, timeoutMs = startMsDefault } = options;
  const { KODAMA_LOG_LEVEL: level = 'info' } = environment;
  const [program, ...words] = command;
  const child = spawn(program, words, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...inherited(),
      KODAMA_HTTP_PORT: '0',
      KODAMA_GRPC_PORT: '0',
      KODAMA_DATA_DIR: dataDir,
      ...environment,
      KODAMA_LOG_FORMAT: 'json',
      KODAMA_LOG_LEVEL: quietLevels.includes(level) ? 'info' : level,
    },
  });
  // An older Node runs kodama by a newer one and passes on what can be passed on: SIGKILL would leave kodama behind.
  const endWithUs = () => child.kill('SIGTERM');
  process.once('exit', endWithUs);
  const stop = async () => {
    process.removeListener('exit', endWithUs);
    await end(child);
    await rm(dataDir, { recursive: true, force: true });
  };
  try {
    const { httpPort, grpcPort } = await untilReady(child, timeoutMs);
    const token = environment.KODAMA_API_TOKEN ?? '';
    const kodama = new Kodama({ url: `http://127.0.0.1:${httpPort}`, token, project: '' });
    return Object.assign(kodama, {
      grpcAddress: `127.0.0.1:${grpcPort}`,
      pid: child.pid ?? 0,
      [Symbol.asyncDispose]: stop,
    });
  } catch (error) {
    await stop();
    throw error;
  }
}

function inherited(): NodeJS.ProcessEnv {
  const all = Object.entries(process.env);
  return Object.fromEntries(all.filter(([name]) => !/^(KODAMA_|DATABASE_URL$)/.test(name)));
}

function installedCommand(): [string, ...string[]] {
  const manifest = createRequire(join(process.cwd(), 'index.js')).resolve('kodama/package.json');
  return [process.execPath, join(dirname(manifest), 'bin/kodama.js'), 'up'];
}

interface Ready {
  readonly httpPort: number;
  readonly grpcPort: number;
}

async function untilReady(child: ChildProcess, timeoutMs: number): Promise<Ready> {
  const { stdout, stderr } = child;
  if (stdout === null || stderr === null) throw new TypeError('kodama has no output');
  let printed = '';
  const keep = (text: string) => {
    printed = (printed + text).slice(-printedMax);
  };
  const keepData = (data: Buffer) => keep(data.toString());
  stderr.on('data', keepData);
  const lines = createInterface(stdout);
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise<Ready>((resolve, reject) => {
      const fail = (why: string) => reject(new Error(`kodama did not start: ${why}\n${printed}`));
      timer = setTimeout(() => fail(`it was not ready within ${timeoutMs} ms`), timeoutMs);
      child.once('error', ({ message }) => fail(message));
      child.once('close', (code, signal) => fail(`it ended with ${code ?? signal}`));
      lines.on('line', (line) => {
        keep(`${line}\n`);
        if (line.includes('"msg":"ready"')) resolve(JSON.parse(line) as Ready);
      });
    });
  } finally {
    clearTimeout(timer);
    lines.close();
    stderr.off('data', keepData);
    // What it prints from here on is nobody's, and holds it up no more than before.
    stdout.resume();
    stderr.resume();
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), stopMs);
  await ended;
  clearTimeout(timer);
}
