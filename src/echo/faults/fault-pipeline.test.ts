import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  activeFault,
  boundlessFaults,
  faultBench,
  hurriedFaults,
} from '../../../test/support/fault-bench.ts';
import type { ActiveFault } from '../../faults/stage.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const latency = (delayMs: number, jitterMs = 0) =>
  activeFault({ type: 'latency', delayMs, jitterMs, distribution: 'uniform' });
const bandwidth = (bytesPerSecond: number) =>
  activeFault({ type: 'bandwidth', bytesPerSecond, scope: 'connection' });
const slice = (averageBytes: number, variationBytes: number, delayMs: number) =>
  activeFault({ type: 'slice', averageBytes, variationBytes, delayMs });
const limit = (bytes: number, action: 'fin' | 'rst' | 'blackhole' = 'fin') =>
  activeFault({ type: 'limit', bytes, action });

describe('without a fault', () => {
  test('bytes are handed on as they are, not copied, and the FIN behind them', () => {
    const { sink, pipeline } = faultBench([]);
    const bytes = Buffer.from('same');
    let isSame = false;
    sink.write = (written) => {
      isSame = written === bytes;
    };
    pipeline.push(bytes);
    expect(isSame).toBe(true);
    expect(pipeline.isIdle).toBe(true);
    pipeline.end();
    expect(sink.ends).toEqual(['end']);
    expect(pipeline.isIdle).toBe(false);
  });
});

describe('the bound of what is held', () => {
  test('reading stops above it, goes on below half of it, and a long delay still flows', () => {
    const { sink, read } = faultBench([latency(1000)], { heldBytesMax: 100_000 });
    let sent = 0;
    let mostHeld = 0;
    for (let step = 0; step < 1000; step += 1) {
      while (sink.isReading) {
        read(Buffer.alloc(4096));
        sent += 4096;
      }
      mostHeld = Math.max(mostHeld, sent - sink.text.length);
      vi.advanceTimersByTime(10);
    }
    expect(mostHeld).toBeLessThanOrEqual(100_000 + 4096);
    expect(sink.text.length).toBeGreaterThan(9 * 90_000);
  });

  test('what the kernel has not taken counts as well', () => {
    const { sink, pipeline, read } = faultBench([limit(1e9)], { heldBytesMax: 1000 });
    read('x');
    sink.pending = 1001;
    read('x');
    expect(sink.isReading).toBe(false);
    expect(pipeline.isIdle).toBe(false);
    sink.pending = 501;
    pipeline.drained();
    expect(sink.isReading).toBe(false);
    sink.pending = 500;
    pipeline.drained();
    expect(sink.isReading).toBe(true);
  });

  test('small reads cost more than their bytes', () => {
    const { sink, read } = faultBench([latency(1000)], { heldBytesMax: 100_000 });
    let reads = 0;
    while (sink.isReading) {
      read('x');
      reads += 1;
    }
    expect(reads).toBeLessThan(1000);
  });

  test('a pipeline that is paused without faults is not idle before it reads again', () => {
    const { sink, pipeline, read } = faultBench([latency(1000)], { heldBytesMax: 1000 });
    read(Buffer.alloc(2000));
    expect(sink.isReading).toBe(false);
    sink.onWrite = () => {
      sink.pending = 2000;
    };
    pipeline.replace([]);
    expect(sink.text).toHaveLength(2000);
    expect(pipeline.isIdle).toBe(false);
    sink.pending = 0;
    pipeline.drained();
    expect(sink.isReading).toBe(true);
    expect(pipeline.isIdle).toBe(true);
  });

  test('datagrams beyond it are dropped, and no sender is paused', () => {
    const { sink, read } = faultBench([latency(1000)], { kind: 'datagram', heldBytesMax: 10_000 });
    for (let count = 0; count < 100; count += 1) read(Buffer.alloc(1000));
    vi.advanceTimersByTime(2000);
    expect(sink.written.length).toBeGreaterThanOrEqual(6);
    expect(sink.written.length).toBeLessThanOrEqual(8);
    expect(sink.calls).toEqual([]);
    read('again');
    vi.advanceTimersByTime(1000);
    expect(sink.text.endsWith('again')).toBe(true);
  });
});

describe('a change of the list', () => {
  test('a fault that stays keeps its count and what it holds', () => {
    const [counted, held] = [limit(6), latency(100)];
    const { sink, pipeline, read } = faultBench([counted, held]);
    read('abcd');
    vi.advanceTimersByTime(50);
    pipeline.replace([slice(1, 0, 0), counted, held]);
    vi.advanceTimersByTime(49);
    expect(sink.text).toBe('');
    vi.advanceTimersByTime(1);
    expect(sink.text).toBe('abcd');
    read('efgh');
    vi.advanceTimersByTime(101);
    expect(sink.text).toBe('abcdef');
    expect(sink.ends).toEqual(['fin']);
  });

  test('what a removed fault holds goes on through what stood behind it', () => {
    const behind = latency(100);
    const { sink, pipeline, read } = faultBench([latency(5000), behind]);
    read('abc');
    pipeline.end();
    vi.advanceTimersByTime(50);
    pipeline.replace([behind]);
    vi.advanceTimersByTime(99);
    expect(sink.text).toBe('');
    vi.advanceTimersByTime(1);
    expect(sink.text).toBe('abc');
    expect(sink.ends).toEqual(['end']);
  });

  test('faults that come and go before a byte does act from the first one on', () => {
    const { sink, read, pipeline } = faultBench([latency(100)]);
    const five = limit(5);
    pipeline.replace([five]);
    pipeline.replace([five, latency(10)]);
    read('abc');
    pipeline.replace([five, latency(20)]);
    read('defg');
    vi.advanceTimersByTime(20);
    expect([sink.text, sink.ends]).toEqual(['abcde', ['fin']]);
  });

  test('what acts unasked acts where others wait for a byte', () => {
    const { sink, pipeline } = faultBench([latency(100)]);
    pipeline.replace([latency(10), limit(0)]);
    expect(sink.ends).toEqual(['fin']);
  });

  test('a new count begins with the change', () => {
    const { sink, pipeline, read } = faultBench([latency(0)]);
    read('abcdef');
    pipeline.replace([limit(3, 'rst')]);
    read('ghijkl');
    expect(sink.text).toBe('abcdefghi');
    expect(sink.ends).toEqual(['rst']);
  });

  test('another order of the same faults overtakes nothing', () => {
    const [one, two] = [latency(100), bandwidth(1000)];
    const { sink, pipeline, read } = faultBench([one, two]);
    read('a'.repeat(50));
    vi.advanceTimersByTime(110);
    read('b'.repeat(50));
    pipeline.replace([two, one]);
    read('c'.repeat(50));
    vi.advanceTimersByTime(1000);
    expect(sink.text).toBe('a'.repeat(50) + 'b'.repeat(50) + 'c'.repeat(50));
  });

  test.each([
    ['a black hole', activeFault({ type: 'blackhole', how: 'drop' })],
    ['a limit', limit(0, 'blackhole')],
    ['slow_close', activeFault({ type: 'slow_close', delayMs: 1000 })],
  ])('the FIN that %s keeps is not let go by another order', (_, keeper) => {
    const other = latency(0);
    const { sink, pipeline } = faultBench([other, keeper]);
    pipeline.end();
    vi.advanceTimersByTime(1);
    pipeline.replace([keeper, other]);
    vi.advanceTimersByTime(998);
    expect(sink.ends).toEqual([]);
    pipeline.replace([other]);
    vi.advanceTimersByTime(1);
    expect(sink.ends).toEqual(['end']);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('an end by a fault that was on its way stays the end', () => {
    const { sink, pipeline, read } = faultBench([limit(3), latency(100)]);
    read('abcdef');
    pipeline.replace([]);
    expect(sink.text).toBe('abc');
    expect(sink.ends).toEqual(['fin']);
    read('more');
    pipeline.end();
    pipeline.replace([latency(1)]);
    expect(sink.text).toBe('abc');
    expect(pipeline.isIdle).toBe(false);
  });
});

describe('the end of a pipeline', () => {
  test('nothing is called and no timer is left after destroy', () => {
    const close = activeFault({ type: 'close', afterMs: 500, mode: 'rst' });
    const late = activeFault({ type: 'banner', text: 'late', delayMs: 300 });
    const slow = activeFault({ type: 'slow_close', delayMs: 10 });
    const faults = [close, slice(1, 0, 10), latency(10), bandwidth(10), slow, late];
    const { sink, pipeline, read } = faultBench(faults, { heldBytesMax: 10 });
    read('abcdef');
    vi.advanceTimersByTime(50);
    pipeline.end();
    const calls = sink.calls.length;
    pipeline.destroy();
    read('more');
    pipeline.end();
    pipeline.drained();
    pipeline.replace([latency(1)]);
    expect(vi.getTimerCount()).toBe(0);
    vi.advanceTimersByTime(1000);
    expect(sink.text).toBe('');
    expect(sink.calls).toHaveLength(calls);
  });

  test.each([
    ['slice', slice(1, 0, 0)],
    ['latency', latency(10)],
    ['bandwidth', bandwidth(1e6)],
  ])('a sink that destroys it in the middle of a write ends %s', (_, fault) => {
    const { sink, pipeline, read } = faultBench([fault, slice(1, 0, 0)]);
    sink.onWrite = () => pipeline.destroy();
    read('abc');
    read('def');
    vi.advanceTimersByTime(100);
    expect(sink.text).toBe('a');
    expect(vi.getTimerCount()).toBe(0);
  });

  test('a stage that is destroyed takes nothing more from the one before it', () => {
    const { sink, pipeline, read } = faultBench([latency(10), slice(1, 0, 5)]);
    sink.onWrite = () => pipeline.destroy();
    read('a');
    read('b');
    vi.advanceTimersByTime(10);
    expect(sink.text).toBe('a');
    expect(vi.getTimerCount()).toBe(0);
  });

  test('one that destroys it in the middle of a change ends the change', () => {
    const stays = latency(10);
    const { sink, pipeline, read } = faultBench([latency(10), stays, latency(10)]);
    read('abc');
    vi.advanceTimersByTime(20);
    read('def');
    sink.onWrite = () => pipeline.destroy();
    pipeline.replace([stays]);
    expect(sink.text).toBe('abc');
    expect(vi.getTimerCount()).toBe(0);
  });
});

type Step =
  | { readonly push: number }
  | { readonly advance: number }
  | { readonly list: readonly number[] }
  | { readonly pending: number };

const stepArbitrary: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ push: fc.integer({ min: 1, max: 60 }) }) },
  { weight: 3, arbitrary: fc.record({ advance: fc.integer({ min: 0, max: 80 }) }) },
  { weight: 2, arbitrary: fc.record({ list: fc.shuffledSubarray([0, 1, 2, 3, 4, 5, 6, 7]) }) },
  { weight: 1, arbitrary: fc.record({ pending: fc.integer({ min: 0, max: 3000 }) }) },
);

const stallPlace = 7;
/** Faults that neither drop nor change. */
function harmless(): readonly ActiveFault[] {
  return [
    latency(30),
    latency(20, 20),
    bandwidth(3000),
    slice(7, 3, 5),
    slice(5, 5, 0),
    activeFault({ type: 'slow_close', delayMs: 40 }),
    limit(1e9),
    activeFault({ type: 'blackhole', how: 'stall' }),
  ];
}

const choose = <T>(all: readonly T[], places: readonly number[]): T[] =>
  places.flatMap((place) => all.slice(place, place + 1));

test('whatever is changed while bytes flow, all come back in order, then the end', () => {
  const property = fc.property(
    fc.shuffledSubarray([0, 1, 2, 3, 4, 5, 6, 7]),
    fc.array(stepArbitrary, { maxLength: 40 }),
    fc.boolean(),
    fc.boolean(),
    fc.boolean(),
    (first, steps, isEndLast, isCleared, isHurried) => {
      const faults = harmless();
      const resources = isHurried ? hurriedFaults(2000) : boundlessFaults(2000);
      const { sink, pipeline, read } = faultBench(choose(faults, first), { resources });
      let sent = '';
      let list: readonly number[] = first;
      const endAt = isEndLast ? steps.length : Math.floor(steps.length / 2);
      for (const [number, step] of steps.entries()) {
        if (number === endAt) pipeline.end();
        if ('push' in step && number < endAt) {
          const text = Array.from({ length: step.push }, (_, at) =>
            String.fromCharCode(48 + ((sent.length + at) % 75)),
          ).join('');
          sent += text;
          read(text);
        } else if ('advance' in step) vi.advanceTimersByTime(step.advance);
        else if ('pending' in step) {
          sink.pending = step.pending;
          pipeline.drained();
        } else if ('list' in step) {
          list = step.list;
          pipeline.replace(choose(faults, list));
        }
        expect(sent.startsWith(sink.text)).toBe(true);
        if (sink.ends.length > 0) expect(sink.text).toBe(sent);
      }
      if (endAt === steps.length) pipeline.end();
      if (isCleared) pipeline.replace([]);
      else
        pipeline.replace(
          choose(
            faults,
            list.filter((place) => place !== stallPlace),
          ),
        );
      sink.pending = 0;
      pipeline.drained();
      if (!isCleared || isHurried) vi.advanceTimersByTime(60_000);
      expect(sink.text).toBe(sent);
      expect(sink.ends).toEqual(['end']);
      expect(resources.room.held.bytes).toBe(0);
      expect(vi.getTimerCount()).toBe(0);
    },
  );
  fc.assert(property, { numRuns: 500 });
});

test('whatever is changed while datagrams flow, each comes back whole and once', () => {
  const stepsArbitrary = fc.array(stepArbitrary, { maxLength: 40 });
  const property = fc.property(stepsArbitrary, fc.boolean(), (steps, isHurried) => {
    const resources = isHurried ? hurriedFaults() : boundlessFaults();
    const faults = [
      latency(30, 30),
      bandwidth(3000),
      activeFault(
        { type: 'bandwidth', bytesPerSecond: 9000, scope: 'connection' },
        { probability: 0.5 },
      ),
      activeFault(
        { type: 'latency', delayMs: 10, jitterMs: 0, distribution: 'normal' },
        { probability: 0.5 },
      ),
      limit(1e9),
    ];
    const { sink, pipeline, read } = faultBench(faults, { kind: 'datagram', resources });
    const sent: string[] = [];
    for (const step of steps) {
      if ('push' in step) {
        const text = `${sent.length} `.padEnd(step.push, 'x');
        sent.push(text);
        read(text);
      } else if ('advance' in step) vi.advanceTimersByTime(step.advance);
      else if ('list' in step) pipeline.replace(choose(faults, step.list));
    }
    vi.advanceTimersByTime(60_000);
    expect(sink.pieces.toSorted()).toEqual(sent.toSorted());
  });
  fc.assert(property, { numRuns: 200 });
});

test('a datagram is doubled once, and never cut, whatever the list says', () => {
  const duplicate = () => activeFault({ type: 'duplicate' });
  const faults = [duplicate(), duplicate(), slice(1, 0, 0), duplicate()];
  const { sink, read } = faultBench(faults, { kind: 'datagram' });
  read('once and again');
  expect(sink.pieces).toEqual(['once and again', 'once and again']);
});

test('the same seed gives the same run through all faults, whatever the reads look like to others', () => {
  const run = (seed: number, resources = boundlessFaults()) => {
    const faults = [
      activeFault({ type: 'corrupt', bytes: 2 }, { seed }),
      activeFault({ type: 'slice', averageBytes: 8, variationBytes: 6, delayMs: 3 }, { seed }),
      activeFault({ type: 'latency', delayMs: 40, jitterMs: 30, distribution: 'normal' }, { seed }),
    ];
    const { sink, read } = faultBench(faults, { resources });
    const other = faultBench([latency(40, 30)]);
    const from = performance.now();
    for (let count = 0; count < 20; count += 1) {
      read('the same bytes for each run');
      other.read('x'.repeat(count + seed));
      vi.advanceTimersByTime(5);
    }
    vi.advanceTimersByTime(5000);
    return sink.written.map(({ at, bytes }) => `${at - from} ${bytes.toString('hex')}`);
  };
  const first = run(1);
  expect(run(1)).toEqual(first);
  const bytesOf = (written: readonly string[]) => written.map((one) => one.split(' ')[1]);
  expect(bytesOf(run(1, hurriedFaults()))).toEqual(bytesOf(first));
  expect(run(2)).not.toEqual(first);
});
