import fc from 'fast-check';
import protobuf from 'protobufjs';
import { expect, test } from 'vitest';
import { parseTime } from '../core/time.ts';
import { ByteSink } from './byte-sink.ts';
import { durationMs, type SecondsMessage, timeText, writeTimestamp } from './times.ts';

const { root } = protobuf.parse(
  'syntax = "proto3"; message Timestamp { int64 seconds = 1; int32 nanos = 2; }',
);
const timestampType = root.lookupType('Timestamp');

test('a time comes back to the microsecond', () => {
  // Until the year 2255 microseconds are exact.
  fc.assert(
    fc.property(fc.integer({ min: -6e16, max: 9e15 }), (micros) => {
      fc.pre(Number.isSafeInteger(micros));
      const sink = new ByteSink();
      writeTimestamp(micros, sink);
      const message = timestampType.decode(sink.take()) as protobuf.Message & SecondsMessage;
      expect(parseTime(timeText(message))).toBe(micros);
    }),
  );
});

test('a time is never over the maximum of a Timestamp', () => {
  const sink = new ByteSink();
  writeTimestamp(253_402_300_800_000_000, sink);
  const message = timestampType.decode(sink.take()) as protobuf.Message & SecondsMessage;
  expect(timeText(message)).toBe('9999-12-31T23:59:59.000000000Z');
});

test('what is no time is no RFC 3339 either', () => {
  const wrong = [
    { seconds: '253402300800', nanos: 0 },
    { seconds: '-62135596801', nanos: 0 },
    { seconds: '9223372036854775807', nanos: 0 },
    { seconds: '1', nanos: -1 },
    { seconds: '1', nanos: 1_000_000_000 },
  ];
  expect(wrong.map((timestamp) => parseTime(timeText(timestamp)))).toEqual(wrong.map(() => null));
  expect(timeText({ seconds: 0, nanos: 0 })).toBe('1970-01-01T00:00:00.000000000Z');
});

test.each([
  ['15', 500_000_000, 15_500],
  [0, 0, 0],
  [0, 1, 1],
  [0, 1_000_000, 1],
  [1, 1_000_001, 1002],
  [59, 999_999_999, 60_000],
  [60, 1, 60_001],
  [0, -1, -1],
  [-1, -1_500_000, -1002],
])('a duration of %s s and %s ns is %s ms, rounded away from 0', (seconds, nanos, millis) => {
  expect(durationMs({ seconds, nanos })).toBe(millis);
});

test.each([
  { seconds: '2', nanos: -500_000_000 },
  { seconds: '-1', nanos: 500_000_000 },
  { seconds: '1', nanos: 1_000_000_000 },
  { seconds: '1', nanos: -1_000_000_000 },
])('what is no duration is no number of milliseconds: %j', (duration) => {
  expect(durationMs(duration)).toBeNaN();
});
