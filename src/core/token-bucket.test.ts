import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TokenBucket } from './token-bucket.ts';

const second = 1_000_000;

test('a burst at once, and then so many a second', () => {
  const bucket = new TokenBucket({ perSecond: 2, burst: 3 }, 0);
  expect([1, 2, 3, 4].map(() => bucket.take(0))).toEqual([true, true, true, false]);
  expect(bucket.take(second / 2 - 1)).toBe(false);
  expect(bucket.take(second / 2)).toBe(true);
  expect(bucket.take(second / 2)).toBe(false);
  expect([1, 2, 3, 4].map(() => bucket.take(1000 * second))).toEqual([true, true, true, false]);
});

test('several are taken whole or not at all', () => {
  const bucket = new TokenBucket({ perSecond: 1, burst: 5 }, 0);
  expect(bucket.take(0, 6)).toBe(false);
  expect(bucket.take(0, 5)).toBe(true);
  expect(bucket.isFull(4 * second)).toBe(false);
  expect(bucket.isFull(5 * second)).toBe(true);
});

test('a time that is over gives nothing, takes nothing away, and is not given again', () => {
  const bucket = new TokenBucket({ perSecond: 1, burst: 2 }, 10 * second);
  const times = [5, 5, 5, 10, 11, 11];
  expect(times.map((at) => bucket.take(at * second))).toEqual([
    true,
    true,
    false,
    false,
    true,
    false,
  ]);
});

test('in no span of time more than the burst and the rate', () => {
  const steps = fc.array(fc.integer({ min: 0, max: 3 * second }), { maxLength: 100 });
  const rate = fc.record({
    perSecond: fc.integer({ min: 1, max: 50 }),
    burst: fc.integer({ min: 1, max: 50 }),
  });
  fc.assert(
    fc.property(rate, steps, ({ perSecond, burst }, spans) => {
      const bucket = new TokenBucket({ perSecond, burst }, 0);
      let now = 0;
      let taken = 0;
      for (const span of spans) {
        now += span;
        for (let n = 0; n < 20; n++) if (bucket.take(now)) taken += 1;
      }
      expect(taken).toBeLessThanOrEqual(burst + (now * perSecond) / second + 1e-6);
    }),
  );
});
