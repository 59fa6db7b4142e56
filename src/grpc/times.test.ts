import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseTime } from '../core/time.ts';
import { durationMs, timeText, toTimestamp } from './times.ts';

test('a time comes back to the microsecond', () => {
  // Until the year 2255 microseconds are exact.
  fc.assert(
    fc.property(fc.integer({ min: -6e16, max: 9e15 }), (micros) => {
      fc.pre(Number.isSafeInteger(micros));
      const { seconds, nanos } = toTimestamp(micros);
      expect(parseTime(timeText({ seconds: String(seconds), nanos }) ?? '')).toBe(micros);
    }),
  );
});

test('what is no time is no RFC 3339 either', () => {
  const wrong = [
    { seconds: '253402300800' },
    { seconds: '-62135596801' },
    { seconds: '9223372036854775807' },
    { seconds: '1', nanos: -1 },
    { seconds: '1', nanos: 1_000_000_000 },
  ];
  expect(wrong.map((timestamp) => parseTime(timeText(timestamp) ?? ''))).toEqual(
    wrong.map(() => null),
  );
  expect(timeText(undefined)).toBeUndefined();
  expect(timeText({})).toBe('1970-01-01T00:00:00.000000000Z');
});

test('a duration is milliseconds, whole or not', () => {
  expect(durationMs({ seconds: '15', nanos: 500_000_000 })).toBe(15_500);
  expect(durationMs({ nanos: 1 })).toBe(1e-6);
  expect(durationMs(undefined)).toBeUndefined();
});

test.each([
  { seconds: '2', nanos: -500_000_000 },
  { seconds: '-1', nanos: 500_000_000 },
  { seconds: '1', nanos: 1_000_000_000 },
  { seconds: '1', nanos: -1_000_000_000 },
])('what is no duration is no number of milliseconds: %j', (duration) => {
  expect(durationMs(duration)).toBeNaN();
});
