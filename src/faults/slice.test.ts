import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { activeFault, faultBench } from '../../test/support/fault-bench.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const slice = (averageBytes: number, variationBytes: number, delayMs: number, seed = 1) =>
  activeFault({ type: 'slice', averageBytes, variationBytes, delayMs }, { seed });

test('pieces are of the size that was asked for, in order, with the delay between them', () => {
  const { sink, pipeline, read } = faultBench([slice(3, 0, 10)]);
  const from = performance.now();
  read('abcdefgh');
  read('ij');
  pipeline.end();
  vi.advanceTimersByTime(100);
  expect(sink.pieces).toEqual(['abc', 'def', 'gh', 'ij']);
  expect(sink.written.map(({ at }) => at - from)).toEqual([0, 10, 20, 30]);
  expect(sink.calls).toEqual([{ at: from + 30, call: 'end' }]);
});

test('without a delay pieces go at once', () => {
  const { sink, read } = faultBench([slice(4, 0, 0)]);
  read('abcdefghij');
  expect(sink.pieces).toEqual(['abcd', 'efgh', 'ij']);
});

test('sizes stray within their bounds, by the seed', () => {
  const sizes = (seed: number): number[] => {
    const { sink, read } = faultBench([slice(10, 4, 0, seed)]);
    read(Buffer.alloc(10_000, 'x'));
    expect(sink.text).toBe('x'.repeat(10_000));
    return sink.written.map(({ bytes }) => bytes.length);
  };
  const run = sizes(1);
  expect(new Set(run.slice(0, -1))).toEqual(new Set([6, 7, 8, 9, 10, 11, 12, 13, 14]));
  expect(Math.abs(10_000 / run.length - 10)).toBeLessThan(0.5);
  expect(sizes(1)).toEqual(run);
  expect(sizes(2)).not.toEqual(run);
});

test('a piece has at least one byte', () => {
  const { sink, read } = faultBench([slice(1, 60, 0)]);
  read(Buffer.alloc(1000, 'x'));
  expect(sink.text).toHaveLength(1000);
});
