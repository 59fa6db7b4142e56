import { expect, test } from 'vitest';
import { z } from 'zod';
import { viewOf } from './view.ts';

const doubled = z.codec(z.number(), z.string(), { decode: (n) => `${n * 2}`, encode: Number });

test('a view has the fields of its schema alone, in the order of the schema', () => {
  const view = viewOf(z.object({ b: z.number(), a: z.object({ x: z.string() }) }));
  const held = { a: { x: 'x', key: 'secret' }, b: 1, key: 'secret' };
  expect(JSON.stringify(view(held))).toBe('{"b":1,"a":{"x":"x"}}');
});

test('what has another form is given it, and null and absent stay', () => {
  const part = z.object({ n: doubled.optional() });
  const view = viewOf(z.object({ n: doubled.nullable(), parts: z.array(part).nullable() }));
  expect(view({ n: 4, parts: [{ n: 1 }, {}] })).toEqual({ n: '8', parts: [{ n: '2' }, {}] });
  expect(view({ n: null, parts: null })).toEqual({ n: null, parts: null });
});

test('an open object shows its kind, the fields of the kind, and then what all kinds have', () => {
  const view = viewOf(z.looseObject({ kind: z.string(), n: doubled, m: doubled.nullable() }));
  const held = { m: null, own: 1, n: 4, kind: 'k', more: [2] };
  expect(JSON.stringify(view(held))).toBe('{"kind":"k","own":1,"more":[2],"n":"8","m":null}');
});

test('a name of a field is never taken for code', () => {
  const name = `x"]); throw new Error('ran'); ([held["`;
  const view = viewOf(z.object({ [name]: z.string() }));
  expect(view({ [name]: 'shown' })).toEqual({ [name]: 'shown' });
});
