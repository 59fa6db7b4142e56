import fc from 'fast-check';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { long } from '../../test/support/long.ts';
import { jsonOf } from './json-of.ts';

const doubled = z.codec(z.number(), z.string(), { decode: (n) => `${n * 2}`, encode: Number });

test('a resource has the fields of its schema alone, in the order of the schema', () => {
  const json = jsonOf(z.object({ b: z.number(), a: z.object({ x: z.string() }) }));
  const held = { a: { x: 'x', key: 'secret' }, b: 1, key: 'secret' };
  expect(json(held)).toBe('{"b":1,"a":{"x":"x"}}');
});

test('what has another form is given it, null stays, and what is absent is left out', () => {
  const part = z.object({ n: doubled.optional() });
  const json = jsonOf(z.object({ n: doubled.nullable(), parts: z.array(part).nullable() }));
  expect(json({ n: 4, parts: [{ n: 1 }, {}] })).toBe('{"n":"8","parts":[{"n":"2"},{}]}');
  expect(json({ n: null, parts: null })).toBe('{"n":null,"parts":null}');
});

test('an open object shows its kind, the fields of the kind, and then what all kinds have', () => {
  const json = jsonOf(z.looseObject({ kind: z.string(), n: doubled, m: doubled.nullable() }));
  const held = { m: null, own: 1, n: 4, kind: 'k', more: [2], none: undefined };
  expect(json(held)).toBe('{"kind":"k","own":1,"more":[2],"n":"8","m":null}');
});

test('a name of a field is never taken for code', () => {
  const name = `x"]); throw new Error('ran'); ([held["`;
  const json = jsonOf(z.object({ [name]: z.string() }));
  expect(JSON.parse(json({ [name]: 'shown' }))).toEqual({ [name]: 'shown' });
});

test('any text, number and list is what JSON.stringify makes of it', long, () => {
  const anyText = fc.oneof(fc.string(), fc.string({ unit: 'binary' }));
  const parts = { text: anyText, number: fc.double(), flag: fc.boolean(), list: fc.array(anyText) };
  const schema = z.object({
    text: z.string(),
    number: z.number(),
    flag: z.boolean(),
    list: z.array(z.string()),
    map: z.record(z.string(), z.string()),
  });
  const json = jsonOf(schema);
  const any = fc.record({ ...parts, map: fc.dictionary(fc.string(), anyText) });
  fc.assert(fc.property(any, (held) => json(held) === JSON.stringify(held)));
});

test('text that is not well-formed is escaped', () => {
  expect(jsonOf(z.string())('a\ud800b')).toBe(String.raw`"a\ud800b"`);
});
