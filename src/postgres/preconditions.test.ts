/** PostgreSQLs as other people set them up: used wholly, or refused in one line before anything is written. */
import { spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterEach, expect, inject, onTestFinished, test } from 'vitest';
import { long } from '../../test/support/long.ts';
import { quietLog as log } from '../../test/support/quiet-log.ts';
import { startStoreProxy } from '../../test/support/store-proxy.ts';
import {
  append,
  listenerEvent,
  ofDefault,
  sampleListener,
} from '../../test/support/store-samples.ts';
import { makeEmptyDatabase } from '../../test/support/test-database.ts';
import { waitFor } from '../../test/support/wait-for.ts';
import { PostgresStore } from './postgres-store.ts';

/** A connection of this test for each URL: it costs more than what is asked on it. */
const clients = new Map<string, Client>();

afterEach(async () => {
  await Promise.all([...clients.values()].map((client) => client.end()));
  clients.clear();
});

async function query(url: string, sql: string): Promise<readonly object[]> {
  const client = clients.get(url) ?? (await connected(url));
  clients.set(url, client);
  return (await client.query(sql)).rows;
}

async function connected(connectionString: string): Promise<Client> {
  const client = new Client({ connectionString });
  // Its database goes before it does.
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

async function open(connectionString: string): Promise<PostgresStore> {
  // A wait would be the longest part of the test: what is permanent is told without one.
  return await PostgresStore.open({ connectionString, nodeId: 'node-a', log });
}

const tablesSql = `SELECT relname FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
  WHERE relkind = 'r' AND nspname NOT IN ('pg_catalog', 'information_schema')`;

async function expectRefused(url: string, words: string | RegExp): Promise<void> {
  const tables = await query(url, tablesSql);
  await expect(open(url)).rejects.toThrow(words);
  expect(await query(url, tablesSql)).toEqual(tables);
}

const withOptions = (url: string, options: string) =>
  `${url}&options=${encodeURIComponent(options)}`;
const asRole = (url: string, role: string) => url.replace(/\/\/\w+@/, `//${role}@`);

test('a database of another encoding is refused', long, async () => {
  await using ground = await makeEmptyDatabase();
  const [, name = ''] = /\/(test_\w+)\?/.exec(ground.url) ?? [];
  const latin = `${name}_latin`;
  const admin = inject('postgresUrl');
  await query(admin, `CREATE DATABASE ${latin} ENCODING 'LATIN1' TEMPLATE template0`);
  onTestFinished(() => query(admin, `DROP DATABASE ${latin} WITH (FORCE)`).then(() => undefined));
  await expectRefused(ground.url.replace(name, latin), /^its encoding is LATIN1, and must be UTF8/);
});

test('one that is read-only by its settings is refused', async () => {
  await using ground = await makeEmptyDatabase();
  const url = withOptions(ground.url, '-c default_transaction_read_only=on');
  await expectRefused(url, /^it is set to be read-only/);
});

test(
  'a role that may not make tables, or not use those that are there, is told what to grant',
  long,
  async () => {
    await using ground = await makeEmptyDatabase();
    const role = `role_${randomUUID().replaceAll('-', '')}`;
    await query(ground.url, `CREATE ROLE ${role} LOGIN`);
    onTestFinished(async () => {
      await query(inject('postgresUrl'), `DROP ROLE ${role}`);
    });
    const url = asRole(ground.url, role);
    await expectRefused(url, `GRANT CREATE ON SCHEMA "public" TO "${role}"`);
    await query(ground.url, `GRANT CREATE ON SCHEMA public TO ${role}`);
    try {
      await (await open(ground.url))[Symbol.asyncDispose]();
      await query(ground.url, `GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA public TO ${role}`);
      await expectRefused(
        url,
        /^it has tables of another role's \(.*\bevents, .*GRANT SELECT, INSERT/,
      );
    } finally {
      await query(ground.url, `DROP OWNED BY ${role}`);
    }
  },
);

test(
  'a schema of its own by search_path holds all, for every reader, over a restart',
  long,
  async () => {
    await using ground = await makeEmptyDatabase();
    const url = withOptions(ground.url, '-c search_path=mine');
    await expectRefused(url, 'none of its search_path (mine) is a schema');
    await query(ground.url, 'CREATE SCHEMA mine');
    const listener = sampleListener();
    for (const start of [1, 2]) {
      await using store = await open(url);
      const node = await store.nodes.takeOwn();
      if (start === 1) await node.append(append(1, [listenerEvent('listener_created', listener)]));
      const wanted = {
        state: null,
        protocol: listener.protocol,
        port: null,
        name: null,
        labels: {},
      };
      const { items } = await ofDefault(store).listeners.list(wanted, {
        pageSize: 10,
        after: null,
        bytesMax: 1e9,
      });
      expect(items).toHaveLength(1);
      expect(await ofDefault(store).listeners.find(listener.id)).toMatchObject({ id: listener.id });
    }
    expect(await query(ground.url, `${tablesSql} AND nspname <> 'mine'`)).toEqual([]);
    // Another path would make new tables, and what is on record would seem gone.
    await query(ground.url, 'CREATE SCHEMA other');
    const strayed = withOptions(ground.url, '-c search_path=other,mine');
    await expectRefused(strayed, /^its tables are in the schema mine, but new ones .* in other/);
  },
);

test.each(['Ko-dama', 'my-team'])(
  'a schema whose name needs quotes, such as %s, is used over a restart',
  async (schema) => {
    await using ground = await makeEmptyDatabase();
    await query(ground.url, `CREATE SCHEMA "${schema}"; CREATE SCHEMA other`);
    for (const _start of [1, 2]) {
      await using store = await open(withOptions(ground.url, `-c search_path="${schema}"`));
      await store.nodes.takeOwn();
      // Prisma Client names it, and all else goes by the path.
      const wanted = { state: null, protocol: null, port: null, name: null, labels: {} };
      const page = { pageSize: 10, after: null, bytesMax: 1e9 };
      expect((await ofDefault(store).listeners.list(wanted, page)).items).toEqual([]);
    }
    const strayed = withOptions(ground.url, `-c search_path=other,"${schema}"`);
    await expectRefused(strayed, `begin with "${schema}"`);
  },
);

test('a schema that Prisma Client can not name is refused', async () => {
  await using ground = await makeEmptyDatabase();
  await query(ground.url, 'CREATE SCHEMA "my""schema"');
  const url = withOptions(ground.url, '-c search_path="my""schema"');
  await expectRefused(url, /^its schema my"schema has a quote in its name/);
});

test('a server without TLS that TLS is asked of is told at once', async () => {
  await using ground = await makeEmptyDatabase();
  await using proxy = await startStoreProxy(ground.url);
  const url = proxy.url.replace('sslmode=disable', 'sslmode=require');
  await expect(open(url)).rejects.toThrow('The server does not support SSL connections');
});

/** A PgBouncer in front of the test server, on a port of its own. */
async function startPgbouncer(url: string, poolMode: string) {
  // By TCP: it runs as another user than the server, who may not enter the folder of its socket.
  const proxy = await startStoreProxy(url);
  onTestFinished(() => proxy[Symbol.asyncDispose]());
  const { hostname, port, username: user, pathname } = new URL(proxy.url);
  const database = pathname.slice(1);
  const folder = await mkdtemp(join(tmpdir(), 'kodama-pgbouncer-'));
  const own = await freePort();
  const config = [
    '[databases]',
    `${database} = host=${hostname} port=${port} user=${user}`,
    '[pgbouncer]',
    `listen_addr = 127.0.0.1\nlisten_port = ${own}\nunix_socket_dir =`,
    `auth_type = any\npool_mode = ${poolMode}`,
  ];
  const file = join(folder, 'pgbouncer.ini');
  await writeFile(file, config.join('\n'), { mode: 0o644 });
  spawnSync('chmod', ['755', folder]);
  const asUser = process.getuid?.() === 0 ? ['-u', 'nobody'] : [];
  const child = spawn('pgbouncer', ['-q', ...asUser, file], { stdio: 'ignore' });
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  });
  await waitFor('PgBouncer', () => canConnect(own));
  return `postgresql://${user}@127.0.0.1:${own}/${database}`;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function canConnect(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect(port, '127.0.0.1');
  socket.on('connect', () => resolve(true)).on('error', () => resolve(false));
  const can = await promise;
  socket.destroy();
  return can;
}

test('a pooler by transaction is refused, one by session is used', long, async ({ skip }) => {
  if (spawnSync('pgbouncer', ['--version']).error) return skip('pgbouncer is not installed here');
  await using ground = await makeEmptyDatabase();
  const byTransaction = await startPgbouncer(ground.url, 'transaction');
  await expect(open(byTransaction)).rejects.toThrow(/connections change .* in session mode/);
  const bySession = await startPgbouncer(ground.url, 'session');
  await using store = await open(bySession);
  await store.nodes.takeOwn();
  await expect(open(`${bySession}?options=-c%20jit%3Doff`)).rejects.toThrow(
    /^unsupported startup parameter.*: a connection pooler is in between/,
  );
});
