/** What is audited, as REST tells what changes something: by its methods. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { defaultBounds } from '../core/listener-bounds.ts';
import { operations } from './operations.ts';

const root = join(import.meta.dirname, '../..');
const table = Object.values(operations(defaultBounds, { drainMsMax: 1 }));
const document = JSON.parse(readFileSync(join(root, 'openapi.json'), 'utf8'));
const isAudited = (one: (typeof table)[number]) => 'audited' in one && one.audited;

const paths = Object.values<Record<string, { operationId: string }>>(document.paths);
const methods = paths.flatMap((path) =>
  Object.entries(path).map(([method, { operationId }]) => [operationId, method] as const),
);

test('each operation that changes something is audited, and no other is', () => {
  const changing = methods.flatMap(([name, method]) => (method === 'get' ? [] : [name]));
  expect(changing.length).toBeGreaterThan(15);
  expect(
    table
      .filter(isAudited)
      .map(({ name }) => name)
      .sort(),
  ).toEqual(changing.sort());
});

test('entries are asked for by the name of any operation, and by that of none', () => {
  const { input } = operations(defaultBounds, { drainMsMax: 1 }).listAuditEntries;
  const isTaken = (operation: string) => input.safeParse({ operation }).success;
  // Who probes is asked for no key, so nothing is refused.
  const probes = ['getHealth', 'getReadiness'];
  const named = methods.flatMap(([name]) => (probes.includes(name) ? [] : [name]));
  const names = [...table.map(({ name }) => name), ...named];
  expect(names.filter((name) => !isTaken(name))).toEqual([]);
  for (const name of ['createlistener', 'getHealth', '', 'createListener ']) {
    expect(isTaken(name), name).toBe(false);
  }
});
