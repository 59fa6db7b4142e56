import { expect, test } from 'vitest';
import { idSlack } from '../core/time.ts';
import { ConnectionIds } from './connection-ids.ts';

test('ids rise with every accept, also within a millisecond and when the clock goes back a little', () => {
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

test('after a clock that was set back, and for one who waited, an id lies by its time all the same', () => {
  const ids = new ConnectionIds();
  const now = 1_790_000_000_000_000;
  const seconds = [0, 1, -600, -599.8, -300, 1, 0.8, 0.6, 0.4, 0.4, 0, 2];
  const times = seconds.map((after) => now + after * 1_000_000);
  const made = times.map((time) => ids.next(time));
  const timeOf = (id: string) => Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16) * 1000;
  const far = made.filter((id, at) => Math.abs(timeOf(id) - (times[at] ?? 0)) > idSlack / 2);
  expect(far).toEqual([]);
  expect(new Set(made).size).toBe(made.length);
  // And in order among those of after.
  expect(made.slice(2, 6)).toEqual(made.slice(2, 6).toSorted());
});
