import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { expect, test } from 'vitest';
import { migrateBefore } from '../../test/support/migrate-before.ts';
import { quietLog as log } from '../../test/support/quiet-log.ts';
import { rejection } from '../../test/support/samples.ts';
import { makeDatabase, makeEmptyDatabase } from '../../test/support/test-database.ts';
import { waitFor } from '../../test/support/wait-for.ts';
import { closeInitiators, closeReasons } from '../core/connection.ts';
import { eventTypes } from '../core/event.ts';
import { listenerModes, listenerStates, protocols } from '../core/listener.ts';
import { migrate, migrationsFolder } from './migrations.ts';

/** A database, a connection to it, and migrations that a test may change. */
async function makeGround(make = makeDatabase) {
  await using resources = new AsyncDisposableStack();
  const database = resources.use(await make());
  const folder = await mkdtemp(join(tmpdir(), 'kodama-migrations-'));
  resources.defer(() => rm(folder, { recursive: true }));
  await cp(migrationsFolder, folder, { recursive: true });
  const connect = async () => {
    const client = new Client({ connectionString: database.url });
    await client.connect();
    owned.defer(() => client.end());
    return client;
  };
  const owned = resources.move();
  const client = await connect();
  const add = async (name: string, sql: string) => {
    await mkdir(join(folder, name), { recursive: true });
    await writeFile(join(folder, name, 'migration.sql'), sql);
  };
  return { client, connect, folder, add, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

const names = async () =>
  (await readdir(migrationsFolder, { withFileTypes: true }))
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name);

async function applied(client: Client) {
  const { rows } = await client.query(
    'SELECT migration_name AS name, applied_steps_count AS steps FROM _prisma_migrations ORDER BY 1',
  );
  return rows;
}

test('a new database is told of in one line, and each migration of one that is there', async () => {
  await using ground = await makeGround(makeEmptyDatabase);
  const told: unknown[] = [];
  const keeping = { ...log, info: (_fields: object, message: string) => void told.push(message) };
  await migrate(ground.client, keeping, ground.folder);
  expect(told).toEqual(['made the database']);
  await ground.add('99990101000000_more', "DO $$ BEGIN RAISE NOTICE 'half' ; END $$");
  await migrate(ground.client, keeping, ground.folder);
  const step = 'migrating the database';
  expect(told.slice(1)).toEqual([step, step, 'migrated the database']);
});

test('all are applied once, and noted as Prisma notes them', async () => {
  await using ground = await makeGround(makeEmptyDatabase);
  await migrate(ground.client, log, ground.folder);
  await migrate(ground.client, log, ground.folder);
  const expected = (await names()).map((name) => ({ name, steps: 1 }));
  expect(await applied(ground.client)).toEqual(expected);
  const { rows } = await ground.client.query(`SELECT id, checksum, logs, rolled_back_at,
    started_at <= finished_at AS is_in_order FROM _prisma_migrations`);
  for (const row of rows) {
    expect(row.id).toMatch(/^[0-9a-f-]{36}$/);
    expect(row.checksum).toMatch(/^[0-9a-f]{64}$/);
    expect(row).toMatchObject({ logs: null, rolled_back_at: null, is_in_order: true });
  }
});

test('several that start at once apply each migration once', async () => {
  await using ground = await makeGround(makeEmptyDatabase);
  const clients = await Promise.all([ground.connect(), ground.connect(), ground.connect()]);
  await Promise.all(clients.map((client) => migrate(client, log, ground.folder)));
  expect(await applied(ground.client)).toHaveLength((await names()).length);
});

test('a new one is applied to a database that has the others', async () => {
  await using ground = await makeGround();
  await ground.add('29991231000000_more', 'CREATE TABLE more (id int);');
  await migrate(ground.client, log, ground.folder);
  expect((await ground.client.query('SELECT count(*)::int AS n FROM more')).rows).toEqual([
    { n: 0 },
  ]);
});

test('one that fails leaves nothing of itself, and the next start tries it again', async () => {
  await using ground = await makeGround(makeEmptyDatabase);
  const name = '29991231000000_more';
  await ground.add(name, 'CREATE TABLE more (id int); SELECT 1 / 0;');
  await expect(migrate(ground.client, log, ground.folder)).rejects.toThrow('division by zero');
  await ground.add(name, 'CREATE TABLE more (id int);');
  await migrate(ground.client, log, ground.folder);
  expect((await applied(ground.client)).at(-1)).toEqual({ name, steps: 1 });
});

test('a signal lets no further migration begin', async () => {
  await using ground = await makeGround();
  await ground.add('29991231000000_more', "DO $$ BEGIN RAISE NOTICE 'half'; END $$");
  await ground.add('29991231000001_last', 'CREATE TABLE last (id int);');
  const stop = new AbortController();
  const reason = new Error('changed our mind');
  ground.client.on('notice', ({ message }) => {
    if (message === 'half') stop.abort(reason);
  });
  const migrating = migrate(ground.client, log, ground.folder, stop.signal);
  await expect(migrating).rejects.toBe(reason);
  expect((await applied(ground.client)).at(-1)).toEqual({ name: '29991231000000_more', steps: 1 });
});

test('the statement of one whose connection is gone is ended, and holds up no other', async () => {
  await using ground = await makeGround();
  const name = '29991231000000_more';
  await ground.add(name, 'DO $$ BEGIN LOOP PERFORM 1; END LOOP; END $$');
  const gone = await ground.connect();
  const migrating = rejection(migrate(gone, log, ground.folder));
  const text = `SELECT state FROM pg_stat_activity WHERE query LIKE 'DO %LOOP%'
    AND datname = current_database() AND pid <> pg_backend_pid()`;
  const isAtWork = async () => (await ground.client.query(text)).rowCount === 1;
  await waitFor('its work', isAtWork);
  await gone.end();
  expect(await migrating).toBeInstanceOf(Error);
  await waitFor('its end', async () => !(await isAtWork()));
  await ground.add(name, 'CREATE TABLE more (id int);');
  await migrate(ground.client, log, ground.folder);
  expect((await applied(ground.client)).at(-1)).toEqual({ name, steps: 1 });
});

test('a database of a newer version is refused by the name of its migration', async () => {
  await using ground = await makeGround();
  const name = '29991231000000_more';
  await ground.add(name, 'CREATE TABLE more (id int);');
  await migrate(ground.client, log, ground.folder);
  await rm(join(ground.folder, name), { recursive: true });
  await expect(migrate(ground.client, log, ground.folder)).rejects.toMatchObject({
    code: 'failed_precondition',
    message: expect.stringContaining(name),
  });
});

test('a migration that was changed after it was applied is refused by its name', async () => {
  await using ground = await makeGround();
  const [name = ''] = await names();
  const file = join(ground.folder, name, 'migration.sql');
  await writeFile(file, `${await readFile(file, 'utf8')}\n-- one line more\n`);
  await expect(migrate(ground.client, log, ground.folder)).rejects.toMatchObject({
    code: 'failed_precondition',
    message: expect.stringContaining(name),
  });
});

test('a migration that another tool left unfinished is refused by its name', async () => {
  await using ground = await makeGround();
  const [name = ''] = await names();
  await ground.client.query('UPDATE _prisma_migrations SET finished_at = NULL');
  const refusal = { code: 'failed_precondition', message: expect.stringContaining(name) };
  await expect(migrate(ground.client, log, ground.folder)).rejects.toMatchObject(refusal);
});

test('the words of the database are those of core', async () => {
  await using ground = await makeGround();
  const { rows } = await ground.client.query<{ name: string; words: string[] }>(`
    SELECT typname AS name, array_agg(enumlabel ORDER BY enumsortorder)::text[] AS words
    FROM pg_enum JOIN pg_type ON pg_type.oid = enumtypid GROUP BY 1`);
  const steps = ['joined', 'ready', 'disconnected', 'lost', 'removed'];
  const nodeEvents = steps.map((step) => `node_${step}`);
  const words = Object.fromEntries(rows.map((row) => [row.name, row.words]));
  expect(words).toEqual({
    protocol: [...protocols],
    listener_state: [...listenerStates],
    listener_mode: [...listenerModes],
    recording: ['batched', 'durable'],
    close_initiator: [...closeInitiators],
    close_reason: [...closeReasons],
    // Those of nodes come after what core knows so far.
    event_type: [...eventTypes, ...nodeEvents],
    project_state: ['active', 'deleting'],
    node_state: ['pending', 'ready', 'disconnected', 'lost', 'quarantined', 'removed'],
  });
});

test('a log of before has its age and its bytes afterwards', async () => {
  await using ground = await makeGround(makeEmptyDatabase);
  const { client } = ground;
  await migrateBefore(client, '20261126020000_log_age');
  const day = 86_400_000_000;
  const now = Date.now() * 1000;
  // A hundred days, a mark each; the first ten are purged, and the last one is a day ahead.
  await client.query(
    `INSERT INTO log_marks SELECT 5000 * n, $1::bigint - (99 - n) * $2::bigint FROM generate_series(1, 100) n`,
    [now, day],
  );
  await client.query('UPDATE log_head SET seq = 500010, oldest_seq = 50001, max_time = $1', [
    now + day,
  ]);
  await migrate(client, log, ground.folder);
  const { rows: heads } = await client.query('SELECT bytes::float8, seq::float8 FROM log_heads');
  const [{ bytes }] = heads;
  expect(bytes).toBeGreaterThan(0);
  const { rows: clocks } = await client.query('SELECT time::float8 FROM log_clock');
  const [{ time }] = clocks;
  expect(Math.abs(time - now)).toBeLessThan(day / 24);
  const { rows: ages } = await client.query(
    'SELECT seq::float8, time::float8, bytes::float8 FROM log_ages ORDER BY seq',
  );
  expect(ages[0]).toEqual({ seq: 50_000, time: 0, bytes: 0 });
  expect(ages.at(-1)).toEqual({ seq: 500_010, time, bytes });
  expect(ages).toHaveLength(1 + 90 + 1);
  const half = ages.find(({ seq }) => seq === 275_000);
  expect(half.bytes / bytes).toBeCloseTo(0.5, 2);
  expect(ages.every((one) => one.time <= time)).toBe(true);
});

test('a TLS key of before stays as it is, and a row is plain or sealed', async () => {
  await using ground = await makeGround(makeEmptyDatabase);
  const { client } = ground;
  await migrateBefore(client, '20261126100000_secret_keys');
  const id = '01990000-0000-7000-8000-000000000001';
  await client.query("INSERT INTO listener_secrets VALUES ($1, 'SECRET')", [id]);
  await migrate(client, log, ground.folder);
  const { rows } = await client.query('SELECT * FROM listener_secrets');
  expect(rows).toEqual([
    { listener_id: id, tls_key: 'SECRET', key_id: null, sealed_tls_key: null },
  ]);
  for (const change of ['tls_key = NULL', "key_id = 'a key'", "sealed_tls_key = ''"]) {
    const changed = client.query(`UPDATE listener_secrets SET ${change}`);
    await expect(changed).rejects.toThrow('listener_secrets_form_check');
  }
});
