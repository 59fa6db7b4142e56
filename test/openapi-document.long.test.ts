/** openapi.json as linters read it. Each of them is also shown what it must refuse. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createConfig, lintFromString } from '@redocly/openapi-core';
import spectral, { type RulesetDefinition } from '@stoplight/spectral-core';
import parsers from '@stoplight/spectral-parsers';
import rulesets from '@stoplight/spectral-rulesets';
import { expect, test } from 'vitest';

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
