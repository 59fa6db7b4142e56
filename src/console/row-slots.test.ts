import { expect, test } from 'vitest';
import { RowSlots } from './row-slots.ts';

const rows = (from: number, count: number) =>
  Array.from({ length: count }, (_, at) => `row ${from + at}`);

test('five hundred new rows a drawing take the elements that are there, in the order in which they stand', () => {
  const slots = new RowSlots();
  const first = slots.assign(rows(0, 30));
  expect(first).toEqual(rows(0, 30).map((_, at) => at));
  for (let from = 500; from <= 50_000; from += 500)
    expect(slots.assign(rows(from, 30))).toEqual(first);
});

test('a row that stays in sight stays where it is, and what leaves is given to what comes', () => {
  const slots = new RowSlots();
  slots.assign(['c', 'b', 'a']);
  expect(slots.assign(['d', 'c', 'b'])).toEqual([2, 0, 1]);
  expect(slots.assign(['d', 'c', 'b', 'a'])).toEqual([2, 0, 1, 3]);
  expect(slots.assign(['b'])).toEqual([1]);
  // Elements that nobody needed are gone.
  expect(slots.assign(['x', 'b', 'y']).toSorted()).toEqual([1, 2, 3]);
});
