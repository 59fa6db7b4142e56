import { expect, test } from 'vitest';
import { seededRandom } from './seeded-random.ts';

const take = (count: number, random: () => number): number[] =>
  Array.from({ length: count }, random);

test('the same seed and ordinal give the same run, another seed or ordinal another', () => {
  const run = take(100, seededRandom(7, 1));
  expect(take(100, seededRandom(7, 1))).toEqual(run);
  expect(take(100, seededRandom(8, 1))).not.toEqual(run);
  expect(take(100, seededRandom(7, 2))).not.toEqual(run);
});

test('a seed keeps its run from version to version', () => {
  expect(take(3, seededRandom(1, 1)).map((number) => number * 2 ** 32)).toEqual([
    348394007, 95324723, 3522551117,
  ]);
});

test('numbers lie from 0 to 1, without 1, and fill it evenly, also across neighbours', () => {
  const within = take(20_000, seededRandom(0, 0));
  const across = Array.from({ length: 20_000 }, (_, ordinal) => seededRandom(42, ordinal)());
  const seeds = Array.from({ length: 20_000 }, (_, seed) => seededRandom(seed, 1)());
  for (const numbers of [within, across, seeds]) {
    const tenths = new Array<number>(10).fill(0);
    expect(numbers.every((number) => number >= 0 && number < 1)).toBe(true);
    for (const number of numbers) {
      const tenth = Math.floor(number * 10);
      tenths[tenth] = (tenths[tenth] ?? 0) + 1;
    }
    // Chi squared with 9 degrees of freedom: above 33 once in 10,000 runs, and this is one run for ever.
    const chiSquared = tenths.reduce((sum, count) => sum + (count - 2000) ** 2 / 2000, 0);
    expect(chiSquared).toBeLessThan(33);
  }
});
