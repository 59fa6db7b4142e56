import { expect, test } from 'vitest';
import {
  formatAmount,
  formatDuration,
  formatElapsed,
  formatSize,
  parseDelay,
  parseDuration,
  parseRate,
  parseSize,
} from './durations.ts';

test('a duration is a number with its unit, and milliseconds without one', () => {
  const read = ['300ms', '5s', '2m', '1.5h', '7d', '250', '0', '0.3s'].map(parseDuration);
  expect(read).toEqual([300, 5000, 120_000, 5_400_000, 604_800_000, 250, 0, 300]);
  for (const wrong of [
    '',
    's',
    '5 s',
    '-5s',
    '5S',
    '1.5ms',
    '5sec',
    '1e3',
    '5s5',
    '99999999999d',
  ]) {
    expect(parseDuration(wrong), wrong).toBeNull();
  }
});

test('a size has decimal or binary units, a rate is one a second', () => {
  const read = ['1kB', '1MiB', '1.5KiB', '20B', '64', '1GB'].map(parseSize);
  expect(read).toEqual([1000, 1_048_576, 1536, 20, 64, 1e9]);
  expect(['1MB/s', '56kB'].map(parseRate)).toEqual([1e6, 56_000]);
  for (const wrong of ['', 'kB', '1.5B', '1TBs', '-1', '1 kB']) {
    expect(parseSize(wrong), wrong).toBeNull();
  }
  expect(parseRate('1MB/m')).toBeNull();
});

test('a delay may say how far it strays', () => {
  expect(parseDelay('300ms')).toEqual({ delayMs: 300, jitterMs: 0 });
  expect(parseDelay('300ms±50ms')).toEqual({ delayMs: 300, jitterMs: 50 });
  expect(parseDelay('1s+-250ms')).toEqual({ delayMs: 1000, jitterMs: 250 });
  expect(['300ms±', '±50ms', '1s±1s±1s', 'soon'].map(parseDelay)).toEqual([null, null, null, null]);
});

test('what is written is read again as it was', () => {
  for (const value of [0, 1, 300, 1000, 1500, 90_000, 120_000, 86_400_000]) {
    expect(parseDuration(formatDuration(value))).toBe(value);
    expect(parseSize(formatSize(value))).toBe(value);
  }
  expect([300, 5000, 90_000, 120_000].map(formatDuration)).toEqual(['300ms', '5s', '90s', '2m']);
  expect([1024, 1000, 1023, 3 * 1024 ** 2].map(formatSize)).toEqual([
    '1KiB',
    '1kB',
    '1023B',
    '3MiB',
  ]);
});

test('what takes much room is told in binary units', () => {
  const told = [0, 1023, 1024, 41_356, 40_000_000_000, 2 ** 60].map(formatAmount);
  expect(told).toEqual(['0 B', '1023 B', '1.0 KiB', '40.4 KiB', '37.3 GiB', '1048576.0 TiB']);
});

test('what took long is told in two units', () => {
  const told = [0, 3306, 125_000, 11_220_000, 352_800_000].map(formatElapsed);
  expect(told).toEqual(['0.000 s', '3.306 s', '2 m 05 s', '3 h 07 m', '4 d 02 h']);
});
