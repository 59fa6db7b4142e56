/** What the edge makes Node load at a start. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { long } from '../../test/support/long.ts';

/** In a process of its own: this one has loaded whatever the tests of others needed. */
const program = `
  import { createRequire } from 'node:module';
  const { restEdge } = await import('./test/support/rest-edge.ts');
  const edge = await restEdge();
  await fetch(edge.url + '/docs/');
  await edge[Symbol.asyncDispose]();
  console.log(JSON.stringify(Object.keys(createRequire(import.meta.url).cache)));
`;

test('no compiler of schemas is loaded but ours', long, async () => {
  const args = ['--input-type=module', '--eval', program];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  const loaded = JSON.parse(stdout) as readonly string[];
  expect(loaded.filter((path) => path.includes('/node_modules/fastify/'))).not.toEqual([]);
  expect(loaded.filter((path) => /\/ajv\/|-stringify-compiler\//.test(path))).toEqual([]);
});
