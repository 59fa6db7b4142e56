import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { activeFault, faultBench } from '../../test/support/fault-bench.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const latency = (delayMs: number) =>
  activeFault({ type: 'latency', delayMs, jitterMs: 0, distribution: 'uniform' });
const limit = (bytes: number, action: 'fin' | 'rst' | 'blackhole' = 'fin') =>
  activeFault({ type: 'limit', bytes, action });

test.each(['fin', 'rst'] as const)('exactly so many bytes pass, then %s', (action) => {
  const { sink, read } = faultBench([limit(10, action)]);
  read('abcdef');
  expect(sink.ends).toEqual([]);
  read('ghijkl');
  expect(sink.text).toBe('abcdefghij');
  expect(sink.ends).toEqual([action]);
  read('mno');
  expect(sink.text).toBe('abcdefghij');
});

test('it acts as soon as the last byte has passed', () => {
  const { sink, read } = faultBench([limit(3)]);
  read('abc');
  expect(sink.ends).toEqual(['fin']);
});

test('a limit of 0 acts at the start', () => {
  expect(faultBench([limit(0, 'rst')]).sink.ends).toEqual(['rst']);
});

test('a black hole swallows the rest, and the FIN', () => {
  const { sink, pipeline, read } = faultBench([limit(3, 'blackhole')]);
  read('abcdef');
  pipeline.end();
  vi.advanceTimersByTime(1e6);
  expect(sink.text).toBe('abc');
  expect(sink.ends).toEqual([]);
  pipeline.replace([]);
  expect(sink.text).toBe('abc');
  expect(sink.ends).toEqual(['end']);
});

test.each(['fin', 'rst'] as const)('%s waits for bytes that another fault holds', (action) => {
  const { sink, read } = faultBench([limit(3, action), latency(100)]);
  read('abcdef');
  vi.advanceTimersByTime(99);
  expect(sink.ends).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(sink.text).toBe('abc');
  vi.advanceTimersByTime(1);
  expect(sink.ends).toEqual([action]);
});

test('a datagram passes whole or not at all', () => {
  const { sink, read } = faultBench([limit(10)], { kind: 'datagram' });
  read('sixsix');
  read('sixsix');
  read('six');
  expect(sink.pieces).toEqual(['sixsix']);
  expect(sink.ends).toEqual(['fin']);
});

test('a client that ends below the limit is answered', () => {
  const { sink, pipeline, read } = faultBench([limit(10)]);
  read('abc');
  pipeline.end();
  expect(sink.text).toBe('abc');
  expect(sink.ends).toEqual(['end']);
});
