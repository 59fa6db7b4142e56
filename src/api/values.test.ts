import { expect, test } from 'vitest';
import { read } from './parse.ts';
import { cidr, soughtCidr, time } from './values.ts';

test('a time whose plus became a space in a URL is refused with a hint', () => {
  const messages = (text: string) => {
    const result = read(time, text);
    return 'errors' in result ? result.errors.map(({ message }) => message) : [];
  };
  expect(messages('2026-11-24T12:00:00 02:00')).toEqual([expect.stringContaining('%2B')]);
  expect(messages('2026-11-24T12:00:00+02:00')).toEqual([]);
  expect(messages('yesterday')).toEqual([expect.not.stringContaining('%2B')]);
});

test.each([
  ['127.0.0.1', '127.0.0.1/32', '::ffff:127.0.0.1', '0:0:0:0:0:FFFF:7f00:1/128'],
  ['10.0.0.0/8', '::ffff:10.0.0.0/104', '::FFFF:a00:0/104'],
  ['2001:db8::1', '2001:DB8:0::1', '2001:db8::1/128'],
  ['2001:db8::/32', '2001:DB8:0:0:0:0:0:0/32'],
  ['0.0.0.0/0', '::ffff:0.0.0.0/96', '::ffff:0:0/96'],
  ['::ffff:0.0.0.0/90'],
  ['::/0'],
])('%s is looked for in one spelling, and kept in that of its author', (one, ...others) => {
  for (const text of [one, ...others]) {
    expect(read(soughtCidr, text), text).toEqual({ data: one });
  }
  expect(read(cidr, one)).toEqual({ data: one });
  expect(read(cidr, `${one}/x`)).toMatchObject({ errors: [{}] });
});
