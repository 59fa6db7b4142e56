import { getHeapSpaceStatistics } from 'node:v8';
import { expect, test } from 'vitest';
import { long } from '../test/support/long.ts';
import { waitFor } from '../test/support/wait-for.ts';
import { settleHeap } from './heap.ts';

const grownBytes = 8 * 2 ** 20;

function youngBytes(): number {
  const young = getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space');
  return young?.space_size ?? 0;
}

/** What is young and lives makes that room grow. */
function growYoung(): void {
  const kept: object[] = [];
  for (let round = 0; round < 200 && youngBytes() < grownBytes; round += 1) {
    for (let one = 0; one < 10_000; one += 1) kept.push({ round, one });
  }
  expect(youngBytes()).toBeGreaterThanOrEqual(grownBytes);
}

test(
  'a process that has loaded much gives the room for young objects back once it rests, and shows nobody how',
  long,
  async () => {
    growYoung();
    using _ = settleHeap({ everyMs: 50 });
    await waitFor('the room', () => youngBytes() < grownBytes);
    expect(youngBytes()).toBeLessThanOrEqual(4 * 2 ** 20);
    expect('gc' in globalThis).toBe(false);
  },
);

test('one that is at work is let be', long, async () => {
  growYoung();
  using _ = settleHeap({ everyMs: 10 });
  const until = performance.now() + 300;
  while (performance.now() < until) {
    const turn = performance.now() + 5;
    while (performance.now() < turn);
    await new Promise(setImmediate);
  }
  expect(youngBytes()).toBeGreaterThanOrEqual(grownBytes);
});
