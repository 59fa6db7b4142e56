import { describe, expect, test } from 'vitest';
import { keepingLogger } from '../../test/support/samples.ts';
import { keyRingLimits } from '../../test/support/token-keys.ts';
import { waitFor } from '../../test/support/wait-for.ts';
import { operator } from '../core/caller.ts';
import { AppError } from '../core/errors.ts';
import { projectRef } from '../core/project.ts';
import type { FoundKey } from './api-key.ts';
import { KeyRing, type KeyRingLimits } from './key-ring.ts';
import { digestOf, hintOf, makeSecret } from './key-secret.ts';
import type { Refused } from './refusals.ts';
import type { KeyUse } from './store.ts';

const address = '192.0.2.1';

/** The keys of a database, which may be away, and how often it was asked. */
class Rows {
  readonly keys = new Map<string, FoundKey>();
  readonly uses: KeyUse[] = [];
  readonly refusals: Refused[] = [];
  unauthenticated = 0;
  looks = 0;
  isAway = false;
  /** Waited for between the look and its answer. */
  turn = Promise.resolve();
  readonly #changed = new Set<() => void>();

  readonly wakes = {
    onChange: (callback: () => void) => {
      this.#changed.add(callback);
      return () => this.#changed.delete(callback);
    },
  };

  async findByDigest(digest: Buffer): Promise<FoundKey | null> {
    this.looks += 1;
    if (this.isAway) throw new AppError('unavailable', 'the database is away');
    const found = this.keys.get(digest.toString('hex')) ?? null;
    await this.turn;
    return found;
  }

  async used(uses: readonly KeyUse[]): Promise<void> {
    this.uses.push(...uses);
  }

  put(secret: string, more: Partial<FoundKey> = {}): void {
    const digest = digestOf(secret);
    const project = { ref: projectRef(7), name: 'team' };
    const ends = { expiresAt: null, formerSecretEndsAt: null, revokedAt: null, isFrozen: false };
    const key: FoundKey = {
      ...{ id: secret, project, scopes: ['events:read'], hint: hintOf(secret) },
      ...{ digest, formerDigest: null, ...ends, ...more },
    };
    this.keys.set(digest.toString('hex'), key);
  }

  wake(): void {
    for (const callback of this.#changed) callback();
  }
}

let time = 1_000_000;

function ring(rows: Rows, limits: Partial<KeyRingLimits> = {}, apiToken: string | null = 'token') {
  return new KeyRing({
    ...{ keys: rows, wakes: rows.wakes, apiToken, isOpen: false },
    refusals: { tell: (refused) => void rows.refusals.push(refused) },
    onUnauthenticated: () => {
      rows.unauthenticated += 1;
    },
    ...{ clock: { now: () => time }, logger: keepingLogger() },
    limits: { ...keyRingLimits, ...limits },
  });
}

const shown = (secret: string | null, sourceIp = address, operation = 'listListeners') => ({
  ...{ secret, project: null, sourceIp },
  ...{ userAgent: 'agent', requestId: 'request', operation },
});

test('a key that is found is not looked up again, and its use is written down', async () => {
  const rows = new Rows();
  const secret = makeSecret();
  rows.put(secret);
  {
    await using keys = ring(rows);
    const seen = await Promise.all([1, 2, 3].map(() => keys.identify(shown(secret))));
    await keys.identify(shown(secret));
    expect(rows.looks).toBe(1);
    expect(seen[0]).toMatchObject({
      ...{ project: 'team', actor: { kind: 'key', id: secret, hint: hintOf(secret) } },
      scopes: new Set(['events:read']),
    });
  }
  expect(rows.uses).toEqual([{ id: secret, at: time, ip: address }]);
});

test.each<[string, Partial<FoundKey>]>([
  ['is revoked', { revokedAt: 1 }],
  ['has expired', { expiresAt: 999_999 }],
  ['is being deleted', { isFrozen: true }],
  ['another secret', { digest: digestOf('other') }],
  ['another secret', { digest: digestOf('other'), formerSecretEndsAt: 1 }],
])('a key that %s is refused', async (words, more) => {
  const rows = new Rows();
  const secret = makeSecret();
  rows.put(secret, { formerDigest: digestOf(secret), ...more });
  await using keys = ring(rows);
  await expect(keys.identify(shown(secret))).rejects.toMatchObject({
    code: 'unauthenticated',
    message: expect.stringContaining(words),
  });
  const caller = { actor: { kind: 'key', id: secret, hint: hintOf(secret) }, requestId: 'request' };
  expect(rows.refusals).toMatchObject([
    { caller, operation: 'listListeners', outcome: 'unauthenticated', project: { name: 'team' } },
  ]);
  expect(rows.unauthenticated).toBe(0);
});

test('what was mistyped is refused without a look', async () => {
  const rows = new Rows();
  await using keys = ring(rows);
  const secret = makeSecret();
  for (const wrong of [
    '',
    'toke',
    `${secret.slice(0, -1)}-`,
    secret.toLowerCase(),
    'x'.repeat(9999),
  ]) {
    await expect(keys.identify(shown(wrong))).rejects.toMatchObject({ code: 'unauthenticated' });
  }
  expect(rows.looks).toBe(0);
  await expect(keys.identify(shown(null))).rejects.toMatchObject({ code: 'unauthenticated' });
  // Strangers make the audit no longer.
  expect(rows.refusals).toEqual([]);
  expect(rows.unauthenticated).toBe(6);
});

test('keys that are none are limited by address, and hold up no good one that is remembered', async () => {
  const rows = new Rows();
  const [good, other] = [makeSecret(), makeSecret()];
  for (const secret of [good, other]) rows.put(secret);
  await using keys = ring(rows, { failedKeysPerSecond: 3 });
  await keys.identify(shown(good));
  for (const _ of [1, 2, 3]) {
    const none = keys.identify(shown(makeSecret()));
    await expect(none).rejects.toMatchObject({ code: 'unauthenticated' });
  }
  for (const secret of [makeSecret(), other]) {
    await expect(keys.identify(shown(secret))).rejects.toMatchObject({
      code: 'resource_exhausted',
      details: { limit: 'failedKeysPerSecond', limitValue: 3 },
    });
  }
  expect(rows.unauthenticated).toBe(5);
  await keys.identify(shown(good));
  await keys.identify(shown(other, '192.0.2.2'));
  time += 1_000_000;
  await keys.identify(shown(other));
});

test('what is not even shaped like a key holds up none that may be good, and is limited by itself', async () => {
  const rows = new Rows();
  const neverSeen = makeSecret();
  rows.put(neverSeen);
  await using keys = ring(rows, { failedKeysPerSecond: 3 });
  for (const _ of [1, 2, 3]) {
    await expect(keys.identify(shown('none'))).rejects.toMatchObject({ code: 'unauthenticated' });
  }
  for (const secret of ['none', 'token']) {
    await expect(keys.identify(shown(secret))).rejects.toMatchObject({
      code: 'resource_exhausted',
    });
  }
  await keys.identify(shown(neverSeen));
  time += 1_000_000;
  expect(await keys.identify(shown('token'))).toBe(operator);
});

test('failed keys from an address hold up no key from there that was good before, though it is looked up again', async () => {
  const rows = new Rows();
  const secret = makeSecret();
  rows.put(secret);
  await using keys = ring(rows, { failedKeysPerSecond: 1 });
  const limited = { code: 'resource_exhausted' };
  await keys.identify(shown(secret));
  await expect(keys.identify(shown(makeSecret()))).rejects.toMatchObject({
    code: 'unauthenticated',
  });
  await expect(keys.identify(shown(makeSecret()))).rejects.toMatchObject(limited);
  // Nothing is remembered any more: keys have changed.
  rows.wake();
  await expect(keys.identify(shown(secret))).resolves.toMatchObject({ project: 'team' });
  expect(rows.looks).toBe(3);
  // One that has ended is no better than the others from then on.
  rows.put(secret, { revokedAt: 1 });
  rows.wake();
  await expect(keys.identify(shown(secret))).rejects.toMatchObject({ code: 'unauthenticated' });
  await expect(keys.identify(shown(secret))).rejects.toMatchObject(limited);
});

test('a flood of keys that only look like some is no flood of looks, and holds up no good one', async () => {
  const rows = new Rows();
  const good = makeSecret();
  rows.put(good);
  await using keys = ring(rows, { failedKeysPerSecond: 5, rememberedKeysMax: 100 });
  await keys.identify(shown(good));
  const flood = Array.from({ length: 500 }, () => keys.identify(shown(makeSecret())));
  await Promise.allSettled(flood);
  expect(rows.looks).toBe(1 + 5);
  await keys.identify(shown(good));
  expect(rows.looks).toBe(1 + 5);
});

test('many calls that show one new key at once are one look, and none of them is too much', async () => {
  const rows = new Rows();
  const secret = makeSecret();
  rows.put(secret);
  await using keys = ring(rows, { failedKeysPerSecond: 3 });
  const all = await Promise.all(Array.from({ length: 50 }, () => keys.identify(shown(secret))));
  expect(all).toHaveLength(50);
  expect(rows.looks).toBe(1);
});

test('a key that could not be looked at is none that failed', async () => {
  const rows = new Rows();
  const secret = makeSecret();
  rows.put(secret);
  rows.isAway = true;
  await using keys = ring(rows, { failedKeysPerSecond: 2 });
  for (const _ of Array.from({ length: 10 })) {
    await expect(keys.identify(shown(secret))).rejects.toMatchObject({ code: 'unavailable' });
  }
  rows.isAway = false;
  await keys.identify(shown(secret));
});

test('what is nobody’s is looked up once, until it may be somebody’s', async () => {
  const rows = new Rows();
  const secret = makeSecret();
  await using keys = ring(rows, { unknownKeyTtlMs: 60_000 });
  for (const _ of [1, 2]) {
    await expect(keys.identify(shown(secret))).rejects.toMatchObject({ code: 'unauthenticated' });
  }
  expect(rows.looks).toBe(1);
  rows.put(secret);
  rows.wake();
  await keys.identify(shown(secret));
  expect(rows.looks).toBe(2);
});

test('no more keys are remembered than so many', async () => {
  const rows = new Rows();
  const secrets = Array.from({ length: 4 }, makeSecret);
  for (const secret of secrets) rows.put(secret);
  await using keys = ring(rows, { rememberedKeysMax: 2 });
  for (const secret of [...secrets, ...secrets.slice(2)]) await keys.identify(shown(secret));
  expect(rows.looks).toBe(4);
  await keys.identify(shown(secrets[0] ?? ''));
  expect(rows.looks).toBe(5);
});

test('a watched call ends with its key, told or not', async () => {
  const rows = new Rows();
  const secret = makeSecret();
  rows.put(secret);
  await using keys = ring(rows, { keyTtlMs: 50 });
  const identity = await keys.identify(shown(secret));
  using told = keys.watch(identity);
  rows.put(secret, { revokedAt: 1 });
  rows.wake();
  await waitFor('the end', () => told.signal.aborted);
  expect(told.signal.reason).toMatchObject({ code: 'unauthenticated' });
  rows.put(secret);
  using untold = keys.watch(await keys.identify(shown(secret)));
  rows.keys.clear();
  await waitFor('the end', () => untold.signal.aborted);
  using never = keys.watch(operator);
  expect(never.good()).toBeNull();
});

test('what was being looked up when keys changed is not remembered', async () => {
  const rows = new Rows();
  const secret = makeSecret();
  rows.put(secret);
  await using keys = ring(rows);
  const held = Promise.withResolvers<void>();
  rows.turn = held.promise;
  const early = keys.identify(shown(secret));
  await waitFor('the look', () => rows.looks === 1);
  rows.put(secret, { revokedAt: 1 });
  rows.turn = Promise.resolve();
  rows.wake();
  held.resolve();
  await early;
  await expect(keys.identify(shown(secret))).rejects.toMatchObject({ code: 'unauthenticated' });
});

test('a watched call passes nothing once its key is remembered as nobody’s', async () => {
  const rows = new Rows();
  const secret = makeSecret();
  rows.put(secret);
  await using keys = ring(rows, { unknownKeyTtlMs: 60_000 });
  using watch = keys.watch(await keys.identify(shown(secret)));
  rows.keys.clear();
  const other = new Promise<void>((resolve) => {
    rows.wakes.onChange(() => {
      // Another call of the key looks first, and finds nobody.
      keys.identify(shown(secret)).catch(() => resolve());
    });
  });
  rows.wake();
  await other;
  await expect(watch.good() ?? 'it passes').rejects.toMatchObject({ code: 'unauthenticated' });
});

test('a key that was good gives no failures back while the database is away', async () => {
  const rows = new Rows();
  const secret = makeSecret();
  rows.put(secret);
  await using keys = ring(rows, { failedKeysPerSecond: 1 });
  await keys.identify(shown(secret));
  await expect(keys.identify(shown('none'))).rejects.toMatchObject({ code: 'unauthenticated' });
  rows.isAway = true;
  rows.wake();
  await expect(keys.identify(shown(secret))).rejects.toMatchObject({ code: 'unavailable' });
  await expect(keys.identify(shown('none'))).rejects.toMatchObject({ code: 'resource_exhausted' });
});

test('while the database is away a watched call stays, and nothing passes', async () => {
  const rows = new Rows();
  const secret = makeSecret();
  rows.put(secret);
  await using keys = ring(rows, { keyTtlMs: 20, unknownKeyTtlMs: 5 });
  using watch = keys.watch(await keys.identify(shown(secret)));
  expect(watch.good()).toBeNull();
  rows.isAway = true;
  const { passing } = await waitFor('a look that is due', () => {
    const due = watch.good();
    return due === null ? null : { passing: due };
  });
  const looks = rows.looks;
  await waitFor('some tries', () => rows.looks > looks + 3);
  expect(watch.signal.aborted).toBe(false);
  rows.put(secret, { revokedAt: 1 });
  rows.isAway = false;
  await expect(passing).rejects.toMatchObject({ code: 'unauthenticated' });
});

describe('while the database is away', () => {
  const scrape = (secret: string) => shown(secret, address, 'getMetrics');
  const reader = { project: null, scopes: ['metrics:read'] } as const;
  const unavailable = { code: 'unavailable' };

  test('a key that read metrics reads them on, for so long, and does nothing else', async () => {
    const rows = new Rows();
    const [secret, other] = [makeSecret(), makeSecret()];
    rows.put(secret, reader);
    rows.put(other, { scopes: ['listeners:read'] });
    await using keys = ring(rows, { keyTtlMs: 1, metricsKeyTtlMs: 200 });
    for (const one of [secret, other]) await keys.identify(scrape(one));
    rows.isAway = true;
    rows.wake();
    const known = await keys.identify(scrape(secret));
    expect(known).toMatchObject({ scopes: new Set(reader.scopes), actor: { id: secret } });
    await expect(keys.identify(shown(secret))).rejects.toMatchObject(unavailable);
    await expect(keys.identify(scrape(other))).rejects.toMatchObject(unavailable);
    await waitFor('its end', async () => {
      const answer = keys.identify(scrape(secret));
      return await answer.then(
        () => false,
        (error) => error.code === 'unavailable',
      );
    });
  });

  test.each<[string, Partial<FoundKey> | null, string]>([
    ['revoked', { revokedAt: 1 }, 'unauthenticated'],
    ['expired', { expiresAt: 999_999 }, 'unauthenticated'],
    ['deleted', null, 'unavailable'],
  ])('one that is known to be %s reads nothing', async (_, end, code) => {
    const rows = new Rows();
    const secret = makeSecret();
    rows.put(secret, reader);
    await using keys = ring(rows);
    await keys.identify(scrape(secret));
    if (end === null) rows.keys.clear();
    else rows.put(secret, { ...reader, ...end });
    const { looks } = rows;
    // Nobody shows it: it is looked at because keys have changed.
    rows.wake();
    await waitFor('the look', () => rows.looks > looks);
    rows.isAway = true;
    rows.wake();
    await expect(keys.identify(scrape(secret))).rejects.toMatchObject({ code });
  });

  test('of many keys those that read last are taken', async () => {
    const rows = new Rows();
    const secrets = Array.from({ length: 3 }, makeSecret);
    const [first = '', second = '', third = ''] = secrets;
    for (const secret of secrets) rows.put(secret, reader);
    await using keys = ring(rows, { metricsKeysMax: 2 });
    for (const one of [first, second, first, third]) await keys.identify(scrape(one));
    rows.isAway = true;
    rows.wake();
    for (const one of [first, third]) await keys.identify(scrape(one));
    await expect(keys.identify(scrape(second))).rejects.toMatchObject(unavailable);
  });
});
