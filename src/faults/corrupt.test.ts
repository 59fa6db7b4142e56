import { expect, test } from 'vitest';
import { activeFault, faultBench } from '../../test/support/fault-bench.ts';

const corrupt = (bytes: number, seed = 1) => activeFault({ type: 'corrupt', bytes }, { seed });

function changedPlaces(before: Buffer, after: Buffer): number[] {
  expect(after.length).toBe(before.length);
  return [...before.keys()].filter((place) => before[place] !== after[place]);
}

test.each([
  [1, 100, 1],
  [10, 100, 10],
  [100, 100, 100],
  [65_536, 3, 3],
])('%i bytes of a read of %i: exactly %i really differ', (bytes, length, expected) => {
  const { sink, read } = faultBench([corrupt(bytes)]);
  const sent = Buffer.alloc(length, 0x55);
  for (let count = 0; count < 50; count += 1) read(sent);
  for (const { bytes: back } of sink.written)
    expect(changedPlaces(sent, back)).toHaveLength(expected);
});

test('every place is hit now and then, by the seed', () => {
  const run = (seed: number): number[] => {
    const { sink, read } = faultBench([corrupt(2, seed)]);
    const sent = Buffer.alloc(10);
    for (let count = 0; count < 500; count += 1) read(sent);
    return sink.written.flatMap(({ bytes }) => changedPlaces(sent, bytes));
  };
  const counts = Object.values(Object.groupBy(run(1), (place) => place)).map(
    (all) => all?.length ?? 0,
  );
  expect(counts).toHaveLength(10);
  for (const count of counts) expect(Math.abs(count - 100)).toBeLessThan(40);
  expect(run(1)).toEqual(run(1));
  expect(run(2)).not.toEqual(run(1));
});

test('what is read is not changed in its own place', () => {
  const { pipeline } = faultBench([corrupt(10)]);
  const sent = Buffer.from('untouched!');
  pipeline.push(sent);
  expect(sent.toString()).toBe('untouched!');
});
