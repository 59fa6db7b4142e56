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

test('while connections wait for a session several attempts fit into the time that they have', () => {
  const pauses = new Pauses({ redialMinMs: 1000, redialMaxMs: 30_000 }, () => 1);
  for (let attempt = 0; attempt < 6; attempt += 1) pauses.next();
  expect([300_000, 60_000, 20_000, 2000, 0].map((leaseMs) => pauses.next(leaseMs))).toEqual([
    ...[30_000, 15_000, 5000, 1000, 30_000],
  ]);
});
