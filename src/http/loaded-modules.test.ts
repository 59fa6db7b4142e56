/** What the edge makes Node load at a start. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { long } from '../../test/support/long.ts';

/** In a process of its own: this one has loaded whatever the tests of others needed. */
const program = `
  import { createRequire } from 'node:module';
  const { restEdge } = await import('./test/support/rest-edge.ts');
  const loaded = () => Object.keys(createRequire(import.meta.url).cache);
  const edge = await restEdge();
  await fetch(edge.url + '/v1/status');
  const atStart = loaded();
  await fetch(edge.url + '/docs/');
  await edge[Symbol.asyncDispose]();
  console.log(JSON.stringify({ atStart, later: loaded() }));
`;

test(
  'no compiler of schemas is loaded but ours, nor the API page before it is asked for',
  long,
  async () => {
    const args = ['--input-type=module', '--eval', program];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    const loaded = JSON.parse(stdout) as Readonly<Record<'atStart' | 'later', readonly string[]>>;
    const { atStart, later } = loaded;
    expect(atStart.filter((path) => path.includes('/node_modules/fastify/'))).not.toEqual([]);
    expect(later.filter((path) => /\/ajv\/|-stringify-compiler\//.test(path))).toEqual([]);
    const ofPage = (paths: readonly string[]) =>
      paths.filter((path) => path.includes('/@fastify/s'));
    expect(ofPage(later)).not.toEqual([]);
    expect(ofPage(atStart)).toEqual([]);
  },
);
