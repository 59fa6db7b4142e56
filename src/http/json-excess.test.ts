import fc from 'fast-check';
import { expect, test } from 'vitest';
import { excessOf, type JsonBounds } from './json-excess.ts';

const wide = { depthMax: 1000, partsMax: 1_000_000, entriesMax: 1_000_000 };

interface Shape {
  readonly depthMax: number;
  readonly partsMax: number;
  readonly entriesMax: number;
}

function shapeOf(value: unknown): Shape {
  if (typeof value !== 'object' || value === null) {
    return { depthMax: 0, partsMax: 0, entriesMax: 0 };
  }
  const inner = Object.values(value).map(shapeOf);
  const fields = Array.isArray(value) ? 0 : inner.length;
  return {
    depthMax: 1 + Math.max(0, ...inner.map(({ depthMax }) => depthMax)),
    partsMax: inner.reduce((sum, { partsMax }) => sum + partsMax, 1 + fields),
    entriesMax: Math.max(inner.length, ...inner.map(({ entriesMax }) => entriesMax)),
  };
}

const text = fc.string({ unit: fc.constantFrom(...'"\\[]{},:', 'a', '木') });
const json = fc.oneof(
  fc.jsonValue({ maxDepth: 6 }),
  fc.dictionary(text, fc.oneof(text, fc.array(text), fc.dictionary(text, text))),
);
const spaces = fc.constantFrom(undefined, 1, '\t');

test('the shape of any JSON is told, whatever its texts hold', () => {
  fc.assert(
    fc.property(json, spaces, (value, space) => {
      const body = Buffer.from(JSON.stringify(value, null, space));
      const shape = shapeOf(value);
      expect(excessOf(body, shape)).toBeNull();
      for (const bound of Object.keys(shape) as (keyof JsonBounds)[]) {
        if (shape[bound] <= (bound === 'entriesMax' ? 1 : 0)) continue;
        expect(excessOf(body, { ...wide, [bound]: shape[bound] - 1 })).toMatchObject({ bound });
      }
    }),
  );
});

test('what stands before an excess is JSON, and holds what the bound allows', () => {
  fc.assert(
    fc.property(json, spaces, fc.integer({ min: 1, max: 5 }), (value, space, max) => {
      const body = Buffer.from(JSON.stringify(value, null, space));
      for (const bound of ['partsMax', 'entriesMax'] as const) {
        const excess = excessOf(body, { ...wide, [bound]: max });
        if (excess === null) continue;
        const beginning: unknown = JSON.parse(Buffer.from(excess.beginning).toString());
        expect(shapeOf(beginning)[bound]).toBeLessThanOrEqual(max);
      }
    }),
  );
});

test('a beginning ends where the last field or item before the excess ends', () => {
  const beginning = (body: string, bounds: Partial<JsonBounds>) => {
    const excess = excessOf(Buffer.from(body), { ...wide, ...bounds });
    return Buffer.from(excess?.beginning ?? []).toString();
  };
  const entries = { entriesMax: 2 };
  expect(beginning('{"a":[{"b":1,"c":2 , "d":3}],"e":4}', entries)).toBe('{"a":[{"b":1,"c":2 }]}');
  expect(beginning('[[1,2 ,3],4]', entries)).toBe('[[1,2 ]]');
  expect(beginning('[1,{},{},{},2]', { partsMax: 3 })).toBe('[1,{},{}]');
  expect(beginning('{"a":1,"b":{"c":{"d":1}}}', { partsMax: 5 })).toBe('{"a":1,"b":{}}');
});

test('what is no JSON has an end, too', () => {
  const bounds = { depthMax: 5, partsMax: 5, entriesMax: 5 };
  for (const all of ['', '"', '"\\', '\\', ']]]', '[[["', '"[[[', ',,,', '],]', ':::', '}:{']) {
    expect(excessOf(Buffer.from(all), bounds)).toBeNull();
  }
  expect(excessOf(Buffer.from('['.repeat(6)), bounds)?.bound).toBe('depthMax');
  expect(excessOf(Buffer.from(','.repeat(6)), bounds)?.bound).toBe('entriesMax');
  expect(excessOf(Buffer.from('{}'.repeat(6)), bounds)?.bound).toBe('partsMax');
  expect(excessOf(Buffer.from(':'.repeat(6)), bounds)?.bound).toBe('partsMax');
});
