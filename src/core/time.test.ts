import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatTime, parseTime } from './time.ts';

test('a time is written in UTC with all its microseconds', () => {
  expect(formatTime(0)).toBe('1970-01-01T00:00:00.000000Z');
  expect(formatTime(1_795_492_433_123_456)).toBe('2026-11-24T03:53:53.123456Z');
  expect(formatTime(1_795_492_433_000_001)).toBe('2026-11-24T03:53:53.000001Z');
  expect(formatTime(-1)).toBe('1969-12-31T23:59:59.999999Z');
});

test('what is written is read back as it was', () => {
  const micros = fc.integer({ min: -(2 ** 52), max: 2 ** 53 - 1 });
  fc.assert(fc.property(micros, (time) => parseTime(formatTime(time)) === time));
});

test('a time may carry an offset, few digits or many, and small letters', () => {
  const noon = parseTime('2026-11-24T12:00:00Z');
  expect(parseTime('2026-11-24T14:30:00+02:30')).toBe(noon);
  expect(parseTime('2026-11-24t12:00:00z')).toBe(noon);
  expect(parseTime('2026-11-24 12:00:00.0-00:00')).toBe(noon);
  expect(parseTime('2026-11-24T12:00:00.1Z')).toBe(Number(noon) + 100_000);
  expect(parseTime('2026-11-24T12:00:00.123456789Z')).toBe(Number(noon) + 123_456);
  expect(parseTime('2024-02-29T00:00:00Z')).not.toBeNull();
});

test('what is no RFC 3339 time is refused', () => {
  const refused = [
    '',
    'now',
    '2026-11-24',
    '2026-11-24T12:00:00',
    '2026-11-24T12:00Z',
    '2026-11-24T12:00:00.Z',
    '2026-11-24T12:00:00+0200',
    '2026-02-29T00:00:00Z',
    '2026-02-31T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-00-10T00:00:00Z',
    '2026-01-32T00:00:00Z',
    '2026-01-00T00:00:00Z',
    '2026-01-01T24:00:00Z',
    '2026-01-01T12:60:00Z',
    '2026-01-01T12:00:00+24:00',
    ' 2026-01-01T12:00:00Z',
    '2026-01-01T12:00:00Z\n',
  ];
  expect(refused.filter((text) => parseTime(text) !== null)).toEqual([]);
});

test('no text makes the parser throw', () => {
  const digits = fc.stringMatching(/^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?[+-]\d\d:\d\d$/);
  fc.assert(
    fc.property(fc.oneof(fc.string(), digits), (text) => {
      parseTime(text);
    }),
  );
});
