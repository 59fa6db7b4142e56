/** A database with so many secrets of each kind, and their way under a new key, with others at it at the same time. */
import { createSecretKey } from 'node:crypto';
import { Client } from 'pg';
import { expect } from 'vitest';
import { PostgresStore } from '../../src/postgres/postgres-store.ts';
import type { SecretKeys } from '../../src/postgres/secret-cipher.ts';
import type { SecretRotationLimits } from '../../src/postgres/secret-rotation.ts';
import { keepingLogger } from './samples.ts';
import { append, listenerEvent, sampleListener } from './store-samples.ts';
import { makeDatabase } from './test-database.ts';

const first = createSecretKey(Buffer.alloc(32, 1));
const second = createSecretKey(Buffer.alloc(32, 2));
const everything = { pageSize: 100_000, after: null, bytesMax: 1e12 };

/** Half of them by a node that is gone; two processes rotate at once, while some listeners are closed. */
export async function rotatesAll(eachMax: number, limits: SecretRotationLimits): Promise<void> {
  await using database = await makeDatabase();
  const { url } = database;
  const made = new Map<string, string>();
  await fill(url, { current: null, old: null }, 'node-a', eachMax, made);
  await fill(url, { current: first, old: null }, 'node-b', eachMax, made);
  expect(await keysOf(url)).toEqual([1, eachMax, eachMax]);
  const keys = { current: second, old: first };
  await using a = await open(url, keys, 'node-a');
  await using b = await open(url, keys, 'node-b');
  const node = await a.nodes.takeOwn();
  await using one = a.rotateSecrets(limits);
  await using other = b.rotateSecrets(limits);
  const gone = (await node.readListeners(everything)).slice(0, Math.ceil(eachMax / 3));
  for (const [index, { secrets: _, ...listener }] of gone.entries()) {
    const end = { state: 'closed', revision: listener.revision + 1 } as const;
    const event = listenerEvent('listener_closed', { ...listener, ...end });
    await node.append(append(index + 1, [event]));
    made.delete(listener.id);
  }
  await Promise.all([one.ended, other.ended]);
  expect(await keysOf(url)).toEqual([1, 0, 2 * eachMax - gone.length]);
  const told = [...a.logger.lines, ...b.logger.lines].filter(({ fields }) => 'old' in fields);
  expect(told).toHaveLength(2);
  for (const line of told)
    expect(line).toMatchObject({ level: 'info', fields: { old: 0, plain: 0 } });
  // Nobody needs the key before any more.
  await using last = await open(url, { current: second, old: null }, 'node-b');
  const own = [
    ...(await (await last.nodes.takeOwn()).readListeners(everything)),
    ...(await node.readListeners(everything)),
  ];
  expect(new Map(own.map(({ id, secrets }) => [id, secrets.tlsKey]))).toEqual(made);
}

async function open(connectionString: string, secretKeys: SecretKeys, nodeId: string) {
  const logger = keepingLogger();
  const store = await PostgresStore.open({ connectionString, nodeId, log: logger, secretKeys });
  return Object.assign(store, { logger });
}

async function fill(
  url: string,
  keys: SecretKeys,
  nodeId: string,
  count: number,
  made: Map<string, string>,
): Promise<void> {
  await using store = await open(url, keys, nodeId);
  const node = await store.nodes.takeOwn();
  for (let done = 0, number = 1; done < count; number += 1) {
    const listeners = Array.from({ length: Math.min(200, count - done) }, () =>
      sampleListener({ protocol: 'tls', nodeId }),
    );
    done += listeners.length;
    const secrets = new Map(listeners.map(({ id }) => [id, { tlsKey: `SECRET of ${id}` }]));
    for (const [id, { tlsKey }] of secrets) made.set(id, tlsKey);
    const events = listeners.map((one) => listenerEvent('listener_created', one));
    await node.append(append(number, events, { secrets }));
  }
}

/** How many keys there are, and how many rows are plain and sealed; none shows its secret where it is sealed. */
async function keysOf(url: string): Promise<readonly number[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query<{ counts: number[]; shown: number }>(
    `SELECT ARRAY[count(DISTINCT key_id), count(tls_key), count(sealed_tls_key)]::integer[] AS counts,
      count(*) FILTER (WHERE position('SECRET'::bytea IN sealed_tls_key) > 0)::integer AS shown FROM listener_secrets`,
  );
  await client.end();
  expect(rows[0]?.shown).toBe(0);
  return rows[0]?.counts ?? [];
}
