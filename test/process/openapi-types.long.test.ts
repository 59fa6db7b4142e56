/** Types that are made of openapi.json, by the tool that users take, and what they take and refuse. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
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

test('the line of the docs that makes them takes the tool from the registry, in the clone too', async () => {
  const page = await readFile(join(root, 'docs/clients.md'), 'utf8');
  const [, words = ''] = /`npx (openapi-typescript[^`]+)`/.exec(page) ?? [];
  const asked: string[] = [];
  const registry = createServer(({ url = '' }, response) => {
    asked.push(url);
    response.writeHead(404).end();
  }).listen(0, '127.0.0.1');
  await once(registry, 'listening');
  onTestFinished(() => void registry.close());
  const { port } = registry.address() as AddressInfo;
  const env = { ...process.env, npm_config_registry: `http://127.0.0.1:${port}` };
  const run = promisify(execFile)('npx', ['--yes', ...words.split(' ')], { cwd: root, env });
  // Nobody finds anything there; a copy of the clone's own it would have tried without a question.
  await expect(run).rejects.toThrow('404');
  expect(asked).toContain('/openapi-typescript');
});
