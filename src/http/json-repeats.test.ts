import fc from 'fast-check';
import { expect, test } from 'vitest';
import { repeatedField } from './json-repeats.ts';

function repeatedIn(json: string): string | null {
  return repeatedField(Buffer.from(json), JSON.parse(json));
}

test.each([
  ['{"a":1,"a":1}', 'a'],
  ['{"a":1,"\\u0061":2}', 'a'],
  ['{"a":{"b":[{"c":1},{"c":1,"d":{},"c":[]}]},"e":0}', 'a.b[1].c'],
  ['[{"a":1},[2,{"x":{},"y":"x","x":1}]]', '[1][1].x'],
  ['{"a":1,"b":{"a":1,"b":2},"b":3}', 'b'],
  ['{"__proto__":1,"__proto__":{}}', '__proto__'],
  ['{"a\\"b":1, "c":"a\\"b:{" , "a\\"b" : 2}', 'a"b'],
])('%s gives %s more than once', (json, path) => {
  expect(repeatedIn(json)).toBe(path);
});

test('of what is written of a value no field is given more than once', () => {
  const text = fc.string({ unit: fc.constantFrom(...'"\\[]{},:', 'a', '木') });
  const value = fc.oneof(
    fc.jsonValue({ maxDepth: 6 }),
    fc.dictionary(text, fc.oneof(text, fc.array(fc.dictionary(text, text)))),
  );
  fc.assert(
    fc.property(value, fc.constantFrom(undefined, 1, '\t'), (one, space) => {
      const json = JSON.stringify(one, null, space);
      expect(repeatedIn(json)).toBeNull();
      expect(repeatedIn(`[{"x":${json},"y":1,"x":2}]`)).toBe('[0].x');
    }),
  );
});
