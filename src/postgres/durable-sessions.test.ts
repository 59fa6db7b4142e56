/** What is answered is durable, whatever the settings of a role are. */
import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { expect, inject, onTestFinished, test } from 'vitest';
import { keepingLogger } from '../../test/support/samples.ts';
import { makeDatabase } from '../../test/support/test-database.ts';
import { Database } from './database.ts';
import { openDatabase } from './open-database.ts';

const limits = {
  connectTimeoutMs: 10_000,
  statementTimeoutMs: 10_000,
  readConnectionsMax: 1,
  keptPlansMax: 1,
  prismaConnectionsMax: 1,
};
const text = "SELECT current_setting('synchronous_commit')";

/** A database as a role that owns it sees it, whose sessions begin with this. */
async function makeGround(commit: string) {
  await using resources = new AsyncDisposableStack();
  const role = `role_${randomUUID().replaceAll('-', '')}`;
  const client = new Client({ connectionString: inject('postgresUrl') });
  await client.connect();
  resources.defer(() => client.end());
  await client.query(`CREATE ROLE ${role} LOGIN SUPERUSER`);
  resources.defer(async () => void (await client.query(`DROP ROLE ${role}`)));
  await client.query(`ALTER ROLE ${role} SET synchronous_commit = '${commit}'`);
  const { url } = resources.use(await makeDatabase());
  const log = keepingLogger();
  const connectionString = url.replace(/\/\/\w+@/, `//${role}@`);
  const database = resources.use(new Database({ connectionString, log, limits }));
  const owned = resources.move();
  onTestFinished(() => owned.disposeAsync());
  return { database, log };
}

async function settingsOf(database: Database) {
  const asked = { text, rowMode: 'array' } as const;
  const settings: Record<string, unknown> = {};
  {
    await using own = await database.ownClient('kodama test');
    settings.own = (await own.client.query(asked)).rows;
  }
  settings.append = await database.append({ text });
  {
    await using writer = await database.patientWriter();
    settings.migrations = (await writer.client.query(asked)).rows;
  }
  settings.appendAfterwards = await database.append({ text });
  settings.reads = await database.query({ text });
  settings.history = await database.query({ text, isPlannedOnce: true });
  settings.prisma = (await database.prismaPool.query(asked)).rows;
  return settings;
}

test.each([
  ['off', 'on'],
  ['local', 'local'],
  ['remote_apply', 'remote_apply'],
])('where a role has synchronous_commit %s, each session has %s', async (given, expected) => {
  const { database } = await makeGround(given);
  const settings = await settingsOf(database);
  expect(Object.keys(settings)).toHaveLength(7);
  for (const rows of Object.values(settings)) expect(rows).toEqual([[expected]]);
});

test('a start says where fsync is off', async () => {
  const { database, log } = await makeGround('on');
  const [[fsync]] = (await database.query({ text: "SELECT current_setting('fsync')" })) as [
    [string],
  ];
  await openDatabase({ database, log, timeoutMs: 0 });
  const told = log.lines.filter(({ message }) => message.includes('fsync off'));
  expect(told).toHaveLength(fsync === 'off' ? 1 : 0);
});
