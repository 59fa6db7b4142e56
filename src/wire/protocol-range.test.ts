import { expect, test } from 'vitest';
import { commonProtocol, type ProtocolRange, rangeText } from './protocol-range.ts';

const range = (from: number, to: number): ProtocolRange => ({ from, to });

test.each([
  [null, range(1, 1), 1],
  [null, range(1, 2), 1],
  [null, range(2, 3), null],
  [range(1, 2), range(2, 3), 2],
  [range(2, 3), range(1, 2), 2],
  [range(1, 9), range(2, 3), 3],
  [range(3, 4), range(1, 2), null],
  [range(1, 2), range(3, 4), null],
])('of %j and %j the newest common one is %j', (theirs, ours, common) => {
  expect(commonProtocol(theirs, ours)).toBe(common);
});

test('a range reads as people say it', () => {
  expect([range(1, 1), range(1, 2)].map(rangeText)).toEqual(['protocol 1', 'protocols 1 to 2']);
});
