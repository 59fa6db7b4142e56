import { expect, test } from 'vitest';
import { runRound } from './chaos/round.ts';

test('a round of chaos breaks no invariant', async () => {
  const result = await runRound({ seed: 20_261_124, durationMs: 8000 });
  expect(result.breaches, `attacks: ${result.attacks.join(', ')}`).toEqual([]);
  expect(result.echoed).toBeGreaterThan(0);
  expect(result.attacks.length).toBeGreaterThan(0);
}, 180_000);
