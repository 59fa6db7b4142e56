/** The README, taken at its word: its first steps are run as they stand, its table is held against the configuration. */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { settings } from '../src/config.ts';
import { keepTheirPromises, type Promised, section, stepsOf } from './support/readme-steps.ts';
import { commonApp } from './support/test-app.ts';

const root = join(import.meta.dirname, '..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const app = commonApp();

/** All of them, and those of the sections that follow, are in readme.long.test.ts. */
const firstSteps: readonly Promised[] = [
  [/^`npx kodama` is the command/, (output) => expect(output).toBe('')],
  [/^An echo server on port 9000/, (output) => expect(output).toMatch(/^tour .* listening/m)],
  [/^Connect and talk/, (output) => expect(output.trim()).toBe('hello')],
];

test('the tour begins as it stands', async () => {
  const steps = stepsOf('A tour').slice(0, firstSteps.length);
  await keepTheirPromises(steps, firstSteps, app);
});

test('the table of variables is what the configuration reads, each with its default', () => {
  const words = (cell: string): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, w = '']) => w);
  const rows = section('Configuration')
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => line.split('|'));
  const documented = rows.flatMap(([, names = '', defaults = '']) =>
    words(names).map((name, index) => [name, words(defaults)[index] ?? null]),
  );
  const defaults: Record<string, unknown> = settings.parse({});
  const read = Object.keys(settings.shape).map((name) => {
    const value = defaults[name];
    return [name, value === undefined ? null : String(value)];
  });
  expect(documented.toSorted()).toEqual(read.toSorted());
});

test('the changelog and the limits say nothing twice', () => {
  for (const path of ['CHANGELOG.md', 'docs/limits.md']) {
    const entries = read(path)
      .split('\n')
      .filter((line) => /^(- |\| `)/.test(line));
    expect(entries.length, path).toBeGreaterThan(50);
    expect(read(path)).not.toMatch(/^(<<<<<<<|=======|>>>>>>>)/m);
    expect(entries.filter((line, at) => entries.indexOf(line) !== at)).toEqual([]);
  }
});

test('every script and file that the documents name is there', () => {
  const manifest = z.object({ scripts: z.record(z.string(), z.string()) });
  const { scripts } = manifest.parse(JSON.parse(read('package.json')));
  const documents = ['README.md', ...globSync('docs/**/*.md', { cwd: root })];
  for (const document of documents) {
    const text = read(document);
    for (const [, name = ''] of text.matchAll(/npm (?:run )?(start|test|(?<=run )[\w:-]+)/g)) {
      expect(scripts, `${document}: npm run ${name}`).toHaveProperty([name]);
    }
    for (const [, target = ''] of text.matchAll(/\]\((?!https?:)([^)#]+)/g)) {
      const path = join(root, dirname(document), target);
      expect(existsSync(path), `${document} links to ${target}`).toBe(true);
    }
  }
});
