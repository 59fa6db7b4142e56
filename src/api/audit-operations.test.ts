/** What is audited, as REST tells what changes something: by its methods. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { defaultBounds } from '../core/listener-bounds.ts';
import { operations } from './operations.ts';

const root = join(import.meta.dirname, '../..');
const table = Object.values(operations(defaultBounds, { drainMsMax: 1 }));
const isAudited = (one: (typeof table)[number]) => 'audited' in one && one.audited;

test('each operation that changes something is audited, and no other is', () => {
  const { paths } = JSON.parse(readFileSync(join(root, 'openapi.json'), 'utf8'));
  const methods = Object.values<Record<string, { operationId: string }>>(paths).flatMap((path) =>
    Object.entries(path).map(([method, { operationId }]) => [operationId, method] as const),
  );
  const changing = methods.flatMap(([name, method]) => (method === 'get' ? [] : [name]));
  expect(changing.length).toBeGreaterThan(15);
  expect(
    table
      .filter(isAudited)
      .map(({ name }) => name)
      .sort(),
  ).toEqual(changing.sort());
});
