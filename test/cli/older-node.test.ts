/** `bin/kodama.js` is run by whatever Node a machine has, from 20 on, and hands over to the one of its packages. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { expect, test } from 'vitest';

const program = join(import.meta.dirname, '../../bin/kodama.js');

/** Those of the machine itself: npm puts that of the packages in front. */
function olderNode(): string | null {
  const folders = (process.env.PATH ?? '').split(delimiter);
  const nodes = folders
    .filter((folder) => !folder.includes('node_modules'))
    .map((folder) => join(folder, 'node'))
    .filter((path) => existsSync(path));
  const isOlder = (path: string) => {
    const { stdout } = spawnSync(path, ['--version'], { encoding: 'utf8' });
    return /^v(\d+)/.exec(stdout ?? '')?.[1] !== process.versions.node.split('.')[0];
  };
  return nodes.find(isOlder) ?? null;
}

test('it imports no name that Node 20 lacks: such an import ends it before it can hand over', () => {
  const imports = readFileSync(program, 'utf8').matchAll(/^import (.+) from '(.+)';$/gm);
  // Each is there since Node 16. What came later is looked for where it is used.
  expect([...imports].map(([, names, from]) => `${names} of ${from}`)).toEqual([
    '{ spawn } of node:child_process',
    '{ chmodSync, existsSync, mkdirSync } of node:fs',
    '* as modules of node:module',
    '{ fileURLToPath } of node:url',
  ]);
});

test('another Node runs it as that of the packages does', ({ skip }) => {
  const older = olderNode();
  if (older === null) return skip('the machine has no other Node');
  const ended = spawnSync(older, [program, 'version'], { encoding: 'utf8' });
  const { version } = process;
  expect([ended.status, ended.stderr]).toEqual([0, '']);
  expect(ended.stdout).toContain(`Node.js ${version.slice(1)}`);
});
