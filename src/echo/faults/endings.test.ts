import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { activeFault, faultBench } from '../../../test/support/fault-bench.ts';
import type { FaultEffect } from '../../core/fault.ts';

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
const close = (fault: Omit<FaultEffect & { type: 'close' }, 'type'>) =>
  activeFault({ type: 'close', ...fault });
const blackhole = (how: 'drop' | 'stall') => activeFault({ type: 'blackhole', how });
const slowClose = (delayMs: number) => activeFault({ type: 'slow_close', delayMs });

describe('limit', () => {
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
});

describe('close', () => {
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
});

describe('blackhole', () => {
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

describe('slow_close', () => {
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
});
