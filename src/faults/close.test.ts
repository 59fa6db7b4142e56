import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { activeFault, faultBench } from '../../test/support/fault-bench.ts';
import type { CloseMode } from './held-items.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

interface CloseFields {
  readonly afterMs?: number;
  readonly afterBytes?: number;
  readonly afterMessages?: number;
  readonly mode: CloseMode;
}

const latency = (delayMs: number) =>
  activeFault({ type: 'latency', delayMs, jitterMs: 0, distribution: 'uniform' });
const limit = (bytes: number, action: 'fin' | 'rst' | 'blackhole' = 'fin') =>
  activeFault({ type: 'limit', bytes, action });
const close = (fault: CloseFields) => activeFault({ type: 'close', ...fault });
const blackhole = (how: 'drop' | 'stall') => activeFault({ type: 'blackhole', how });
const slowClose = (delayMs: number) => activeFault({ type: 'slow_close', delayMs });

test.each(['fin', 'rst', 'half_close'] as const)(
  '%s comes at its time, whatever is held',
  (mode) => {
    const { sink, read } = faultBench([latency(5000), close({ afterMs: 1000, mode })]);
    read('held');
    vi.advanceTimersByTime(999);
    expect(sink.ends).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(sink.ends).toEqual([mode]);
    vi.advanceTimersByTime(10_000);
    expect(sink.text).toBe('');
    expect(vi.getTimerCount()).toBe(0);
  },
);

test('the time counts from the accept, also where the fault came later', () => {
  const { sink, pipeline } = faultBench([], { ageMs: 400 });
  pipeline.replace([close({ afterMs: 1000, mode: 'rst' })]);
  vi.advanceTimersByTime(599);
  expect(sink.ends).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(sink.ends).toEqual(['rst']);
});

test('a time that is over closes at once', () => {
  const { sink, pipeline } = faultBench([], { ageMs: 4000 });
  pipeline.replace([close({ afterMs: 1000, mode: 'rst' })]);
  vi.advanceTimersByTime(1);
  expect(sink.ends).toEqual(['rst']);
});

test('bytes are counted as they are read, and those up to the last go back first', () => {
  const { sink, read } = faultBench([latency(100), close({ afterBytes: 5, mode: 'fin' })]);
  read('abc');
  vi.advanceTimersByTime(50);
  read('defghi');
  vi.advanceTimersByTime(99);
  read('late');
  expect(sink.ends).toEqual([]);
  vi.advanceTimersByTime(2);
  expect(sink.text).toBe('abcde');
  expect(sink.ends).toEqual(['fin']);
});

test('messages are reads', () => {
  const { sink, read } = faultBench([close({ afterMessages: 2, mode: 'half_close' })]);
  read('one');
  expect(sink.ends).toEqual([]);
  read('two');
  expect(sink.text).toBe('onetwo');
  expect(sink.ends).toEqual(['half_close']);
  read('three');
  expect(sink.text).toBe('onetwo');
});

test('a banner is no read', () => {
  const banner = activeFault({ type: 'banner', text: 'welcome', delayMs: 0 });
  const { sink, read } = faultBench([banner, close({ afterBytes: 3, mode: 'fin' })]);
  expect(sink.ends).toEqual([]);
  read('abc');
  expect(sink.text).toBe('welcomeabc');
  expect(sink.ends).toEqual(['fin']);
});

test('a client that ended before is answered, and nothing closes later', () => {
  const { sink, pipeline } = faultBench([close({ afterMs: 1000, mode: 'rst' })]);
  pipeline.end();
  vi.advanceTimersByTime(2000);
  expect(sink.ends).toEqual(['end']);
});

test('a time closes a connection whose own end is kept back', () => {
  const { sink, pipeline } = faultBench([slowClose(5000), close({ afterMs: 1000, mode: 'rst' })]);
  pipeline.end();
  vi.advanceTimersByTime(1000);
  expect(sink.ends).toEqual(['rst']);
});

test.each([
  ['blackhole drop', blackhole('drop')],
  ['blackhole stall', blackhole('stall')],
  ['limit', limit(0, 'blackhole')],
])('a close by what was read passes %s, which swallows the bytes', (_, swallowing) => {
  const { sink, read } = faultBench([close({ afterMessages: 1, mode: 'fin' }), swallowing]);
  read('abc');
  vi.advanceTimersByTime(1);
  expect(sink.text).toBe('');
  expect(sink.ends).toEqual(['fin']);
});
