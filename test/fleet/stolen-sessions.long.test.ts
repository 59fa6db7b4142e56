import { expect, test } from 'vitest';
import { playStolenSessions } from './stolen-sessions.ts';

const seeds = Array.from({ length: 20 }, (_, index) => 100 + index);

test.each(seeds)('seed %i', { timeout: 120_000 }, async (seed) => {
  expect.hasAssertions();
  await playStolenSessions(seed, 400);
});
