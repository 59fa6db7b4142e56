import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { activeFault, faultBench, type Written } from '../../test/support/fault-bench.ts';
import { long } from '../../test/support/long.ts';
import { PacedRate } from './paced-rate.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const bandwidth = (bytesPerSecond: number, sharedRate: PacedRate | null = null) =>
  activeFault(
    { type: 'bandwidth', bytesPerSecond, scope: sharedRate === null ? 'connection' : 'listener' },
    { sharedRate },
  );

/** The most bytes that went in any span of so many milliseconds. */
function peak(written: readonly Written[], spanMs: number): number {
  let most = 0;
  let sum = 0;
  let first = 0;
  for (const { at, bytes } of written) {
    sum += bytes.length;
    for (; (written[first]?.at ?? at) <= at - spanMs; first += 1) {
      sum -= written[first]?.bytes.length ?? 0;
    }
    most = Math.max(most, sum);
  }
  return most;
}

test.each([1, 10, 1000, 100_000])('%i bytes a second are neither less nor more', keepsRate);

test.each([10_000_000])('%i bytes a second are neither less nor more', long, keepsRate);

function keepsRate(rate: number): void {
  const { sink, read } = faultBench([bandwidth(rate)], { heldBytesMax: 1e9 });
  const from = performance.now();
  const sent = Buffer.alloc(rate * 3, 'abc');
  read(sent);
  vi.advanceTimersByTime(2900);
  expect(sink.text.length).toBeLessThan(rate * 3);
  vi.advanceTimersByTime(101);
  expect(sink.text).toBe(sent.toString());
  expect((sink.written.at(-1)?.at ?? 0) - from).toBeGreaterThanOrEqual(2999);
  const quantum = new PacedRate(rate).quantumBytes;
  expect(peak(sink.written, 100)).toBeLessThanOrEqual(rate / 10 + 2 * quantum + rate / 1000);
}

test('an idle time is no credit for a burst', () => {
  const { sink, read } = faultBench([bandwidth(1000)]);
  read(Buffer.alloc(100));
  vi.advanceTimersByTime(60_000);
  sink.written.length = 0;
  const from = performance.now();
  read(Buffer.alloc(100));
  expect(sink.written).toEqual([]);
  vi.advanceTimersByTime(1000);
  expect((sink.written.at(-1)?.at ?? 0) - from).toBeGreaterThanOrEqual(99);
});

test('a timer that comes late is made good, a long stop is not', () => {
  const rate = new PacedRate(1000);
  expect(rate.reserve(5, 0, 0)).toBe(5);
  expect(rate.reserve(5, 5, 15)).toBe(10);
  expect(rate.reserve(5, 10, 1000)).toBe(985);
});

test('the FIN waits for the last byte', () => {
  const { sink, pipeline, read } = faultBench([bandwidth(1000)]);
  read(Buffer.alloc(500));
  pipeline.end();
  vi.advanceTimersByTime(490);
  expect(sink.ends).toEqual([]);
  vi.advanceTimersByTime(11);
  expect(sink.text).toHaveLength(500);
  expect(sink.ends).toEqual(['end']);
});

test('connections that share a rate take turns, and what one gives back is not lost', () => {
  const rate = new PacedRate(10_000);
  const benches = Array.from({ length: 4 }, () => faultBench([bandwidth(10_000, rate)]));
  for (const { read } of benches) read(Buffer.alloc(10_000));
  vi.advanceTimersByTime(1000);
  const counts = () => benches.map(({ sink }) => sink.text.length);
  const first = counts();
  expect(first.reduce((sum, count) => sum + count, 0)).toBeGreaterThan(9800);
  expect(first.reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(10_020);
  for (const count of first) expect(Math.abs(count - 2500)).toBeLessThanOrEqual(50);
  for (const { pipeline } of benches.slice(1)) pipeline.destroy();
  vi.advanceTimersByTime(500);
  expect((counts()[0] ?? 0) - (first[0] ?? 0)).toBeGreaterThan(4800);
});

test('many short connections do not use up a rate that they give back', () => {
  const rate = new PacedRate(10_000);
  const long = faultBench([bandwidth(10_000, rate)]);
  long.read(Buffer.alloc(20_000));
  for (let count = 0; count < 500; count += 1) {
    const { pipeline, read } = faultBench([bandwidth(10_000, rate)]);
    read(Buffer.alloc(1000));
    vi.advanceTimersByTime(1);
    pipeline.destroy();
  }
  expect(long.sink.text.length).toBeGreaterThan(2000);
  vi.advanceTimersByTime(2000);
  expect(long.sink.text.length).toBe(20_000);
});

test('datagrams stay whole, also empty and larger than the quantum', () => {
  const { sink, read } = faultBench([bandwidth(1000)], { kind: 'datagram' });
  const from = performance.now();
  for (const size of [100, 0, 300]) read(Buffer.alloc(size));
  vi.advanceTimersByTime(1000);
  expect(sink.written.map(({ at, bytes }) => [Math.round(at - from), bytes.length])).toEqual([
    [100, 100],
    [100, 0],
    [400, 300],
  ]);
});
