import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../../test/support/temporary-folder.ts';

const planeFile = join(import.meta.dirname, '../../test/support/worker-plane.ts');
const script = `
  const { startPlane } = await import(${JSON.stringify(planeFile)});
  await using world = await startPlane({});
  console.log(world.plane.status().length);
`;

test('a flag of Node whose value stands apart from it reaches the worker with its value', async () => {
  await using folder = await temporaryFolder();
  const { path } = folder;
  const apart = ['--cpu-prof', '--cpu-prof-interval', '500', '--cpu-prof-dir', path];
  const run = promisify(execFile)(process.execPath, [...apart, '--eval', script]);
  expect((await run).stdout).toBe('1\n');
  // That of the process that started it, and its own.
  expect(await readdir(path)).toHaveLength(2);
});
