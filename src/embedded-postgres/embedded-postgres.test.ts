import { readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  makeDataDirs,
  processes,
  query,
  socketDirectory,
  startEmbedded,
} from '../../test/support/embedded-servers.ts';
import { long } from '../../test/support/long.ts';
import { hintFor } from './postgres-binaries.ts';

let dirs: Awaited<ReturnType<typeof makeDataDirs>>;

beforeAll(async () => {
  dirs = await makeDataDirs();
});
afterAll(() => dirs[Symbol.asyncDispose]());

test('it answers on a socket that only this user can reach and on no port, and has after a start what was committed before', async () => {
  const dir = await dirs.make();
  const server = await startEmbedded(dir);
  const [row] = await query(
    server,
    `select current_setting('listen_addresses') as tcp,
    current_setting('fsync') as fsync, current_setting('synchronous_commit') as commit,
    current_setting('server_encoding') as encoding, current_setting('timezone') as zone,
    current_setting('recovery_init_sync_method') as sync`,
  );
  // After a crash its files are synced in one call: one by one they would hold up a start on a busy disk.
  const sync = process.platform === 'linux' ? 'syncfs' : 'fsync';
  expect(row).toEqual({ tcp: '', fsync: 'on', commit: 'on', encoding: 'UTF8', zone: 'UTC', sync });
  const folder = await stat(socketDirectory(server));
  expect(folder.mode & 0o777).toBe(0o700);
  // In a process group of its own, where Ctrl-C does not reach it.
  expect(processes().find(({ pid }) => pid === server.pid)?.group).toBe(server.pid);
  await query(server, 'create table kept as select 42 as answer');
  await server.stop();
  await using second = await startEmbedded(dir);
  expect(second.connectionString).toBe(server.connectionString);
  expect(await query(second, 'select answer from kept')).toEqual([{ answer: 42 }]);
});

describe('the data directory', () => {
  test('of another major version is refused by name, untouched', long, async () => {
    const dir = await dirs.make();
    await writeFile(join(dir, 'postgres/PG_VERSION'), '17\n');
    await expect(startEmbedded(dir)).rejects.toThrow(
      /was made by PostgreSQL 17, and .* brings PostgreSQL 18/,
    );
    expect(await readdir(dir)).not.toContain('postgres.run');
  });
});

describe('a start that fails', () => {
  test('says what PostgreSQL said', long, async () => {
    const dir = await dirs.make();
    await writeFile(join(dir, 'postgres/postgresql.conf'), 'no_such_setting = 1\n');
    await expect(startEmbedded(dir)).rejects.toThrow(
      /did not start: exit code 1\n.*no_such_setting/s,
    );
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
