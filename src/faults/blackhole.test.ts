import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { activeFault, faultBench } from '../../test/support/fault-bench.ts';
import type { CloseMode } from './held-items.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const close = (fault: { readonly afterMs: number; readonly mode: CloseMode }) =>
  activeFault({ type: 'close', ...fault });
const blackhole = (how: 'drop' | 'stall') => activeFault({ type: 'blackhole', how });

test('drop reads and forgets, and does not answer the FIN until it goes', () => {
  const { sink, pipeline, read } = faultBench([blackhole('drop')]);
  read('gone');
  pipeline.end();
  vi.advanceTimersByTime(1e6);
  expect(sink.calls).toEqual([]);
  pipeline.replace([]);
  expect(sink.text).toBe('');
  expect(sink.ends).toEqual(['end']);
});

test('stall stops reading, and what came goes back when it goes', () => {
  const { sink, pipeline, read } = faultBench([blackhole('stall')]);
  expect(sink.isReading).toBe(false);
  read('on its way');
  vi.advanceTimersByTime(1e6);
  pipeline.drained();
  expect(sink.text).toBe('');
  expect(sink.isReading).toBe(false);
  pipeline.replace([]);
  expect(sink.text).toBe('on its way');
  expect(sink.isReading).toBe(true);
  expect(pipeline.isIdle).toBe(true);
});

test('stall comes to a living connection', () => {
  const { sink, pipeline, read } = faultBench([]);
  read('a');
  pipeline.replace([blackhole('stall')]);
  expect(sink.isReading).toBe(false);
  expect(sink.text).toBe('a');
});

test('datagrams cannot be left unread: stall drops them', () => {
  const { sink, read, pipeline } = faultBench([blackhole('stall')], { kind: 'datagram' });
  read('gone');
  pipeline.replace([]);
  expect(sink.text).toBe('');
  expect(sink.calls).toEqual([]);
});

test.each(['drop', 'stall'] as const)(
  '%s keeps no fault from closing, after which the client is read from',
  (how) => {
    const { sink } = faultBench([close({ afterMs: 50, mode: 'half_close' }), blackhole(how)]);
    vi.advanceTimersByTime(50);
    expect(sink.ends).toEqual(['half_close']);
    expect(sink.isReading).toBe(true);
  },
);
