/** Chaos for a fleet in short: `npm run chaos -- --fleet` has more of it. */
import { expect, test } from 'vitest';
import { runFleetRound } from './chaos/fleet-round.ts';

test('a round of chaos breaks no invariant of a fleet, one of whose nodes is lost', async () => {
  const result = await runFleetRound({
    ...{ seed: 20_261_126, durationMs: 15_000, clientsAtOnce: 12, loss: 'hold' },
  });
  expect(result.breaches, `attacks: ${result.attacks.join(', ')}`).toEqual([]);
  expect(result.echoed).toBeGreaterThan(0);
  expect(result.nodeLost).toBeGreaterThan(0);
  expect(result.attacks.length).toBeGreaterThan(1);
}, 400_000);
