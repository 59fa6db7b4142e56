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

test('what is read is written so that it is read as the same, in all years and offsets', () => {
  const part = (max: number, digits = 2) =>
    fc.integer({ min: 0, max }).map((number) => String(number).padStart(digits, '0'));
  const anyDay = fc.tuple(part(9999, 4), part(12), part(31)).map((parts) => parts.join('-'));
  const day = fc.oneof(anyDay, fc.constantFrom('0000-01-01', '2255-06-05', '9999-12-31'));
  const anyClock = fc.tuple(part(23), part(59), part(59)).map((parts) => parts.join(':'));
  const clock = fc.oneof(anyClock, fc.constantFrom('00:00:00', '23:59:59'));
  const offset = fc
    .tuple(fc.constantFrom('+', '-'), part(23), part(59))
    .map(([sign, hours, minutes]) => `${sign}${hours}:${minutes}`);
  const zone = fc.oneof(fc.constant('Z'), offset);
  const fraction = fc.integer({ min: 1, max: 9 }).chain((digits) => part(10 ** digits - 1, digits));
  const texts = fc.tuple(day, clock, fraction, zone).map(([d, c, f, z]) => `${d}T${c}.${f}${z}`);
  const isSame = (text: string) => {
    const time = parseTime(text);
    if (time === null) return;
    expect(formatTime(time)).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
    expect(parseTime(formatTime(time))).toBe(time);
  };
  fc.assert(fc.property(texts, isSame), { numRuns: 2000 });
  const instants = fc.integer({ min: -7e10, max: 3e11 });
  fc.assert(fc.property(instants, (seconds) => isSame(formatTime(seconds * 1e6))));
});

test('a time beyond the year 2255 is whole seconds, to the end of the year 9999', () => {
  const again = (text: string) => formatTime(parseTime(text) ?? Number.NaN);
  expect(again('2255-06-05T23:47:34.740991Z')).toBe('2255-06-05T23:47:34.740991Z');
  expect(again('2400-06-01T12:34:56.654321Z')).toBe('2400-06-01T12:34:56.000000Z');
  expect(again('9999-12-31T23:59:59.999999Z')).toBe('9999-12-31T23:59:59.000000Z');
  expect(again('9999-12-31T18:59:59.9-05:00')).toBe('9999-12-31T23:59:59.000000Z');
  expect(again('0000-01-01T00:00:00.000001Z')).toBe('0000-01-01T00:00:00.000000Z');
  // In UTC they are of other years, which RFC 3339 can not write.
  expect(parseTime('9999-12-31T23:59:59-05:00')).toBeNull();
  expect(parseTime('0000-01-01T00:00:00+05:00')).toBeNull();
  // As earlier versions kept them.
  expect(formatTime(253_402_300_800_000_000)).toBe('9999-12-31T23:59:59.000000Z');
  expect(formatTime(-62_167_219_200_000_064)).toBe('0000-01-01T00:00:00.000000Z');
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
