import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sampleEvent } from '../../test/support/samples.ts';
import type { Event } from './event.ts';
import { EventRing } from './event-ring.ts';

function events(first: number, count: number): readonly Event[] {
  return Array.from({ length: count }, (_, index) => ({ ...sampleEvent(), seq: first + index }));
}

const seqs = (page: readonly Event[] | null) => page?.map((event) => event.seq) ?? null;

test('it gives at most as many as asked for, right after the seq', () => {
  const ring = new EventRing(10);
  ring.push(1, events(1, 5));
  expect(seqs(ring.after(0, 2))).toEqual([1, 2]);
  expect(seqs(ring.after(3, 9))).toEqual([4, 5]);
});

test('where it does not hold the very next event it says so', () => {
  const ring = new EventRing(10);
  ring.push(11, events(11, 3));
  expect(ring.after(9, 5)).toBeNull();
  expect(ring.after(13, 5)).toBeNull();
  expect(ring.after(99, 5)).toBeNull();
});

test('after a gap it starts anew behind it', () => {
  const ring = new EventRing(10);
  ring.push(1, events(1, 3));
  ring.push(5, events(5, 2));
  expect(ring.after(2, 5)).toBeNull();
  expect(ring.after(3, 5)).toBeNull();
  expect(seqs(ring.after(4, 5))).toEqual([5, 6]);
});

test('a push of nothing behind a gap holds nothing of before it', () => {
  const ring = new EventRing(10);
  ring.push(1, events(1, 3));
  ring.push(6, []);
  expect(ring.after(2, 5)).toBeNull();
  ring.push(6, events(6, 1));
  expect(seqs(ring.after(5, 5))).toEqual([6]);
});

test('whatever is pushed, it keeps the newest, at most twice its capacity, without a gap', () => {
  const push = fc.record({ gap: fc.constantFrom(0, 0, 0, 3), count: fc.nat({ max: 7 }) });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5 }), fc.array(push), (capacity, pushes) => {
      const ring = new EventRing(capacity);
      let head = 0;
      let since = 0;
      for (const { gap, count } of pushes) {
        if (gap > 0) since = head + gap;
        head += gap;
        ring.push(head + 1, events(head + 1, count));
        head += count;
        const held = Array.from({ length: head + 2 }, (_, seq) => ring.after(seq, 1000));
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
