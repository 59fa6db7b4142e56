import { expect, test } from 'vitest';
import { waitFor } from '../../test/support/wait-for.ts';
import { inParallel } from './in-parallel.ts';

test('so many are under way at once, and the next begins when one is over', async () => {
  const works = Array.from({ length: 10 }, () => Promise.withResolvers<void>());
  const begun: number[] = [];
  const done = inParallel([...works.keys()], 3, async (item) => {
    begun.push(item);
    await works[item]?.promise;
  });
  expect(begun).toEqual([0, 1, 2]);
  works[1]?.resolve();
  await waitFor('the next one', () => begun.length > 3);
  expect(begun).toEqual([0, 1, 2, 3]);
  for (const work of works) work.resolve();
  await done;
  expect(begun).toEqual([...works.keys()]);
});

test('a failure is thrown once what was begun is over', async () => {
  const slow = Promise.withResolvers<void>();
  let isOver = false;
  const done = inParallel([1, 2, 3], 2, async (item) => {
    if (item === 1) throw new RangeError('no');
    await slow.promise;
    isOver = true;
  });
  slow.resolve();
  await expect(done).rejects.toThrow(RangeError);
  expect(isOver).toBe(true);
});

test('nothing more is begun after a failure', async () => {
  const slow = Promise.withResolvers<void>();
  const begun: number[] = [];
  const done = inParallel([...Array(100).keys()], 3, async (item) => {
    begun.push(item);
    if (item === 1) throw new RangeError('no');
    await slow.promise;
  });
  slow.resolve();
  await expect(done).rejects.toThrow(RangeError);
  expect(begun).toEqual([0, 1, 2]);
});

test('of nothing it makes nothing', async () => {
  await inParallel([], 3, () => Promise.reject(new TypeError('never')));
});
