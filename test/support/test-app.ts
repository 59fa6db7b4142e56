/** A whole kodama of a test's own, in this process or in one of its own, on ports of the kernel's choice. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type Logger, pino } from 'pino';
import { afterAll, beforeAll, inject } from 'vitest';
import { App } from '../../src/app.ts';
import { type Config, readConfig } from '../../src/config.ts';
import { lastingPorts } from './free-port.ts';
import { all, want } from './rest-client.ts';
import { makeDatabase, type TestDatabase } from './test-database.ts';

// PostgreSQL and each worker have a listener there, to end with this process, and a file may have several apps.
process.setMaxListeners(0);

export type Environment = Readonly<Record<string, string>>;

export interface Endpoints {
  readonly httpPort: number;
  readonly grpcPort: number;
}

/** A kodama that runs, whoever ends it. */
export interface RunningApp extends Endpoints {
  readonly url: string;
  readonly grpcAddress: string;
}

export interface TestApp extends RunningApp, AsyncDisposable {}

/** Changes bounds that no variable sets. */
export type Tune = (config: Config) => Config;

/** Where an app keeps what must outlive it: give the same one to the next app to restart it. */
export interface TestHome extends AsyncDisposable {
  readonly environment: Environment;
}

export async function makeHome(extra: Environment = {}): Promise<TestHome> {
  await using resources = new AsyncDisposableStack();
  const dataDir = await mkdtemp(join(tmpdir(), 'kodama-app-'));
  resources.defer(() => rm(dataDir, { recursive: true, force: true, maxRetries: 5 }));
  const database: TestDatabase = resources.use(await makeDatabase());
  const environment = {
    ...homeEnvironment({ dataDir, url: database.url }),
    ...lastingPorts,
    ...extra,
  };
  const made = resources.move();
  return { environment, [Symbol.asyncDispose]: () => made.disposeAsync() };
}

function homeEnvironment({ dataDir, url }: { dataDir: string; url: string }): Environment {
  return {
    KODAMA_HTTP_PORT: '0',
    KODAMA_GRPC_PORT: '0',
    KODAMA_DATA_DIR: dataDir,
    DATABASE_URL: url,
    KODAMA_LOG_LEVEL: 'silent',
  };
}

function endpoints({ httpPort, grpcPort }: Endpoints) {
  const url = `http://127.0.0.1:${httpPort}`;
  return { httpPort, grpcPort, url, grpcAddress: `127.0.0.1:${grpcPort}` };
}

/** In this process; with a home of its own unless one is given. Its log is silent unless somebody takes it. */
export async function startApp(
  extra: Environment = {},
  home?: TestHome,
  tune: Tune = (config) => config,
  log?: Logger,
): Promise<TestApp> {
  await using resources = new AsyncDisposableStack();
  const place = home ?? resources.use(await makeHome());
  const config = tune(readConfig({ ...place.environment, ...extra }));
  const logger = log ?? pino({ level: config.logLevel });
  const onFatal = (error: unknown) => {
    throw new Error('the app could not go on', { cause: error });
  };
  const app = resources.use(await App.start({ config, logger, onFatal }));
  const started = resources.move();
  return {
    ...endpoints({ httpPort: app.httpAddress.port, grpcPort: app.grpcAddress.port }),
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}

export interface SharedApp extends RunningApp {
  readonly databaseUrl: string;
}

/**
 * One for all tests of the file, or of the `describe`, that calls this: it starts before the first of them and ends
 * after the last. Each test has listeners of its own there, and asks for what is theirs.
 */
export function sharedApp(extra: Environment = {}, home = sharedHome(), tune?: Tune): SharedApp {
  const resources = new AsyncDisposableStack();
  const shared = {};
  beforeAll(async () => {
    const app = resources.use(await startApp(extra, home, tune));
    Object.assign(shared, app, { databaseUrl: home.environment.DATABASE_URL });
  });
  afterAll(() => resources.disposeAsync());
  return shared as SharedApp;
}

/** By their variables. */
const common = new Map<string, Promise<SharedApp>>();

/**
 * One for all files of this process that need nothing of their own but these variables: no whole log, no worker that
 * stays lost. It is there until the process ends; what a file has left listening there ends with the file.
 */
export function commonApp(extra: Environment = {}): SharedApp {
  const shared = {} as SharedApp;
  const key = JSON.stringify(extra);
  beforeAll(async () => {
    const app = common.get(key) ?? startCommon(extra);
    common.set(key, app);
    Object.assign(shared, await app);
  });
  afterAll(() => deleteListeners(shared));
  return shared;
}

/** It has two workers. */
export function commonPair(): RunningApp {
  return commonApp({ KODAMA_WORKERS: '2' });
}

async function startCommon(extra: Environment): Promise<SharedApp> {
  const { url } = await makeDatabase();
  const dataDir = await mkdtemp(join(inject('folder'), 'kodama-app-'));
  const environment = homeEnvironment({ dataDir, url });
  const home = { environment, [Symbol.asyncDispose]: async () => undefined };
  return Object.assign(await startApp(extra, home), { databaseUrl: url });
}

async function deleteListeners(app: RunningApp): Promise<void> {
  for (const { id, state } of await all(app, '/v1/listeners', 'listeners')) {
    if (state !== 'closed') await want(204, app, 'DELETE', `/v1/listeners/${id}`);
  }
}

/** For the shared apps of one database; theirs alone unless it is given to several. */
export function sharedHome(): TestHome {
  const resources = new AsyncDisposableStack();
  const shared = {};
  beforeAll(async () => void Object.assign(shared, resources.use(await makeHome())));
  afterAll(() => resources.disposeAsync());
  return shared as TestHome;
}

export interface TestProcess extends TestApp {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly nodeId: string;
  /** Everything that it has logged, a line each. */
  readonly lines: readonly string[];
  /** Resolves with the exit code, or null when a signal ended it: all that it has printed is in `lines` by then. */
  readonly exited: Promise<number | null>;
}

export interface StartOptions {
  readonly openFilesMax?: number;
  /** How to start it, other than by itself: in a process group of its own, which disposing kills. */
  readonly command?: readonly string[];
}

const main = join(import.meta.dirname, '../../src/main.ts');
/** As users start it, for a command. */
export const nodeMain: readonly string[] = [process.execPath, main];

/** In a process of its own, as users run it. Disposing kills it. */
export async function startProcess(
  home: TestHome,
  extra: Environment = {},
  { openFilesMax, command }: StartOptions = {},
): Promise<TestProcess> {
  const { PATH = '', NODE_COMPILE_CACHE = '' } = process.env;
  const environment = {
    PATH,
    NODE_COMPILE_CACHE,
    ...home.environment,
    KODAMA_LOG_LEVEL: 'info',
    ...extra,
  };
  const limit = openFilesMax === undefined ? '' : `ulimit -n ${openFilesMax}; `;
  const plain = ['/bin/sh', '-c', `${limit}exec "$0" "$1"`, ...nodeMain];
  const [program = '', ...words] = command ?? plain;
  const child = spawn(program, words, {
    env: environment,
    cwd: command === undefined ? undefined : join(import.meta.dirname, '../..'),
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: command !== undefined,
  });
  const exited = once(child, 'exit').then(async ([code]: (number | null)[]) => {
    await printedIsRead();
    return code ?? null;
  });
  const lines: string[] = [];
  child.stderr.on('data', (data: Buffer) => lines.push(data.toString()));
  const ready = await new Promise<Endpoints & { nodeId: string }>((resolve, reject) => {
    createInterface(child.stdout).on('line', (line) => {
      lines.push(line);
      if (line.includes('"msg":"ready"')) resolve(JSON.parse(line));
    });
    void exited.then((code) =>
      reject(new Error(`exit ${code} before ready:\n${lines.join('\n')}`)),
    );
  });
  await printedIsRead();
  return {
    ...endpoints(ready),
    nodeId: ready.nodeId,
    child,
    pid: child.pid ?? 0,
    lines,
    exited,
    async [Symbol.asyncDispose]() {
      if (command !== undefined) killGroup(child.pid ?? 0);
      child.kill('SIGKILL');
      await exited;
    },
  };
}

/** What was in the pipes of a process by now: each turn of the loop reads both. Workers may hold them for longer. */
async function printedIsRead(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise((next) => setImmediate(next));
}

function killGroup(leader: number): void {
  try {
    process.kill(-leader, 'SIGKILL');
  } catch {
    // Nobody is left in it.
  }
}
