import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  access,
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { EmbeddedPostgres, type EmbeddedPostgresOptions } from './embedded-postgres.ts';
import { hintFor } from './postgres-binaries.ts';
import { boundLog, logTail } from './postmaster.ts';

const entries: { readonly fields: object; readonly message: string }[] = [];
const record = (fields: object, message: string) => void entries.push({ fields, message });
const log = { info: record, warn: record, error: record };

/** All folders of this file; deep enough that some lie beyond the length of a socket path. */
let base = '';
/** A cluster made once by the first test's server, and copied for the others. */
let template = '';

beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'kodama-pg-'));
  template = join(base, 'template');
  await using _server = await start(template);
});

afterAll(async () => {
  await rm(base, { recursive: true, force: true, maxRetries: 5 });
});

test('it answers on a socket that only this user can reach, and on no port', async () => {
  await using server = await start(await dataDir());
  const [row] = await query(
    server,
    `select current_setting('listen_addresses') as tcp,
    current_setting('fsync') as fsync, current_setting('synchronous_commit') as commit,
    current_setting('server_encoding') as encoding, current_setting('timezone') as zone`,
  );
  expect(row).toEqual({ tcp: '', fsync: 'on', commit: 'on', encoding: 'UTF8', zone: 'UTC' });
  const folder = await stat(socketDirectory(server));
  expect(folder.mode & 0o777).toBe(0o700);
  // In a process group of its own, where Ctrl-C does not reach it.
  expect(processes().find(({ pid }) => pid === server.pid)?.group).toBe(server.pid);
});

test.runIf(process.platform === 'linux')(
  'after a crash its files are synced in one call: one by one they hold up a start on a busy disk',
  async () => {
    await using server = await start(await dataDir());
    const [row] = await query(
      server,
      `select current_setting('recovery_init_sync_method') as sync`,
    );
    expect(row).toEqual({ sync: 'syncfs' });
  },
);

test('stop leaves no process and no socket, however often it is called', async () => {
  const server = await start(await dataDir());
  const pids = postgresPids(server.pid);
  expect(pids.length).toBeGreaterThan(1);
  await Promise.all([server.stop(), server.stop(), server[Symbol.asyncDispose]()]);
  await server.stop();
  expect(pids.filter(isAlive)).toEqual([]);
  await expect(access(socketDirectory(server))).rejects.toThrow('ENOENT');
});

test('what was committed is there after a stop and a start, at the same address', async () => {
  const dir = await dataDir();
  const first = await start(dir);
  await query(first, 'create table kept as select 42 as answer');
  await first.stop();
  await using second = await start(dir);
  expect(second.connectionString).toBe(first.connectionString);
  expect(await query(second, 'select answer from kept')).toEqual([{ answer: 42 }]);
});

describe('the data directory', () => {
  test('is made for this user alone, with a cluster, at the first start', async () => {
    const first = await stat(template);
    expect(first.mode & 0o777).toBe(0o700);
    expect(await readFile(join(template, 'postgres/PG_VERSION'), 'utf8')).toMatch(/^\d+\n$/);
    expect((await readdir(template)).sort()).toEqual(['postgres', 'postgres.log']);
  });

  test('is refused while another process uses it, and that one goes on', async () => {
    const dir = await dataDir();
    await using holder = await startInChild(dir);
    await expect(start(dir)).rejects.toThrow(
      `the data directory ${dir} is in use by process ${holder.child.pid}`,
    );
    expect(await queryAt(holder.connectionString, 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  test('is refused while this process uses it, too', async () => {
    const dir = await dataDir();
    await using server = await start(dir);
    await expect(start(dir)).rejects.toThrow(`is in use by process ${process.pid}`);
    expect(await query(server, 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  test('goes to exactly one of several that start at once', async () => {
    const dir = await dataDir();
    const starts = await Promise.allSettled([
      startInChild(dir),
      startInChild(dir),
      startInChild(dir),
    ]);
    const won = starts.filter((outcome) => outcome.status === 'fulfilled');
    for (const { value } of won) await value[Symbol.asyncDispose]();
    expect(won.length).toBe(1);
  });

  test('may have a path too long for a socket', async () => {
    const dir = await dataDir('deep/'.padEnd(120, 'x'));
    await using server = await start(dir);
    expect(socketDirectory(server).startsWith(dir)).toBe(false);
    expect((await stat(socketDirectory(server))).mode & 0o777).toBe(0o700);
    expect(await query(server, 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  test('with a long path passes by a folder for its socket that is not its own', async () => {
    const dir = await dataDir('open/'.padEnd(120, 'x'));
    const server = await start(dir);
    await server.stop();
    const folder = socketDirectory(server);
    await mkdir(folder);
    try {
      await chmod(folder, 0o755);
      await using another = await start(dir);
      expect(socketDirectory(another)).not.toBe(folder);
      expect((await stat(socketDirectory(another))).mode & 0o777).toBe(0o700);
      expect(await readdir(folder)).toEqual([]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test('may have any character in its name, below a folder that only this user can enter', async () => {
    const parent = join(base, 'private');
    await mkdir(parent, { mode: 0o700 });
    await using server = await start(await dataDir(`private/a, "b" 'c' %d`));
    expect(await query(server, 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  test('of another major version is refused by name, untouched', async () => {
    const dir = await dataDir();
    await writeFile(join(dir, 'postgres/PG_VERSION'), '17\n');
    await expect(start(dir)).rejects.toThrow(
      /was made by PostgreSQL 17, and .* brings PostgreSQL 18/,
    );
    expect(await readdir(dir)).not.toContain('postgres.run');
  });

  test('gets a cluster in spite of the half of one that a killed initdb left', async () => {
    const dir = join(base, 'half');
    await mkdir(join(dir, 'postgres.init-4711/base'), { recursive: true });
    await writeFile(join(dir, 'postgres.init-4711/PG_VERSION'), '18\n');
    await using server = await start(dir);
    expect(await query(server, 'select 1 as one')).toEqual([{ one: 1 }]);
    expect((await readdir(dir)).filter((name) => name.includes('init'))).toEqual([]);
  });
});

describe('after a kill -9 of kodama', () => {
  test('the server that it left is stopped, nothing committed is lost', async () => {
    const { dir, pids } = await orphan();
    await using server = await start(dir);
    expect(pids.filter(isAlive)).toEqual([]);
    expect(await query(server, 'select answer from kept')).toEqual([{ answer: 42 }]);
    expect((await readdir(dir)).filter((name) => name.startsWith('kodama.lock')).length).toBe(1);
  });

  test('a server that hangs in SIGSTOP is stopped as well', async () => {
    const { dir, pids } = await orphan();
    for (const pid of pids) process.kill(pid, 'SIGSTOP');
    await using server = await start(dir);
    expect(pids.filter(isAlive)).toEqual([]);
    expect(await query(server, 'select answer from kept')).toEqual([{ answer: 42 }]);
  });

  test('stopped children of a postmaster that was killed too do not hold up the start', async () => {
    const { dir, postmaster, pids } = await orphan();
    for (const pid of pids) if (pid !== postmaster) process.kill(pid, 'SIGSTOP');
    process.kill(postmaster, 'SIGKILL');
    await until(() => !isAlive(postmaster));
    await using server = await start(dir);
    expect(pids.filter(isAlive)).toEqual([]);
    expect(await query(server, 'select answer from kept')).toEqual([{ answer: 42 }]);
  });

  test('a data directory that was deleted in between starts empty, and keeps its socket', async () => {
    const { dir, pids } = await orphan();
    await rm(dir, { recursive: true, maxRetries: 5 });
    await copyTemplate(dir);
    await using server = await start(dir);
    expect(pids.filter(isAlive)).toEqual([]);
    expect(await query(server, 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  test('a pid file that no PostgreSQL wrote is no obstacle', async () => {
    const dir = await dataDir();
    await writeFile(join(dir, 'postgres/postmaster.pid'), '');
    await using server = await start(dir);
    expect(await query(server, 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  test('a pid file whose pid is now a stranger is no obstacle, and the stranger lives', async () => {
    const dir = await dataDir();
    const stranger = spawn('sleep', ['60']);
    try {
      const lines = [stranger.pid, join(dir, 'postgres'), 1, 5432, '/nowhere', '', '', 'ready', ''];
      await writeFile(join(dir, 'postgres/postmaster.pid'), lines.join('\n'));
      await using server = await start(dir);
      expect(await query(server, 'select 1 as one')).toEqual([{ one: 1 }]);
      expect(isAlive(stranger.pid ?? 0)).toBe(true);
    } finally {
      stranger.kill('SIGKILL');
    }
  });
});

describe('while kodama runs', () => {
  test('a postmaster that is killed comes back by itself, each time, at the same address', async () => {
    await using server = await start(await dataDir());
    await query(server, 'create table kept as select 42 as answer');
    for (let round = 0; round < 2; round += 1) {
      const before = server.pid ?? 0;
      process.kill(before, 'SIGKILL');
      await until(async () => server.pid !== before && (await answers(server)));
      expect(await query(server, 'select answer from kept')).toEqual([{ answer: 42 }]);
    }
  });

  test('its log stays bounded, and the server goes on writing to it', async () => {
    const dir = await dataDir();
    const logFile = join(dir, 'postgres.log');
    await using server = await start(dir);
    await truncate(logFile, 17 * 1024 * 1024);
    await boundLog(logFile);
    expect((await stat(logFile)).size).toBe(0);
    await expect(query(server, 'select no_such_column')).rejects.toThrow('no_such_column');
    await until(async () => (await logTail(logFile)).includes('no_such_column'));
    // Written at the new end: at its old place there would be a hole before it.
    expect(await readFile(logFile, 'utf8')).not.toContain('\0');
  });

  test('a stop while a killed postmaster comes back leaves nothing behind', async () => {
    const server = await start(await dataDir());
    const before = server.pid ?? 0;
    process.kill(before, 'SIGKILL');
    await until(() => server.pid !== before);
    await server.stop();
    expect(server.pid).toBeNull();
    await expect(access(socketDirectory(server))).rejects.toThrow('ENOENT');
  });

  test('a stop of a server that hangs ends within its bounds', async () => {
    const server = await start(await dataDir());
    const pids = postgresPids(server.pid);
    for (const pid of pids) process.kill(pid, 'SIGSTOP');
    await server.stop();
    expect(pids.filter(isAlive)).toEqual([]);
  });
});

describe('a start that fails', () => {
  test('ends with the reason of its signal and leaves the directory free', async () => {
    const dir = await dataDir();
    const reason = new Error('changed our mind');
    const controller = new AbortController();
    const starting = start(dir, { signal: controller.signal });
    controller.abort(reason);
    await expect(starting).rejects.toBe(reason);
    await using server = await start(dir);
    expect(await query(server, 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  test('in the middle of initdb leaves no half cluster in the way of the next', async () => {
    const dir = join(base, 'interrupted');
    const controller = new AbortController();
    const starting = start(dir, { signal: controller.signal });
    const isUnderWay = async () =>
      (await readdir(dir).catch(() => [])).some((name) => name.includes('.init-'));
    await Promise.all([
      until(isUnderWay).then(() => controller.abort(new Error('changed our mind'))),
      expect(starting).rejects.toThrow('changed our mind'),
    ]);
    expect(await readdir(dir)).not.toContain('postgres');
    await using server = await start(dir);
    expect(await query(server, 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  test('says what PostgreSQL said', async () => {
    const dir = await dataDir();
    await writeFile(join(dir, 'postgres/postgresql.conf'), 'no_such_setting = 1\n');
    await expect(start(dir)).rejects.toThrow(/did not start: exit code 1\n.*no_such_setting/s);
  });

  test('says what to do where root gets no user namespace, or the programs do not run', () => {
    expect(hintFor('unshare: unshare failed: Operation not permitted')).toMatch(
      /ordinary user.*DATABASE_URL/,
    );
    expect(hintFor('spawn unshare ENOENT')).toMatch(/ordinary user.*DATABASE_URL/);
    expect(hintFor('error while loading shared libraries: x.so')).toMatch(/DATABASE_URL/);
    expect(hintFor('FATAL: out of memory')).toBe('');
  });
});

/** A folder with a copy of the template's cluster, below the base. */
async function dataDir(name: string = crypto.randomUUID().slice(0, 8)): Promise<string> {
  const dir = join(base, name);
  await copyTemplate(dir);
  return dir;
}

async function copyTemplate(dir: string): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  // A thousand small files, which fs.cp would copy far more slowly.
  await promisify(execFile)('cp', ['-Rp', join(template, 'postgres'), join(dir, 'postgres')]);
}

function start(
  dir: string,
  options: Partial<EmbeddedPostgresOptions> = {},
): Promise<EmbeddedPostgres> {
  return EmbeddedPostgres.start({
    dataDir: dir,
    log,
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

/** Another process that starts the server and keeps it; disposing ends it kindly. */
async function startInChild(dir: string): Promise<Holder> {
  const script = `
    import { EmbeddedPostgres } from ${JSON.stringify(new URL('embedded-postgres.ts', import.meta.url).href)};
    const log = { info() {}, warn() {}, error() {} };
    const dataDir = process.argv[1];
    const server = await EmbeddedPostgres.start({ dataDir, log, startTimeoutMs: 20000, stopTimeoutMs: 5000 });
    console.log(JSON.stringify({ connectionString: server.connectionString, pid: server.pid }));
    process.on('SIGTERM', () => server.stop().then(() => process.exit()));
    setInterval(() => {}, 60000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, dir], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
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
    child.kill('SIGTERM');
    await exited;
  };
  return { child, connectionString, pid, [Symbol.asyncDispose]: end };
}

/** A server with a committed row whose kodama was killed. */
async function orphan() {
  const dir = await dataDir();
  const holder = await startInChild(dir);
  await queryAt(holder.connectionString, 'create table kept as select 42 as answer');
  const pids = postgresPids(holder.pid);
  const exited = once(holder.child, 'exit');
  holder.child.kill('SIGKILL');
  await exited;
  expect(isAlive(holder.pid)).toBe(true);
  return { dir, postmaster: holder.pid, pids };
}

function query(server: EmbeddedPostgres, sql: string): Promise<unknown[]> {
  return queryAt(server.connectionString, sql);
}

async function queryAt(connectionString: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

function answers(server: EmbeddedPostgres): Promise<boolean> {
  return query(server, 'select 1').then(
    () => true,
    () => false,
  );
}

function socketDirectory(server: EmbeddedPostgres): string {
  return new URL(server.connectionString.replace('@/', '@unix/')).searchParams.get('host') ?? '';
}

/** The postmaster and its children. */
function postgresPids(postmaster: number | null): number[] {
  const children = processes().filter((process) => process.parent === postmaster);
  return [postmaster ?? 0, ...children.map((process) => process.pid)];
}

/** A killed process that its parent has not buried yet is dead, too. */
function isAlive(pid: number): boolean {
  return processes().some((process) => process.pid === pid && !process.state.startsWith('Z'));
}

function processes() {
  const lines = execFileSync('ps', ['-axo', 'pid=,ppid=,pgid=,stat='], { encoding: 'utf8' }).split(
    '\n',
  );
  return lines.map((line) => {
    const [pid, parent, group, state = ''] = line.trim().split(/\s+/);
    return { pid: Number(pid), parent: Number(parent), group: Number(group), state };
  });
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 15_000;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error('the condition did not come true in time');
    await delay(5);
  }
}
