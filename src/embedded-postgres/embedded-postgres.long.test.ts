/** What happens to a server, its folder and its kodama when they are killed, stopped, shared or strangely named. */
import { spawn } from 'node:child_process';
import {
  access,
  chmod,
  mkdir,
  readdir,
  readFile,
  rm,
  stat,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  answers,
  copyCluster,
  hasContainers,
  inContainer,
  isAlive,
  makeDataDirs,
  orphan,
  postgresPids,
  query,
  queryAt,
  socketDirectory,
  startEmbedded,
  startInChild,
} from '../../test/support/embedded-servers.ts';
import { waitFor } from '../../test/support/wait-for.ts';
import { boundLog, logTail } from './postmaster.ts';

let dirs: Awaited<ReturnType<typeof makeDataDirs>>;

beforeAll(async () => {
  dirs = await makeDataDirs();
});
afterAll(() => dirs[Symbol.asyncDispose]());

test.runIf(process.platform === 'linux')(
  'after a crash its files are synced in one call: one by one they hold up a start on a busy disk',
  async () => {
    await using server = await startEmbedded(await dirs.make());
    const [row] = await query(
      server,
      `select current_setting('recovery_init_sync_method') as sync`,
    );
    expect(row).toEqual({ sync: 'syncfs' });
  },
);

describe('the data directory', () => {
  test('is made for this user alone, with a cluster, at the first start', async () => {
    const dir = join(dirs.base, 'new');
    const server = await startEmbedded(dir);
    await server.stop();
    expect((await stat(dir)).mode & 0o777).toBe(0o700);
    expect(await readFile(join(dir, 'postgres/PG_VERSION'), 'utf8')).toMatch(/^\d+\n$/);
    expect((await readdir(dir)).sort()).toEqual(['postgres', 'postgres.log']);
  });

  test('is refused while this process uses it, too', async () => {
    const dir = await dirs.make();
    await using server = await startEmbedded(dir);
    await expect(startEmbedded(dir)).rejects.toThrow(`is in use by process ${process.pid}`);
    expect(await query(server, 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  test('is refused while another process uses it, and that one goes on', async () => {
    const dir = await dirs.make();
    await using holder = await startInChild(dir);
    await expect(startEmbedded(dir)).rejects.toThrow(
      `the data directory ${dir} is in use by process ${holder.child.pid}`,
    );
    expect(await queryAt(holder.connectionString, 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  test('goes to exactly one of several that start at once', async () => {
    const dir = await dirs.make();
    const starts = await Promise.allSettled([
      startInChild(dir),
      startInChild(dir),
      startInChild(dir),
    ]);
    const won = starts.filter((outcome) => outcome.status === 'fulfilled');
    for (const { value } of won) await value[Symbol.asyncDispose]();
    expect(won.length).toBe(1);
  });

  test.runIf(hasContainers())(
    'is refused while another container uses it, by its lock and by its server, and that one goes on',
    async () => {
      const dir = await dirs.make();
      await using holder = await startInChild(dir, inContainer);
      await queryAt(holder.connectionString, 'create table kept as select 42 as answer');
      await expect(startInChild(dir, inContainer)).rejects.toThrow(
        `the data directory ${dir} is in use by a process that is not seen here`,
      );
      const lock = (await readdir(dir)).find((name) => name.startsWith('kodama.lock'));
      await rm(join(dir, lock ?? ''));
      await expect(startInChild(dir, inContainer)).rejects.toThrow(
        `the data directory ${dir} is in use by a PostgreSQL that is not seen here`,
      );
      expect(await queryAt(holder.connectionString, 'select answer from kept')).toEqual([
        { answer: 42 },
      ]);
      expect(await readdir(join(dir, 'postgres'))).toContain('postmaster.pid');
    },
  );

  test('may have a path too long for a socket', async () => {
    const dir = await dirs.make('deep/'.padEnd(120, 'x'));
    await using server = await startEmbedded(dir);
    expect(socketDirectory(server).startsWith(dir)).toBe(false);
    expect((await stat(socketDirectory(server))).mode & 0o777).toBe(0o700);
    expect(await query(server, 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  test('with a long path passes by a folder for its socket that is not its own', async () => {
    const dir = await dirs.make('open/'.padEnd(120, 'x'));
    const server = await startEmbedded(dir);
    await server.stop();
    const folder = socketDirectory(server);
    await mkdir(folder);
    try {
      await chmod(folder, 0o755);
      await using another = await startEmbedded(dir);
      expect(socketDirectory(another)).not.toBe(folder);
      expect((await stat(socketDirectory(another))).mode & 0o777).toBe(0o700);
      expect(await readdir(folder)).toEqual([]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test('may have any character in its name, below a folder that only this user can enter', async () => {
    const parent = join(dirs.base, 'private');
    await mkdir(parent, { mode: 0o700 });
    await using server = await startEmbedded(await dirs.make(`private/a, "b" 'c' %d`));
    expect(await query(server, 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  test('gets a cluster in spite of the half of one that a killed initdb left', async () => {
    const dir = join(dirs.base, 'half');
    await mkdir(join(dir, 'postgres.init-4711/base'), { recursive: true });
    await writeFile(join(dir, 'postgres.init-4711/PG_VERSION'), '18\n');
    await using server = await startEmbedded(dir);
    expect(await query(server, 'select 1 as one')).toEqual([{ one: 1 }]);
    expect((await readdir(dir)).filter((name) => name.includes('init'))).toEqual([]);
  });
});

describe('after a kill -9 of kodama', () => {
  test('the server that it left is stopped, nothing committed is lost', async () => {
    const dir = await dirs.make();
    const { pids } = await orphan(dir);
    await using server = await startEmbedded(dir);
    expect(pids.filter(isAlive)).toEqual([]);
    expect(await query(server, 'select answer from kept')).toEqual([{ answer: 42 }]);
    expect((await readdir(dir)).filter((name) => name.startsWith('kodama.lock')).length).toBe(1);
  });

  test('a server that hangs in SIGSTOP is stopped as well', async () => {
    const dir = await dirs.make();
    const { pids } = await orphan(dir);
    for (const pid of pids) process.kill(pid, 'SIGSTOP');
    await using server = await startEmbedded(dir);
    expect(pids.filter(isAlive)).toEqual([]);
    expect(await query(server, 'select answer from kept')).toEqual([{ answer: 42 }]);
  });

  test('stopped children of a postmaster that was killed too do not hold up the start', async () => {
    const dir = await dirs.make();
    const { postmaster, pids } = await orphan(dir);
    for (const pid of pids) if (pid !== postmaster) process.kill(pid, 'SIGSTOP');
    process.kill(postmaster, 'SIGKILL');
    await waitFor('its end', () => !isAlive(postmaster));
    await using server = await startEmbedded(dir);
    expect(pids.filter(isAlive)).toEqual([]);
    expect(await query(server, 'select answer from kept')).toEqual([{ answer: 42 }]);
  });

  test('a data directory that was deleted in between starts empty, and keeps its socket', async () => {
    const dir = await dirs.make();
    const { pids } = await orphan(dir);
    await rm(dir, { recursive: true, maxRetries: 5 });
    await copyCluster(dir);
    await using server = await startEmbedded(dir);
    expect(pids.filter(isAlive)).toEqual([]);
    expect(await query(server, 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  test('a pid file that no PostgreSQL wrote is no obstacle', async () => {
    const dir = await dirs.make();
    await writeFile(join(dir, 'postgres/postmaster.pid'), '');
    await using server = await startEmbedded(dir);
    expect(await query(server, 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  test('a pid file whose pid is now a stranger is no obstacle, and the stranger lives', async () => {
    const dir = await dirs.make();
    const stranger = spawn('sleep', ['60']);
    try {
      const lines = [stranger.pid, join(dir, 'postgres'), 1, 5432, '/nowhere', '', '', 'ready', ''];
      await writeFile(join(dir, 'postgres/postmaster.pid'), lines.join('\n'));
      await using server = await startEmbedded(dir);
      expect(await query(server, 'select 1 as one')).toEqual([{ one: 1 }]);
      expect(isAlive(stranger.pid ?? 0)).toBe(true);
    } finally {
      stranger.kill('SIGKILL');
    }
  });
});

describe('while kodama runs', () => {
  test('a postmaster that is killed comes back by itself, each time, at the same address', async () => {
    await using server = await startEmbedded(await dirs.make());
    await query(server, 'create table kept as select 42 as answer');
    for (let round = 0; round < 2; round += 1) {
      const before = server.pid ?? 0;
      process.kill(before, 'SIGKILL');
      await waitFor('the next', async () => server.pid !== before && (await answers(server)));
      expect(await query(server, 'select answer from kept')).toEqual([{ answer: 42 }]);
    }
  });

  test('its log stays bounded, and the server goes on writing to it', async () => {
    const dir = await dirs.make();
    const logFile = join(dir, 'postgres.log');
    await using server = await startEmbedded(dir);
    await truncate(logFile, 17 * 1024 * 1024);
    await boundLog(logFile);
    expect((await stat(logFile)).size).toBe(0);
    await expect(query(server, 'select no_such_column')).rejects.toThrow('no_such_column');
    await waitFor('the line', async () => (await logTail(logFile)).includes('no_such_column'));
    // Written at the new end: at its old place there would be a hole before it.
    expect(await readFile(logFile, 'utf8')).not.toContain('\0');
  });

  test('a stop while a killed postmaster comes back leaves nothing behind', async () => {
    const server = await startEmbedded(await dirs.make());
    const before = server.pid ?? 0;
    process.kill(before, 'SIGKILL');
    await waitFor('its end', () => server.pid !== before);
    await server.stop();
    expect(server.pid).toBeNull();
    await expect(access(socketDirectory(server))).rejects.toThrow('ENOENT');
  });

  test('a stop of a server that hangs ends within its bounds', async () => {
    const server = await startEmbedded(await dirs.make());
    const pids = postgresPids(server.pid);
    for (const pid of pids) process.kill(pid, 'SIGSTOP');
    await server.stop();
    expect(pids.filter(isAlive)).toEqual([]);
  });
});

describe('a start that fails', () => {
  test('ends with the reason of its signal and leaves the directory free', async () => {
    const dir = await dirs.make();
    const reason = new Error('changed our mind');
    const controller = new AbortController();
    const starting = startEmbedded(dir, { signal: controller.signal });
    controller.abort(reason);
    await expect(starting).rejects.toBe(reason);
    await using server = await startEmbedded(dir);
    expect(await query(server, 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  test('in the middle of initdb leaves no half cluster in the way of the next', async () => {
    const dir = join(dirs.base, 'interrupted');
    const controller = new AbortController();
    const starting = startEmbedded(dir, { signal: controller.signal });
    const isUnderWay = async () =>
      (await readdir(dir).catch(() => [])).some((name) => name.includes('.init-'));
    await Promise.all([
      waitFor('initdb', isUnderWay).then(() => controller.abort(new Error('changed our mind'))),
      expect(starting).rejects.toThrow('changed our mind'),
    ]);
    expect(await readdir(dir)).not.toContain('postgres');
    await using server = await startEmbedded(dir);
    expect(await query(server, 'select 1 as one')).toEqual([{ one: 1 }]);
  });
});

test('stop leaves no process and no socket, however often it is called', async () => {
  const server = await startEmbedded(await dirs.make());
  const pids = postgresPids(server.pid);
  expect(pids.length).toBeGreaterThan(1);
  await Promise.all([server.stop(), server.stop(), server[Symbol.asyncDispose]()]);
  await server.stop();
  expect(pids.filter(isAlive)).toEqual([]);
  await expect(access(socketDirectory(server))).rejects.toThrow('ENOENT');
});
