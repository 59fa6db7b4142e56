import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { activeFault, faultBench } from '../../test/support/fault-bench.ts';
import { drawDelayMs } from './latency.ts';
import { seededRandom } from './seeded-random.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const latency = (delayMs: number, jitterMs = 0, options = {}) =>
  activeFault({ type: 'latency', delayMs, jitterMs, distribution: 'uniform' }, options);

test('bytes come back after the delay, no earlier and no later, each read for itself', () => {
  const { sink, read } = faultBench([latency(100)]);
  const from = performance.now();
  read('one');
  vi.advanceTimersByTime(30);
  read('two');
  vi.advanceTimersByTime(69);
  expect(sink.text).toBe('');
  vi.advanceTimersByTime(1);
  expect(sink.text).toBe('one');
  vi.advanceTimersByTime(29);
  expect(sink.text).toBe('one');
  vi.advanceTimersByTime(1);
  expect(sink.written.map(({ at }) => at - from)).toEqual([100, 130]);
});

test('a delay of 0 hands straight on', () => {
  const { sink, read } = faultBench([latency(0)]);
  read('now');
  expect(sink.text).toBe('now');
});

test('the FIN is delayed too, and comes behind its bytes', () => {
  const { sink, pipeline, read } = faultBench([latency(100, 90)]);
  for (let count = 0; count < 20; count += 1) read(String.fromCharCode(97 + count));
  pipeline.end();
  const from = performance.now();
  vi.advanceTimersByTime(9);
  expect(sink.calls).toEqual([]);
  vi.advanceTimersByTime(200);
  expect(sink.text).toBe('abcdefghijklmnopqrst');
  expect(sink.ends).toEqual(['end']);
  expect((sink.calls[0]?.at ?? 0) - from).toBeLessThanOrEqual(191);
});

test('jitter stays within its bounds, and bytes of a stream never overtake each other', () => {
  const { sink, read } = faultBench([latency(100, 50)]);
  const readAt: number[] = [];
  for (let count = 0; count < 200; count += 1) {
    readAt.push(performance.now());
    read(Buffer.from([count]));
    vi.advanceTimersByTime(count % 7);
  }
  vi.advanceTimersByTime(1000);
  expect(sink.written.map(({ bytes }) => bytes[0])).toEqual([...readAt.keys()]);
  const delays = sink.written.map(({ at }, place) => at - (readAt[place] ?? 0));
  expect(Math.min(...delays)).toBeGreaterThanOrEqual(50);
  expect(Math.max(...delays)).toBeLessThanOrEqual(151);
  expect(new Set(delays.map(Math.round)).size).toBeGreaterThan(10);
});

test('datagrams may overtake each other, and none is lost', () => {
  const { sink, read } = faultBench([latency(100, 100)], { kind: 'datagram' });
  const sent = Array.from({ length: 50 }, (_, count) => `datagram ${count}`);
  for (const datagram of sent) read(datagram);
  vi.advanceTimersByTime(1000);
  expect(sink.pieces).not.toEqual(sent);
  expect(sink.pieces.toSorted()).toEqual(sent.toSorted());
});

test('the same seed gives the same times, another seed others', () => {
  const times = (seed: number): number[] => {
    const { sink, read } = faultBench([latency(100, 100, { seed })], { kind: 'datagram' });
    const from = performance.now();
    for (let count = 0; count < 30; count += 1) read('x');
    vi.advanceTimersByTime(1000);
    return sink.written.map(({ at }) => at - from);
  };
  const first = times(5);
  expect(times(5)).toEqual(first);
  expect(times(6)).not.toEqual(first);
});

test.each(['uniform', 'normal', 'pareto'] as const)(
  '%s has the mean and spread that it says',
  (distribution) => {
    const random = seededRandom(3, 1);
    const delay = { delayMs: 1000, jitterMs: 100, distribution };
    const drawn = Array.from({ length: 50_000 }, () => drawDelayMs(delay, random));
    const mean = drawn.reduce((sum, each) => sum + each, 0) / drawn.length;
    const deviation = Math.sqrt(
      drawn.reduce((sum, each) => sum + (each - mean) ** 2, 0) / drawn.length,
    );
    const median = drawn.toSorted((a, b) => a - b)[25_000] ?? 0;
    expect(Math.abs(mean - 1000)).toBeLessThan(5);
    const expected = distribution === 'uniform' ? 100 / Math.sqrt(3) : 100;
    expect(Math.abs(deviation - expected)).toBeLessThan(distribution === 'pareto' ? 25 : 2);
    if (distribution === 'pareto') {
      expect(median).toBeLessThan(980);
      expect(Math.max(...drawn)).toBeGreaterThan(1500);
      expect(Math.min(...drawn)).toBeGreaterThan(1000 - 58);
    } else expect(Math.abs(median - 1000)).toBeLessThan(5);
  },
);

test('a drawn delay is never negative', () => {
  const random = seededRandom(1, 1);
  const delay = { delayMs: 1, jitterMs: 100, distribution: 'normal' } as const;
  for (let count = 0; count < 1000; count += 1) {
    expect(drawDelayMs(delay, random)).toBeGreaterThanOrEqual(0);
  }
});

test('a delay longer than a timer can wait does not end early', () => {
  const jitterMs = 2 ** 33;
  const { sink, read } = faultBench([latency(jitterMs)]);
  read('late');
  vi.advanceTimersByTime(2 ** 31);
  expect(sink.text).toBe('');
  vi.advanceTimersByTime(2 ** 33 - 2 ** 31);
  expect(sink.text).toBe('late');
});
