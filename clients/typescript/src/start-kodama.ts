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
   * another kodama, or about a database that is not for tests.
   */
  readonly environment?: Readonly<Record<string, string>>;
}

export interface StartedKodama extends Kodama, AsyncDisposable {
  readonly grpcAddress: string;
  readonly pid: number;
}

const stopMs = 10_000;

/**
 * `await using kodama = await startKodama()`: resolves when it is ready, with its embedded PostgreSQL.
 * @throws Error with all that it printed when it does not get ready
 */
export async function startKodama(options: StartOptions = {}): Promise<StartedKodama> {
  const dataDir = await mkdtemp(join(tmpdir(), 'kodama-'));
  const { command = installedCommand(), environment = {} } = options;
  const [program, ...words] = command;
  const child = spawn(program, words, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...inherited(),
      KODAMA_HTTP_PORT: '0',
      KODAMA_GRPC_PORT: '0',
      KODAMA_DATA_DIR: dataDir,
      KODAMA_LOG_FORMAT: 'json',
      KODAMA_LOG_LEVEL: 'info',
      ...environment,
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
    const { httpPort, grpcPort } = await untilReady(child);
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

async function untilReady(child: ChildProcess): Promise<Ready> {
  const printed: string[] = [];
  child.stderr?.on('data', (data: Buffer) => printed.push(data.toString()));
  return await new Promise<Ready>((resolve, reject) => {
    const fail = (why: string) =>
      reject(new Error(`kodama did not start: ${why}\n${printed.join('')}`));
    child.once('error', ({ message }) => fail(message));
    child.once('close', (code, signal) => fail(`it ended with ${code ?? signal}`));
    if (child.stdout === null) return fail('it has no output');
    createInterface(child.stdout).on('line', (line) => {
      printed.push(`${line}\n`);
      if (line.includes('"msg":"ready"')) resolve(JSON.parse(line) as Ready);
    });
  });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), stopMs);
  await ended;
  clearTimeout(timer);
}
