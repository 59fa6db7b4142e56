import { getHeapSpaceStatistics } from 'node:v8';
import { expect, test } from 'vitest';
import { long } from '../test/support/long.ts';
import { settleHeap } from './heap.ts';

function youngBytes(): number {
  const young = getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space');
  return young?.space_size ?? 0;
}

test(
  'a process that has loaded much gives the room for young objects back, and shows nobody how',
  long,
  () => {
    const kept: object[] = [];
    // What is young and lives makes that room grow.
    for (let round = 0; round < 200 && youngBytes() < 8 * 2 ** 20; round += 1) {
      for (let one = 0; one < 10_000; one += 1) kept.push({ round, one });
    }
    expect(youngBytes()).toBeGreaterThanOrEqual(8 * 2 ** 20);
    settleHeap();
    expect(youngBytes()).toBeLessThanOrEqual(4 * 2 ** 20);
    expect('gc' in globalThis).toBe(false);
  },
);
