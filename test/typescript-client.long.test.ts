/** The example of the client package, as it stands. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { commonApp } from './support/test-app.ts';

const root = join(import.meta.dirname, '..');
const app = commonApp();

test('the example passes', async () => {
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  const words = ['run', '--root', join(root, 'clients/typescript'), 'example'];
  const { stdout } = await promisify(execFile)(process.execPath, [vitest, ...words], {
    env: { PATH: process.env.PATH, KODAMA_URL: app.url, NO_COLOR: '1' },
  });
  expect(stdout).toContain('2 passed');
});
