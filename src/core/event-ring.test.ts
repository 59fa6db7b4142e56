import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sampleEvent, sampleListener } from '../../test/support/samples.ts';
import type { Event } from './event.ts';
import { EventRing } from './event-ring.ts';
import { eventBytes, itemBytes } from './sizes.ts';

function events(first: number, count: number): readonly Event[] {
  return Array.from({ length: count }, (_, index) => ({ ...sampleEvent(), seq: first + index }));
}

const seqs = (page: readonly Event[] | null) => page?.map((event) => event.seq) ?? null;

test('it gives at most as many as asked for, right after the seq', () => {
  const ring = new EventRing({ eventsMax: 10, bytesMax: 1e9 });
  ring.push(1, events(1, 5));
  expect(seqs(ring.after(0, 2, 1e9))).toEqual([1, 2]);
  expect(seqs(ring.after(3, 9, 1e9))).toEqual([4, 5]);
});

test('where it does not hold the very next event it says so', () => {
  const ring = new EventRing({ eventsMax: 10, bytesMax: 1e9 });
  ring.push(11, events(11, 3));
  expect(ring.after(9, 5, 1e9)).toBeNull();
  expect(ring.after(13, 5, 1e9)).toBeNull();
  expect(ring.after(99, 5, 1e9)).toBeNull();
});

test('after a gap it starts anew behind it', () => {
  const ring = new EventRing({ eventsMax: 10, bytesMax: 1e9 });
  ring.push(1, events(1, 3));
  ring.push(5, events(5, 2));
  expect(ring.after(2, 5, 1e9)).toBeNull();
  expect(ring.after(3, 5, 1e9)).toBeNull();
  expect(seqs(ring.after(4, 5, 1e9))).toEqual([5, 6]);
});

test('a push of nothing behind a gap holds nothing of before it', () => {
  const ring = new EventRing({ eventsMax: 10, bytesMax: 1e9 });
  ring.push(1, events(1, 3));
  ring.push(6, []);
  expect(ring.after(2, 5, 1e9)).toBeNull();
  ring.push(6, events(6, 1));
  expect(seqs(ring.after(5, 5, 1e9))).toEqual([6]);
});

const large = (seq: number): Event => {
  const listener = sampleListener({ labels: { large: 'x'.repeat(10_000) } });
  return { seq, type: 'listener_updated', time: seq, listenerId: listener.id, listener };
};

test('a page ends with the event with which it holds so many bytes', () => {
  const ring = new EventRing({ eventsMax: 100, bytesMax: 1e9 });
  ring.push(1, [...events(1, 3), large(4), large(5), ...events(6, 5)]);
  expect(seqs(ring.after(0, 9, 1))).toEqual([1]);
  expect(seqs(ring.after(0, 9, 3 * itemBytes))).toEqual([1, 2, 3]);
  expect(seqs(ring.after(0, 9, 4 * itemBytes))).toEqual([1, 2, 3, 4]);
  expect(seqs(ring.after(3, 9, 15_000))).toEqual([4, 5]);
  expect(seqs(ring.after(3, 1, 15_000))).toEqual([4]);
});

test('it never holds more bytes than it may, and the newest event whatever its size', () => {
  const bytesMax = 100_000;
  const ring = new EventRing({ eventsMax: 1000, bytesMax });
  for (let seq = 1; seq <= 200; seq += 1) {
    ring.push(seq, [seq % 3 === 0 ? large(seq) : { ...sampleEvent(), seq }]);
    const first = Array.from({ length: seq }, (_, at) => at).find(
      (at) => ring.after(at, 1, 1) !== null,
    );
    const held = ring.after(first ?? seq, 1000, 1e9) ?? [];
    expect(held.at(-1)?.seq).toBe(seq);
    const bytes = held.reduce((sum, event) => sum + eventBytes(event), 0);
    expect(bytes).toBeLessThanOrEqual(bytesMax);
    if (seq > 100) expect(bytes).toBeGreaterThan(bytesMax / 4);
  }
  const small = new EventRing({ eventsMax: 10, bytesMax: 1 });
  small.push(1, [large(1), large(2)]);
  expect(seqs(small.after(1, 9, 1e9))).toEqual([2]);
  expect(small.after(0, 9, 1e9)).toBeNull();
});

test('whatever is pushed, it keeps the newest, at most twice its capacity, without a gap', () => {
  const push = fc.record({ gap: fc.constantFrom(0, 0, 0, 3), count: fc.nat({ max: 7 }) });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5 }), fc.array(push), (capacity, pushes) => {
      const ring = new EventRing({ eventsMax: capacity, bytesMax: 1e9 });
      let head = 0;
      let since = 0;
      for (const { gap, count } of pushes) {
        if (gap > 0) since = head + gap;
        head += gap;
        ring.push(head + 1, events(head + 1, count));
        head += count;
        const held = Array.from({ length: head + 2 }, (_, seq) => ring.after(seq, 1000, 1e9));
        const longest = Math.max(0, ...held.map((page) => page?.length ?? 0));
        expect(longest).toBeLessThanOrEqual(2 * capacity);
        expect(longest).toBeGreaterThanOrEqual(Math.min(capacity, head - since));
        held.forEach((page, seq) => {
          const expected = Array.from({ length: head - seq }, (_, index) => seq + 1 + index);
          if (page !== null) expect(seqs(page)).toEqual(expected);
        });
      }
    }),
    { numRuns: 50 },
  );
});
