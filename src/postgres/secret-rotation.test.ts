/** Secrets are brought under the current key behind the use of a real database, a few at a time. */
import { createSecretKey } from 'node:crypto';
import { Client } from 'pg';
import { expect, test } from 'vitest';
import { long } from '../../test/support/long.ts';
import { rotatesAll } from '../../test/support/rotated-secrets.ts';
import { keepingLogger } from '../../test/support/samples.ts';
import { append, listenerEvent, sampleListener } from '../../test/support/store-samples.ts';
import { makeDatabase } from '../../test/support/test-database.ts';
import { waitFor } from '../../test/support/wait-for.ts';
import { PostgresStore } from './postgres-store.ts';
import type { SecretKeys } from './secret-cipher.ts';

const first = createSecretKey(Buffer.alloc(32, 1));
const second = createSecretKey(Buffer.alloc(32, 2));
const limits = { rotationRowsMax: 3, rotationRetryMs: 10 };
const everything = { pageSize: 1000, after: null, bytesMax: 1e9 };

async function open(connectionString: string, secretKeys: SecretKeys, nodeId = 'node-a') {
  const logger = keepingLogger();
  const store = await PostgresStore.open({ connectionString, nodeId, log: logger, secretKeys });
  return Object.assign(store, { logger });
}

async function connect(connectionString: string) {
  const client = new Client({ connectionString });
  await client.connect();
  return { client, [Symbol.asyncDispose]: () => client.end() };
}

test(
  'plain rows, and those under the key before, all come under the current one',
  long,
  async () => {
    await rotatesAll(10, limits);
  },
);

test('without a key rows stay as they are, and nothing is said', async () => {
  await using database = await makeDatabase();
  await using store = await open(database.url, { current: null, old: null });
  const node = await store.nodes.takeOwn();
  const listener = sampleListener({ protocol: 'tls' });
  const secrets = new Map([[listener.id, { tlsKey: 'SECRET' }]]);
  await node.append(append(1, [listenerEvent('listener_created', listener)], { secrets }));
  const { length: before } = store.logger.lines;
  await using rotation = store.rotateSecrets(limits);
  await rotation.ended;
  expect((await node.readListeners(everything))[0]?.secrets).toEqual({ tlsKey: 'SECRET' });
  expect(store.logger.lines.slice(before)).toEqual([]);
});

test('a row that another holds is passed by, and done once it is let go of', async () => {
  await using database = await makeDatabase();
  await using before = await open(database.url, { current: first, old: null });
  const node = await before.nodes.takeOwn();
  const listener = sampleListener({ protocol: 'tls' });
  const secrets = new Map([[listener.id, { tlsKey: 'SECRET' }]]);
  await node.append(append(1, [listenerEvent('listener_created', listener)], { secrets }));
  await using rival = await connect(database.url);
  await using watcher = await connect(database.url);
  await rival.client.query('BEGIN; SELECT FROM listener_secrets FOR UPDATE');
  await using store = await open(database.url, { current: second, old: first });
  const rotation = store.rotateSecrets(limits);
  let isEnded = false;
  void rotation.ended.then(() => {
    isEnded = true;
  });
  const counted = `SELECT FROM pg_stat_activity WHERE datname = current_database()
    AND query LIKE 'SELECT s.key_id, count%' AND state = 'idle'`;
  await waitFor('a whole pass', async () => (await watcher.client.query(counted)).rowCount);
  expect(isEnded).toBe(false);
  await rival.client.query('COMMIT');
  await waitFor('the rotation', () => isEnded);
  expect(store.logger.lines.at(-1)).toMatchObject({
    fields: { reencrypted: 1, current: 1, old: 0 },
  });
});

test(
  'what was tampered with, or is under a key that is not there, stays and is told',
  long,
  async () => {
    await using database = await makeDatabase();
    await using before = await open(database.url, { current: first, old: null });
    const node = await before.nodes.takeOwn();
    const listeners = Array.from({ length: 5 }, () => sampleListener({ protocol: 'tls' }));
    const secrets = new Map(listeners.map(({ id }) => [id, { tlsKey: `SECRET of ${id}` }]));
    const events = listeners.map((one) => listenerEvent('listener_created', one));
    await node.append(append(1, events, { secrets }));
    await using connected = await connect(database.url);
    const { client } = connected;
    const [changed, moved, strange] = listeners.map(({ id }) => id);
    await client.query(
      `UPDATE listener_secrets SET sealed_tls_key = set_byte(sealed_tls_key, 40, 1 + get_byte(sealed_tls_key, 40) % 255)
     WHERE listener_id = $1`,
      [changed],
    );
    await client.query(
      `UPDATE listener_secrets SET sealed_tls_key = (SELECT sealed_tls_key FROM listener_secrets WHERE listener_id = $2)
     WHERE listener_id = $1`,
      [moved, listeners.at(-1)?.id],
    );
    await client.query("UPDATE listener_secrets SET key_id = 'nobody’s' WHERE listener_id = $1", [
      strange,
    ]);
    await using store = await open(database.url, { current: second, old: first });
    await using rotation = store.rotateSecrets(limits);
    await rotation.ended;
    const fields = { reencrypted: 2, current: 2, old: 2, plain: 0, unknown: 1 };
    expect(store.logger.lines.at(-1)).toMatchObject({ level: 'warn', fields });
    expect(JSON.stringify(store.logger.lines)).not.toContain('SECRET');
    const own = await (await store.nodes.takeOwn()).readListeners(everything);
    const faults = own.map(({ id, secrets: read }) => [id, read.unreadable?.code]);
    expect(Object.fromEntries(faults)).toEqual({
      ...Object.fromEntries(listeners.map(({ id }) => [id, undefined])),
      [String(changed)]: 'secret_tampered',
      [String(moved)]: 'secret_tampered',
      [String(strange)]: 'secret_key_missing',
    });
  },
);
