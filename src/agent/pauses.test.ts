import { expect, test } from 'vitest';
import { Pauses } from './pauses.ts';

test('pauses double up to the longest, each anything up to that, and begin anew', () => {
  const pauses = new Pauses({ redialMinMs: 1000, redialMaxMs: 30_000 }, () => 1);
  const next = () => pauses.next();
  expect([1, 2, 3, 4, 5, 6, 7].map(next)).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
  pauses.reset();
  expect(next()).toBe(1000);
  const short = new Pauses({ redialMinMs: 1000, redialMaxMs: 30_000 }, () => 0.001);
  expect([short.next(), short.next()]).toEqual([1, 2]);
});
