import { expect, test } from 'vitest';
import { ConnectionIds } from './connection-ids.ts';

test('ids rise with every accept, also within a millisecond and when the clock goes back', () => {
  const ids = new ConnectionIds();
  const times = Array.from({ length: 5000 }, (_, n) => 1_790_000_000_000_000 + (n % 700) * 10);
  const made = times.map((time) => ids.next(time));
  expect(made).toEqual(made.toSorted());
  expect(new Set(made).size).toBe(made.length);
});

test('an id is a UUIDv7 that begins with its time', () => {
  const id = new ConnectionIds().next(0x0198_0000_0001 * 1000);
  expect(id).toMatch(/^01980000-0001-7[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
});
