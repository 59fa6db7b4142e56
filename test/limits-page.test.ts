/** docs/limits.md says what the code does: every number of the configuration, its default, and a test that is there. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readConfig } from '../src/config.ts';

const root = join(import.meta.dirname, '..');

/** What the configuration has that is no limit. */
const notLimits = new Set(['http.port', 'grpc.port', 'workers']);

function numbersOf(value: object, prefix = ''): readonly (readonly [string, number | null])[] {
  return Object.entries(value).flatMap(([name, one]) => {
    const path = `${prefix}${name}`;
    if (typeof one === 'number') return notLimits.has(path) ? [] : [[path, one] as const];
    if (one === null) return path.startsWith('bounds.') ? [[path, null] as const] : [];
    return typeof one === 'object' ? numbersOf(one, `${path}.`) : [];
  });
}

interface Row {
  readonly name: string;
  readonly value: string;
  readonly file: string;
}

function rows(): readonly Row[] {
  const text = readFileSync(join(root, 'docs/limits.md'), 'utf8');
  return text
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => line.split('|').map((cell) => cell.trim()))
    .map(([, name = '', value = '', , , file = '']) => ({
      name: name.replaceAll('`', ''),
      value,
      file: file.replaceAll('`', ''),
    }));
}

test('each limit of the configuration is on the page once, with its default', () => {
  const written = rows().map(({ name, value }) => [name, value]);
  const real = numbersOf(readConfig({})).map(([name, value]) => [name, String(value)]);
  expect(written.toSorted()).toEqual(real.toSorted());
});

test('each limit names a test that is there', () => {
  expect(rows().filter(({ file }) => !existsSync(join(root, file)))).toEqual([]);
});
