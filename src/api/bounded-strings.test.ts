/** Each text that a caller gives has a bound: by its length, its pattern, or its words. */
import { expect, test } from 'vitest';
import { z } from 'zod';
import { defaultBounds } from '../core/listener-bounds.ts';
import { listenerSchemas } from './listener-input.ts';
import { read } from './parse.ts';
import { listSchemas } from './queries.ts';

const { newListener, patch, batch } = listenerSchemas(defaultBounds);
const schemas = { newListener, patch, batch, ...listSchemas(defaultBounds) };

interface Node {
  readonly type?: string;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly [key: string]: unknown;
}

/** Every schema of a text within, by where it stands. */
function texts(node: unknown, path: string): readonly (readonly [path: string, node: Node])[] {
  if (typeof node !== 'object' || node === null) return [];
  const own = 'type' in node && node.type === 'string' ? [[path, node as Node] as const] : [];
  const inner = Object.entries(node).flatMap(([key, value]) => texts(value, `${path}/${key}`));
  return [...own, ...inner];
}

function isBounded({ maxLength, pattern, enum: words, const: word }: Node): boolean {
  if (words !== undefined || word !== undefined) return true;
  if (maxLength !== undefined) return maxLength <= defaultBounds.specBytesMax;
  // A pattern bounds it too, unless it takes any number of what it takes.
  return pattern !== undefined && !/[*+]|,\}/.test(pattern.replace(/\[[^\]]*\]/g, '.'));
}

test('each text of each request is bounded', () => {
  const found = Object.entries(schemas).flatMap(([name, schema]) =>
    texts(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }), name),
  );
  expect(found.length).toBeGreaterThan(50);
  expect(found.filter(([, node]) => !isBounded(node)).map(([path]) => path)).toEqual([]);
});

test('a banner is bounded by its bytes, whichever way it is given', () => {
  const accepts = (fault: object) =>
    'data' in read(newListener, { faults: [{ type: 'banner', ...fault }] });
  expect(accepts({ text: '木'.repeat(21_845) })).toBe(true);
  expect(accepts({ text: '木'.repeat(21_846) })).toBe(false);
  expect(accepts({ base64: Buffer.alloc(65_536).toString('base64') })).toBe(true);
  expect(accepts({ base64: Buffer.alloc(65_537).toString('base64') })).toBe(false);
});

test('a name that is none of ours is shown in short', () => {
  const result = read(newListener, { ['x'.repeat(100_000)]: 1 });
  expect('errors' in result && (result.errors[0]?.path.length ?? 1e9) < 1000).toBe(true);
});
