import { expect, test } from 'vitest';
import { systemClock } from './clock.ts';

test('the clock tells the time of the system in whole microseconds', () => {
  const clock = systemClock();
  const before = Date.now();
  const now = clock.now();
  const after = Date.now();
  expect(Number.isSafeInteger(now)).toBe(true);
  // It may drift from the system's clock by a bound before it follows.
  expect(now / 1000).toBeGreaterThan(before - 101);
  expect(now / 1000).toBeLessThan(after + 101);
});

test('it never runs backwards between two readings', () => {
  const clock = systemClock();
  const readings = Array.from({ length: 1000 }, () => clock.now());
  expect(readings).toEqual(readings.toSorted((a, b) => a - b));
});
