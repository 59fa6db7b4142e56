/**
 * What a fault costs whoever adds one: a file of its own (its fields, and what it does), its line in the list of all,
 * and its message on the wire. A fourth place that must know it by name is one that somebody forgets.
 */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const proto = 'proto/kodama/v1/fault.proto';
// The command has flags for some of them, the console presets, and the pictures scenes; all take the others as they are.
const sources = globSync(['src/**/*.ts', 'proto/**/*.proto', 'scripts/*.ts', 'examples/*.ts'], {
  cwd: root,
}).filter((path) => !/\.test\.ts$|^src\/(cli|console)\/|^scripts\/picture/.test(path));

/** Their words mean other things, too (an action of a fault, an event of a socket), or stand in examples of the API. */
const ambiguous = new Set(['latency', 'limit', 'close', 'blackhole', 'drop']);
const placesMax = 3;

/** As the wire has them, so that this test itself knows none by name. */
function faultTypes(): readonly string[] {
  const effects = /oneof effect \{(.*?)\n {2}\}/s.exec(read(proto))?.[1] ?? '';
  return [...effects.matchAll(/^ +\w+ (\w+) = \d+;/gm)].map((match) => match[1] ?? '');
}

/** The files that name a fault: as a text, as a file to import, or as a field of a message. */
function placesOf(type: string): readonly string[] {
  const file = `${type.replaceAll('_', '-')}\\.ts`;
  return sources.filter((path) => {
    const folder = path.startsWith('src/faults/') ? '\\.' : 'faults';
    const named = new RegExp(`(['"\`])${type}\\1|${folder}/${file}'|\\b\\w+Fault ${type} = \\d`);
    return named.test(codeOf(read(path)));
  });
}

/** A comment may give an example. */
function codeOf(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*$/gm, '');
}

const types = faultTypes();
const distinct = types.filter((type) => !ambiguous.has(type));

test('the walk finds the faults that it counts', () => {
  expect(types).toHaveLength(14);
  expect([...ambiguous].filter((type) => !types.includes(type))).toEqual([]);
  expect(distinct.length).toBeGreaterThanOrEqual(8);
  for (const type of distinct) expect(placesOf(type)).toContain(proto);
});

test.each(distinct)(`%s is named in at most ${placesMax} files`, (type) => {
  const places = placesOf(type);
  expect(places.length, `${type} is named in\n${places.join('\n')}`).toBeLessThanOrEqual(placesMax);
});
