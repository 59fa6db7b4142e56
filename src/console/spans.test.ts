import { expect, test } from 'vitest';
import { clockText, rateText, spanMs, spanText } from './spans.ts';

test('a span is exact to the microsecond', () => {
  expect(spanMs('2026-11-24T03:53:59.999999Z', '2026-11-24T03:54:00.000001Z')).toBeCloseTo(
    0.002,
    6,
  );
  expect(spanMs('2026-11-24T03:53:53.000000Z', '2026-11-24T03:53:52.500000Z')).toBe(-500);
});

test.each([
  [0.002, '0.002 ms'],
  [1.2, '1.2 ms'],
  [300.46, '300.5 ms'],
  [3004, '3.004 s'],
  [125_400, '2 min 5 s'],
  [600_000, '10 min'],
  [93_780_000, '26 h 3 min'],
  [7_200_000, '2 h'],
])('%d ms is %s', (ms, text) => {
  expect(spanText(ms)).toBe(text);
});

test('a rate has the unit of its size', () => {
  expect(rateText(100, 1000)).toBe('100 B/s');
  expect(rateText(4096, 3006)).toBe('1.4 kB/s');
  expect(rateText(5e9, 2000)).toBe('2.5 GB/s');
  expect(rateText(5, 0)).toBe('0 B/s');
});

test('a time of another day has its day', () => {
  expect(clockText('2026-11-24T03:53:53.123456Z', '2026-11-24')).toBe('03:53:53.123');
  expect(clockText('2026-11-23T03:53:53.123456Z', '2026-11-24')).toBe('11-23 03:53:53');
});
