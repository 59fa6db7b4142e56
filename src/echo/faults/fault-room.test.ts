import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { activeFault, boundlessFaults, faultBench } from '../../../test/support/fault-bench.ts';
import { FaultRoom } from './fault-room.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const latency = (delayMs: number) =>
  activeFault({ type: 'latency', delayMs, jitterMs: 0, distribution: 'uniform' });
const withRoom = (ofOneMax: number, ofAllMax: number) => ({
  ...boundlessFaults(),
  room: new FaultRoom(ofOneMax, ofAllMax),
});
const readBytes = 16_384;

/** Reads until its faults stop it. */
function fill({ sink, read }: ReturnType<typeof faultBench>, bytes = readBytes): number {
  let sent = 0;
  for (; sink.isReading; sent += bytes) read(Buffer.alloc(bytes));
  return sent;
}

test('one alone may hold its own bound, many together theirs, and each about as much', () => {
  const resources = withRoom(1_000_000, 4_000_000);
  const benches = Array.from({ length: 40 }, () => faultBench([latency(1e6)], { resources }));
  const [first, ...others] = benches.map((bench) => fill(bench));
  expect(first).toBeGreaterThan(900_000);
  expect(Math.min(...others)).toBeGreaterThan(0);
  expect(resources.room.held.bytes).toBeLessThan(4_000_000 + 40 * readBytes);
});

test('where nothing is left a stream still moves, read by read, and so do small datagrams', () => {
  const resources = withRoom(1_000_000, 100_000);
  for (let n = 0; n < 8; n += 1) fill(faultBench([latency(1e6)], { resources }));
  const late = faultBench([latency(10)], { resources });
  for (let n = 0; n < 10; n += 1) {
    expect(fill(late)).toBe(readBytes);
    vi.advanceTimersByTime(10);
  }
  expect(late.sink.text).toHaveLength(10 * readBytes);
  const datagrams = faultBench([latency(10)], { resources, kind: 'datagram' });
  datagrams.read(Buffer.alloc(1400));
  datagrams.read(Buffer.alloc(1400));
  vi.advanceTimersByTime(10);
  expect(datagrams.sink.text).toHaveLength(1400);
});

test('what a read was cut into is held within the bound, too, and all of it comes back', () => {
  const slice = activeFault({ type: 'slice', averageBytes: 1, variationBytes: 0, delayMs: 0 });
  const resources = withRoom(100_000, 1_000_000);
  const { sink, read } = faultBench([slice, latency(10), slice], { resources });
  read(Buffer.alloc(readBytes));
  expect(sink.isReading).toBe(false);
  expect(resources.room.held.bytes).toBeLessThan(100_000 + 2 * readBytes);
  vi.advanceTimersByTime(10_000);
  expect(sink.pieces).toHaveLength(readBytes);
  expect(resources.room.held.bytes).toBe(0);
});

test('the kernel is left with few writes that it has not taken', () => {
  const slice = activeFault({ type: 'slice', averageBytes: 1, variationBytes: 0, delayMs: 0 });
  const { sink, pipeline, read } = faultBench([slice]);
  sink.onWrite = () => {
    sink.pending += 1;
  };
  read(Buffer.alloc(1000));
  expect(sink.written).toHaveLength(16);
  for (let n = 0; n < 100; n += 1) {
    sink.pending = 0;
    pipeline.drained();
  }
  expect(sink.written).toHaveLength(1000);
});
