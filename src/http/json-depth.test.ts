import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isDeeper } from './json-depth.ts';

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

test('the depth of any JSON is told, whatever its texts hold', () => {
  const text = fc.string({ unit: fc.constantFrom('"', '\\', '[', ']', '{', '}', 'a', '木') });
  const json = fc.jsonValue({ maxDepth: 6 }).chain((value) => fc.tuple(fc.constant(value), text));
  fc.assert(
    fc.property(json, (value) => {
      const body = Buffer.from(JSON.stringify(value));
      const depth = depthOf(value);
      expect([isDeeper(body, depth), isDeeper(body, depth - 1)]).toEqual([false, true]);
    }),
  );
});

test('what is no JSON has an end, too', () => {
  for (const text of ['', '"', '"\\', '\\', ']]]', '[[["', '"[[[']) {
    expect(isDeeper(Buffer.from(text), 5)).toBe(false);
  }
  expect(isDeeper(Buffer.from('['.repeat(6)), 5)).toBe(true);
});
