import { expect, test } from 'vitest';
import { read } from './parse.ts';
import { time } from './values.ts';

test('a time whose plus became a space in a URL is refused with a hint', () => {
  const messages = (text: string) => {
    const result = read(time, text);
    return 'errors' in result ? result.errors.map(({ message }) => message) : [];
  };
  expect(messages('2026-11-24T12:00:00 02:00')).toEqual([expect.stringContaining('%2B')]);
  expect(messages('2026-11-24T12:00:00+02:00')).toEqual([]);
  expect(messages('yesterday')).toEqual([expect.not.stringContaining('%2B')]);
});
