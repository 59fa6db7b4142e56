/** Calls under a key that end while the database is away: through a proxy, so that the test decides when. */
import { Client } from 'pg';
import { expect, test } from 'vitest';
import { unavailable } from '../../test/support/maltreated-server.ts';
import { quietLog as log } from '../../test/support/quiet-log.ts';
import { sampleId } from '../../test/support/samples.ts';
import { startStoreProxy } from '../../test/support/store-proxy.ts';
import { ofDefault } from '../../test/support/store-samples.ts';
import { makeDatabase } from '../../test/support/test-database.ts';
import { waitFor } from '../../test/support/wait-for.ts';
import type { IdempotencyRun, IdempotentAnswer } from '../core/idempotency-keys.ts';
import { PostgresStore } from './postgres-store.ts';

const seed = sampleId(1);
const times = { expiresBefore: 0, lostBefore: 0 };
const asked = { key: 'key', bodyHash: 'hash', seed, ...times, keysMax: 9, answerBytesMax: 1e6 };
const later = { ...asked, seed: sampleId(2) };
const running = { bodyHash: 'hash', body: null };
const runOf = (own: string) => ({ seed: own, takenAt: expect.any(Number) });

async function makeGround(unsettledKeysMax = 9) {
  await using resources = new AsyncDisposableStack();
  const { url } = resources.use(await makeDatabase());
  const proxy = resources.use(await startStoreProxy(url));
  const options = { connectionString: proxy.url, nodeId: 'node-a', log };
  const store = resources.use(
    await PostgresStore.open({ ...options, limits: { unsettledKeysMax } }),
  );
  const keys = ofDefault(store).idempotencyKeys;
  const away = async (work: () => Promise<unknown>) => {
    proxy.cut();
    await expect(work()).rejects.toMatchObject(unavailable);
    proxy.restore();
  };
  const direct = new Client({ connectionString: url });
  await direct.connect();
  resources.defer(() => direct.end());
  /** The server does it, and the answer is lost. */
  const unheard = async (work: () => Promise<unknown>) => {
    const { rows: before } = await direct.query('SELECT xmin FROM idempotency_keys');
    proxy.mute();
    const done = expect(work()).rejects.toMatchObject(unavailable);
    await waitFor('its effect', async () => {
      const { rows } = await direct.query('SELECT xmin FROM idempotency_keys');
      return JSON.stringify(rows) !== JSON.stringify(before);
    });
    proxy.cut();
    await done;
    proxy.restore();
  };
  const owned = resources.move();
  return { keys, away, unheard, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

function asRun(taken: IdempotencyRun | IdempotentAnswer): IdempotencyRun {
  if (!('seed' in taken)) throw new TypeError('it is taken');
  return taken;
}

test('a key whose release failed is free for the next call, whatever that asks for', async () => {
  await using ground = await makeGround();
  const { keys, away } = ground;
  const run = asRun(await keys.take(asked));
  await away(() => keys.release('key', run));
  await away(() => keys.take(later));
  const other = { ...later, bodyHash: 'other' };
  expect(await keys.take(other)).toEqual(runOf(later.seed));
  expect(await keys.take(other)).toEqual({ ...running, bodyHash: 'other' });
});

test('so is one of which it is not known whether it was taken', async () => {
  await using ground = await makeGround();
  const { keys, unheard } = ground;
  await keys.take({ ...asked, key: 'another' });
  await unheard(() => keys.take(asked));
  expect(await keys.take({ ...later, bodyHash: 'other' })).toEqual(runOf(later.seed));
});

test('one that may have been taken over from a lost run goes on under the seed of that', async () => {
  await using ground = await makeGround();
  const { keys, unheard } = ground;
  await keys.take(asked);
  await unheard(() => keys.take({ ...later, lostBefore: Number.MAX_SAFE_INTEGER }));
  const third = { ...asked, seed: sampleId(3) };
  expect(await keys.take({ ...third, bodyHash: 'other' })).toEqual(running);
  expect(await keys.take(third)).toEqual(runOf(seed));
  expect(await keys.take(third)).toEqual(running);
});

test('one whose answer was not kept is asked again at once, under the seed of what was made', async () => {
  await using ground = await makeGround();
  const { keys, away } = ground;
  const run = asRun(await keys.take(asked));
  await away(() => keys.keep('key', run, '{}'));
  expect(await keys.take(later)).toEqual(runOf(seed));
  expect(await keys.take(later)).toEqual(running);
});

test('one that could not be left goes on at once, under the seed of what may have been made', async () => {
  await using ground = await makeGround();
  const { keys, away } = ground;
  const run = asRun(await keys.take(asked));
  await away(() => keys.leave('key', run));
  expect(await keys.take(later)).toEqual(runOf(seed));
  expect(await keys.take(later)).toEqual(running);
});

test('so it does where calls since then failed, whether they were taken or not', async () => {
  await using ground = await makeGround();
  const { keys, away, unheard } = ground;
  const run = asRun(await keys.take(asked));
  await away(() => keys.leave('key', run));
  await away(() => keys.take(later));
  // Of a connection that is being made nothing would be heard either.
  await keys.take({ ...asked, key: 'another' });
  await unheard(() => keys.take(later));
  await away(() => keys.take(later));
  const last = { ...asked, seed: sampleId(3) };
  expect(await keys.take(last)).toEqual(runOf(seed));
  expect(await keys.take(last)).toEqual(running);
});

test('of too many the oldest is taken until it counts as lost', async () => {
  await using ground = await makeGround(1);
  const { keys, away } = ground;
  const runs = { old: asRun(await keys.take({ ...asked, key: 'old' })) };
  const young = asRun(await keys.take({ ...asked, key: 'young' }));
  await away(() => keys.release('old', runs.old));
  await away(() => keys.release('young', young));
  expect(await keys.take({ ...later, key: 'young' })).toEqual(runOf(later.seed));
  expect(await keys.take({ ...later, key: 'old' })).toEqual(running);
});

test('one that goes on counts once, however often it does', async () => {
  await using ground = await makeGround();
  const { keys } = ground;
  const few = { ...asked, keysMax: 2 };
  for (const own of [seed, sampleId(2), sampleId(3)]) {
    await keys.leave('key', asRun(await keys.take({ ...few, seed: own })));
  }
  expect(await keys.take({ ...few, key: 'another' })).toEqual(runOf(seed));
});
