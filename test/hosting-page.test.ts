/** docs/hosting.md, taken at its word: its shell is run, its unit is verified, and what it names is there. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { settings } from '../src/config.ts';
import { blocks, runBlock, shell } from './support/clients-page.ts';
import { long } from './support/long.ts';
import { call, want } from './support/rest-client.ts';
import { sharedApp } from './support/test-app.ts';

const root = join(import.meta.dirname, '..');
const page = 'docs/hosting.md';
const text = readFileSync(join(root, page), 'utf8');
const token = 'the-operators-own-token';
const app = sharedApp({ KODAMA_API_TOKEN: token });
const bearer = (secret: string) => ({ authorization: `Bearer ${secret}` });

/** The objects that a block printed, one behind the other. */
function answers(stdout: string): Record<string, unknown>[] {
  return stdout
    .split(/(?<=\})(?=\{)|\n/)
    .filter((part) => part !== '')
    .map((part) => JSON.parse(part) as Record<string, unknown>);
}

test('a project, its keys and its quotas are made as the page says', long, async (context) => {
  const [first = '', operators = '', quotas = '', ...others] = blocks('sh', page);
  expect(others).toEqual([]);
  const run = async (block: string) => {
    const environment = { KODAMA_API_TOKEN: token };
    const { stdout } = await runBlock(context, shell, block, { http: app.httpPort }, environment);
    return answers(stdout);
  };
  const [project, key] = await run(first);
  expect(project).toMatchObject({ name: 'payments', displayName: 'Payments' });
  expect(key).toMatchObject({ name: 'ci', project: 'payments' });
  const own = bearer(String(key?.secret));
  await want(201, app, 'POST', '/v1/listeners', {}, own);
  const [me, prometheus] = await run(operators);
  await want(200, app, 'GET', '/v1/projects/payments', undefined, bearer(String(me?.secret)));
  const metrics = await scraped(String(prometheus?.secret));
  const named = new Set(text.match(/\bkodama_[a-z]+(_[a-z]+)*\b/g));
  for (const name of named) expect(metrics, name).toContain(`# TYPE ${name} `);
  expect(named.size).toBeGreaterThan(5);
  const [changed] = await run(quotas);
  const wanted = { listeners: 100, openConnections: 2000, retentionDays: 14 };
  expect(changed?.quotas).toMatchObject(wanted);
  const told = await want(200, app, 'GET', '/v1/quotas', undefined, own);
  expect(JSON.stringify(told)).toContain('"limit":2000000');
});

async function scraped(secret: string): Promise<string> {
  const answer = await fetch(`${app.url}/metrics`, { headers: bearer(secret) });
  expect(answer.status).toBe(200);
  expect((await call(app, 'GET', '/metrics')).status).toBe(401);
  return await answer.text();
}

test('each variable that the page names is one that kodama reads', () => {
  const named = new Set(text.match(/\b(KODAMA_[A-Z_]+|DATABASE_URL)\b/g));
  expect(named.size).toBeGreaterThan(10);
  for (const name of named) expect(settings.shape, name).toHaveProperty(name);
});

test('systemd takes the unit, and it starts what npm start starts', async ({ skip }) => {
  const [unit = ''] = blocks('ini', page);
  const [, started = ''] = /^ExecStart=\/opt\/kodama\/(.+)$/m.exec(unit) ?? [];
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  expect(`exec ${started.replace(/^\S*\//, '')}`).toBe(scripts.start);
  const folder = await mkdtemp(join(tmpdir(), 'kodama-unit-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = join(folder, 'kodama.service');
  await writeFile(file, unit.replaceAll('/opt/kodama', root));
  const verified = await promisify(execFile)('systemd-analyze', ['verify', file]).catch(
    (error: NodeJS.ErrnoException & { stderr: string }) => {
      if (error.code === 'ENOENT') skip('systemd-analyze is not installed');
      return error;
    },
  );
  const ours = verified.stderr.split('\n').filter((line) => line.includes('kodama.service'));
  expect(ours).toEqual([]);
});
