import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { activeFault, faultBench } from '../../test/support/fault-bench.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const speak = (more: object = {}, text = 'hey ') =>
  activeFault({ type: 'speak', text, afterIdleMs: 100, growth: 1, ...more });

test('it speaks after a silence, and again after each', () => {
  const { sink } = faultBench([speak()]);
  vi.advanceTimersByTime(99);
  expect(sink.text).toBe('');
  vi.advanceTimersByTime(1);
  expect(sink.text).toBe('hey ');
  vi.advanceTimersByTime(300);
  expect(sink.text).toBe('hey hey hey hey ');
});

test('a byte of the client begins the silence anew', () => {
  const { sink, read } = faultBench([speak()]);
  for (let turn = 0; turn < 4; turn += 1) {
    vi.advanceTimersByTime(90);
    read('x');
  }
  expect(sink.text).toBe('xxxx');
  vi.advanceTimersByTime(99);
  expect(sink.text).toBe('xxxx');
  vi.advanceTimersByTime(1);
  expect(sink.text).toBe('xxxxhey ');
});

test('silences grow, up to the longest, and it speaks so many times', () => {
  const { sink } = faultBench([speak({ growth: 2, maxIdleMs: 300, times: 4 })]);
  const spokenAt: number[] = [];
  sink.onWrite = () => spokenAt.push(performance.now());
  const begin = performance.now();
  vi.advanceTimersByTime(10_000);
  expect(spokenAt.map((at) => at - begin)).toEqual([100, 300, 600, 900]);
});

test('a silence that the fault did not hear is not broken', () => {
  const { sink, pipeline } = faultBench([], { ageMs: 1000 });
  pipeline.replace([speak({}, 'late')]);
  expect(sink.text).toBe('');
  vi.advanceTimersByTime(99);
  expect(sink.text).toBe('');
  vi.advanceTimersByTime(1);
  expect(sink.text).toBe('late');
  pipeline.replace([]);
  vi.advanceTimersByTime(1000);
  expect(sink.text).toBe('late');
});

test('nothing is said behind an end, or to a client that takes nothing', () => {
  const over = faultBench([speak()]);
  over.pipeline.end();
  vi.advanceTimersByTime(1000);
  expect(over.sink.text).toBe('');
  const full = faultBench([speak()]);
  full.sink.pending = 2 ** 40;
  vi.advanceTimersByTime(1000);
  expect(full.sink.text).toBe('');
  full.sink.pending = 0;
  vi.advanceTimersByTime(100);
  expect(full.sink.text).toBe('hey ');
});

test('it says any bytes', () => {
  const bytes = activeFault({ type: 'speak', base64: '/wA=', afterIdleMs: 10, growth: 1 });
  const { sink } = faultBench([bytes]);
  vi.advanceTimersByTime(10);
  expect(sink.written[0]?.bytes).toEqual(Buffer.from([0xff, 0]));
});
