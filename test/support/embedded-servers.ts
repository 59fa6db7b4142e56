/** Embedded servers of a test's own, on folders that begin with a copy of a cluster that is made once a run. */
import { type ChildProcess, execFile, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import pg from 'pg';
import { expect, inject } from 'vitest';
import {
  EmbeddedPostgres,
  type EmbeddedPostgresOptions,
} from '../../src/embedded-postgres/embedded-postgres.ts';

const nothing = () => undefined;
const quiet = { info: nothing, warn: nothing, error: nothing };

/** Data directories, all below one folder that goes with them. */
export async function makeDataDirs() {
  const base = await mkdtemp(join(tmpdir(), 'kodama-pg-'));
  return {
    base,
    /** One with a cluster. */
    async make(name: string = crypto.randomUUID().slice(0, 8)): Promise<string> {
      const dir = join(base, name);
      await copyCluster(dir);
      return dir;
    },
    [Symbol.asyncDispose]: () => rm(base, { recursive: true, force: true, maxRetries: 5 }),
  };
}

/** As a first start leaves it, without the time that it takes. */
export async function copyCluster(dir: string): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  // A thousand small files, which fs.cp would copy far more slowly.
  await promisify(execFile)('cp', ['-Rp', inject('postgresCluster'), join(dir, 'postgres')]);
}

export function startEmbedded(
  dir: string,
  options: Partial<EmbeddedPostgresOptions> = {},
): Promise<EmbeddedPostgres> {
  return EmbeddedPostgres.start({
    dataDir: dir,
    log: quiet,
    startTimeoutMs: 20_000,
    stopTimeoutMs: 5_000,
    ...options,
  });
}

interface Holder extends AsyncDisposable {
  readonly child: ChildProcess;
  readonly connectionString: string;
  readonly pid: number;
}

/** What stands before a program that is to see no process of ours, nor we its pid, as one in a container. */
export const inContainer: readonly string[] = [
  ...['unshare', '--pid', '--ipc', '--mount-proc', '--fork', '--kill-child'],
];

export function hasContainers(): boolean {
  const [program = '', ...words] = [...inContainer, 'true'];
  return process.platform === 'linux' && spawnSync(program, words).status === 0;
}

/** Another process that starts the server and keeps it; disposing ends it kindly, but in a container. */
export async function startInChild(dir: string, before: readonly string[] = []): Promise<Holder> {
  const script = `
    import { EmbeddedPostgres } from ${JSON.stringify(new URL('../../src/embedded-postgres/embedded-postgres.ts', import.meta.url).href)};
    const log = { info() {}, warn() {}, error() {} };
    const dataDir = process.argv[1];
    const server = await EmbeddedPostgres.start({ dataDir, log, startTimeoutMs: 20000, stopTimeoutMs: 5000 });
    console.log(JSON.stringify({ connectionString: server.connectionString, pid: server.pid }));
    process.on('SIGTERM', () => server.stop().then(() => process.exit()));
    setInterval(() => {}, 60000);`;
  const words = [...before, process.execPath, '--input-type=module', '-e', script, dir];
  const [program = '', ...rest] = words;
  const child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  const exited = once(child, 'exit');
  const line = once(createInterface(child.stdout), 'line');
  const first = await Promise.race([line, exited.then(() => null)]);
  if (first === null) throw new Error(said);
  const { connectionString, pid } = JSON.parse(String(first[0]));
  const end = async () => {
    child.kill(before.length === 0 ? 'SIGTERM' : 'SIGKILL');
    await exited;
  };
  return { child, connectionString, pid, [Symbol.asyncDispose]: end };
}

/** On that folder: a server with a committed row whose kodama was killed. */
export async function orphan(dir: string) {
  const holder = await startInChild(dir);
  await queryAt(holder.connectionString, 'create table kept as select 42 as answer');
  const pids = postgresPids(holder.pid);
  const exited = once(holder.child, 'exit');
  holder.child.kill('SIGKILL');
  await exited;
  expect(isAlive(holder.pid)).toBe(true);
  return { postmaster: holder.pid, pids };
}

export function query(server: EmbeddedPostgres, sql: string): Promise<unknown[]> {
  return queryAt(server.connectionString, sql);
}

export async function queryAt(connectionString: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

export function answers(server: EmbeddedPostgres): Promise<boolean> {
  return query(server, 'select 1').then(
    () => true,
    () => false,
  );
}

export function socketDirectory(server: EmbeddedPostgres): string {
  return new URL(server.connectionString.replace('@/', '@unix/')).searchParams.get('host') ?? '';
}

/** The postmaster and its children. */
export function postgresPids(postmaster: number | null): number[] {
  const children = processes().filter((process) => process.parent === postmaster);
  return [postmaster ?? 0, ...children.map((process) => process.pid)];
}

/** A killed process that its parent has not buried yet is dead, too. */
export function isAlive(pid: number): boolean {
  return processes().some((process) => process.pid === pid && !process.state.startsWith('Z'));
}

export function processes() {
  const lines = execFileSync('ps', ['-axo', 'pid=,ppid=,pgid=,stat='], { encoding: 'utf8' }).split(
    '\n',
  );
  return lines.map((line) => {
    const [pid, parent, group, state = ''] = line.trim().split(/\s+/);
    return { pid: Number(pid), parent: Number(parent), group: Number(group), state };
  });
}
