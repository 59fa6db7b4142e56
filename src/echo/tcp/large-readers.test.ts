import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type LargeReader, LargeReaders } from './large-readers.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function aReader() {
  return {
    lastLargeReadMs: performance.now(),
    hasLost: false,
    onPlaceLost() {
      this.hasLost = true;
    },
  } satisfies LargeReader & { hasLost: boolean };
}

test('the one that read longest ago gives its place up, once it has been silent for a second', () => {
  const readers = new LargeReaders(2);
  const one = aReader();
  const other = aReader();
  expect([readers.enter(one), readers.enter(other)]).toEqual([true, true]);
  vi.advanceTimersByTime(600);
  one.lastLargeReadMs = performance.now();
  expect(readers.enter(aReader())).toBe(false);
  vi.advanceTimersByTime(400);
  const third = aReader();
  expect(readers.enter(third)).toBe(true);
  expect([one.hasLost, other.hasLost]).toEqual([false, true]);
  expect(readers.enter(aReader())).toBe(false);
  readers.leave(third);
  expect(readers.enter(aReader())).toBe(true);
  expect(one.hasLost).toBe(false);
});
