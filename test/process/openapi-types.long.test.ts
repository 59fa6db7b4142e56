/** Types that are made of openapi.json, by the tool that users take, and what they take and refuse. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';

const root = join(import.meta.dirname, '../..');

/** What users write, with the types that openapi-typescript makes of the document by its defaults. */
const client = `
import type { components } from './api.ts';

type Schemas = components['schemas'];
export const faults: Schemas['FaultSpec'][] = [
  { type: 'latency', delayMs: 100 },
  { type: 'refuse' },
  { type: 'banner', text: 'hello' },
];
export const bare: Schemas['NewListener'] = {};
export const full: Schemas['NewListener'] = {
  name: 'full',
  protocol: 'tls',
  tls: {},
  limits: { maxConnections: 1 },
  faults: [{ type: 'latency', delayMs: 100 }],
};
export const patch: Schemas['ListenerPatch'] = { faults: [{ type: 'latency', delayMs: 100 }] };
export const emptyPatch: Schemas['ListenerPatch'] = {};
export const range: Schemas['NewListeners'] = { ports: { from: 1, to: 2 }, faults };
export const list: Schemas['NewListeners'] = { listeners: [{}, full] };

// @ts-expect-error: a latency has its delay.
export const delayless: Schemas['FaultSpec'] = { type: 'latency' };
// @ts-expect-error: no fault has this name.
export const unknown: Schemas['NewListener'] = { faults: [{ type: 'earthquake' }] };
`;

test('types that are made of it take the bodies that users write, and no others', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'kodama-client-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const run = (program: string, ...words: string[]) => {
    // A workspace of its own, since openapi-typescript works with an older TypeScript than ours.
    const file = join(root, 'scripts/openapi-client/node_modules/.bin', program);
    return promisify(execFile)(process.execPath, [file, ...words], { cwd: folder });
  };
  await run('openapi-typescript', join(root, 'openapi.json'), '--output', 'api.ts');
  await writeFile(join(folder, 'client.ts'), client);
  const options = ['--strict', '--noEmit', '--skipLibCheck', '--module', 'nodenext'];
  const { stdout } = await run('tsc', ...options, '--allowImportingTsExtensions', 'client.ts');
  expect(stdout).toBe('');
});
