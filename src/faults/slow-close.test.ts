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
const slowClose = (delayMs: number) => activeFault({ type: 'slow_close', delayMs });

test('the FIN is answered after the delay, bytes are not delayed', () => {
  const { sink, pipeline, read } = faultBench([slowClose(500)]);
  read('abc');
  expect(sink.text).toBe('abc');
  pipeline.end();
  vi.advanceTimersByTime(499);
  expect(sink.ends).toEqual([]);
  expect(pipeline.isIdle).toBe(false);
  vi.advanceTimersByTime(1);
  expect(sink.ends).toEqual(['end']);
});

test('the delay begins when all bytes have passed', () => {
  const { sink, pipeline, read } = faultBench([latency(100), slowClose(500)]);
  read('abc');
  pipeline.end();
  vi.advanceTimersByTime(599);
  expect(sink.ends).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(sink.ends).toEqual(['end']);
});

test('a FIN that is kept goes when the fault goes', () => {
  const { sink, pipeline } = faultBench([slowClose(500)]);
  pipeline.end();
  pipeline.replace([]);
  expect(sink.ends).toEqual(['end']);
  expect(vi.getTimerCount()).toBe(0);
});
