import { expect, test } from 'vitest';
import { z } from 'zod';
import { wholeNumber } from '../api/values.ts';
import { AppError } from '../core/errors.ts';
import { parseRawQuery, readQuery } from './query.ts';

const schema = z.strictObject({
  size: wholeNumber(1, 10).default(5),
  cut: z
    .int()
    .transform((value) => Math.min(value, 3))
    .nullable()
    .default(null),
  isLoud: z.boolean().default(false),
  fromNow: z.literal(true).optional(),
  name: z.string().optional(),
  tag: z.array(z.string()).default([]),
  number: z.array(wholeNumber(0, 9)).optional(),
});

function read(query: string): unknown {
  return readQuery(schema, parseRawQuery(query));
}

function refusal(query: string): readonly { path: string; message: string }[] {
  try {
    read(query);
  } catch (error) {
    if (error instanceof AppError && error.code === 'invalid_argument') {
      return error.details.errors ?? [];
    }
    throw error;
  }
  throw new Error(`${query} was not refused`);
}

test('text is read as the type that its field has', () => {
  expect(read('size=7&cut=9&isLoud=true&fromNow=true&name=7&tag=a&tag=b')).toEqual({
    size: 7,
    cut: 3,
    isLoud: true,
    fromNow: true,
    name: '7',
    tag: ['a', 'b'],
  });
});

test('one value of a list is a list of one', () => {
  expect(read('tag=a')).toMatchObject({ tag: ['a'] });
});

test('a percent escape is read as UTF-8, and a percent sign that is none is itself', () => {
  expect(read('name=%E6%9C%A8+%2B')).toMatchObject({ name: '木 +' });
  expect(read('name=100%')).toMatchObject({ name: '100%' });
  expect(read('name=%EF%BF%BD')).toMatchObject({ name: '\u{fffd}' });
  for (const query of ['name=u%E9', 'tag=a&tag=%ff', 'size=%C3']) {
    const [path = ''] = query.split('=');
    expect(refusal(query), query).toEqual([{ path, message: 'is not valid UTF-8' }]);
  }
  expect(refusal('%E9=1')).toMatchObject([{ message: expect.stringContaining('is not a field') }]);
});

test('without parameters all the defaults hold', () => {
  expect(read('')).toEqual({ size: 5, cut: null, isLoud: false, tag: [] });
});

test.each([
  ['size=', 'size'],
  ['size=1.5', 'size'],
  ['size=0x5', 'size'],
  ['size=1e1', 'size'],
  ['size=%205', 'size'],
  ['size=11', 'size'],
  ['size=99999999999999999', 'size'],
  ['isLoud=1', 'isLoud'],
  ['isLoud=TRUE', 'isLoud'],
  ['fromNow=false', 'fromNow'],
  ['nope=1', 'nope'],
  ['__proto__=1', '__proto__'],
  ['constructor=1', 'constructor'],
  ['hasOwnProperty=1', 'hasOwnProperty'],
])('%s is refused by name', (query, path) => {
  expect(refusal(query)).toMatchObject([{ path }]);
});

test('what may have been meant is told of an unknown parameter, of the first few', () => {
  const unknown = 'is not a field of this request';
  expect(refusal('isloud=1&nmae=x&other=1')).toEqual([
    { path: 'isloud', message: `${unknown}; did you mean isLoud?` },
    { path: 'nmae', message: `${unknown}; did you mean name?` },
    { path: 'other', message: unknown },
  ]);
  const many = Array.from({ length: 9 }, (_, at) => `namea${at}=1`).join('&');
  expect(refusal(`${many}&numbe=1`).at(-1)).toEqual({ path: 'numbe', message: unknown });
});

test('a parameter that has one value may not be repeated', () => {
  expect(refusal('size=1&size=1&name=a&name=b')).toEqual([
    { path: 'size', message: 'is given more than once' },
    { path: 'name', message: 'is given more than once' },
  ]);
});

test('a list that is wrong in one place names the place', () => {
  expect(refusal('tag=a&number=1')).toMatchObject([{ path: 'number[0]' }]);
});

test('every parameter at fault is named at once', () => {
  expect(refusal('size=x&nope=1&isLoud=2').map(({ path }) => path)).toEqual([
    'nope',
    'size',
    'isLoud',
  ]);
});
