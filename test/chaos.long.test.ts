/** Chaos in short: `npm run chaos` has more of it. */
import { expect, test } from 'vitest';
import { type RoundOptions, runRound } from './chaos/round.ts';

const rounds: readonly RoundOptions[] = [
  { seed: 20_261_124, durationMs: 5000, store: 'embedded', recording: 'batched', workers: 2 },
  { seed: 20_261_125, durationMs: 5000, store: 'external', recording: 'durable', workers: 1 },
  { seed: 20_261_126, durationMs: 5000, store: 'small_disk', recording: 'durable', workers: 2 },
];

test.each(rounds)(
  'a round of chaos breaks no invariant: store $store, recording $recording, $workers workers',
  async (options) => {
    const result = await runRound(options);
    expect(result.breaches, `attacks: ${result.attacks.join(', ')}`).toEqual([]);
    expect(result.echoed).toBeGreaterThan(0);
    expect(result.attacks.length).toBeGreaterThan(0);
  },
  180_000,
);
