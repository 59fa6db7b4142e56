/** openapi.json as others read it: linters, and what makes clients. Each of them is also shown what it must refuse. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createConfig, lintFromString } from '@redocly/openapi-core';
import spectral, { type RulesetDefinition } from '@stoplight/spectral-core';
import parsers from '@stoplight/spectral-parsers';
import rulesets from '@stoplight/spectral-rulesets';
import { expect, onTestFinished, test } from 'vitest';

const root = join(import.meta.dirname, '..');
const document = readFileSync(join(root, 'openapi.json'), 'utf8');
/** What both linters have something to say of. */
const careless = document.replaceAll(/"operationId": "[^"]*",/g, '');

async function redocly(source: string): Promise<string[]> {
  const config = await createConfig({ extends: ['recommended'] });
  const absoluteRef = join(root, 'openapi.json');
  const problems = await lintFromString({ source, absoluteRef, config });
  return problems.map(({ ruleId, message }) => `${ruleId}: ${message}`);
}

async function spectralOas(source: string): Promise<string[]> {
  const linter = new spectral.Spectral();
  // Its types ask for a rule set to extend, which this one does not.
  linter.setRuleset({ extends: [rulesets.oas as RulesetDefinition] });
  const problems = await linter.run(new spectral.Document(source, parsers.Json, 'openapi.json'));
  return problems.map(({ code, path, message }) => `${code}: ${path.join('.')}: ${message}`);
}

test.each([
  { name: 'redocly', lint: redocly },
  { name: 'spectral', lint: spectralOas },
])('$name finds nothing to say', async ({ lint }) => {
  expect(await lint(document)).toEqual([]);
  expect(await lint(careless)).not.toEqual([]);
});

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
