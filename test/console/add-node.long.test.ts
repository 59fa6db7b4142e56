/** A host that becomes a node by the two lines that the page shows, and nothing else; and what the page says of it then. */
import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { expectAccessible, isLive, openTab, sharedBrowser } from '../support/browser.ts';
import { call, want } from '../support/rest-client.ts';
import { openClient } from '../support/tcp-client.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { sharedApp } from '../support/test-app.ts';

const command = join(import.meta.dirname, '../../bin/kodama.js');
/** A whole agent starts. */
const patient = { timeout: 90_000 };
const app = sharedApp({ KODAMA_GATEWAY_PORT: '0' }, undefined, (config) => ({
  ...config,
  // Ten seconds: on a busy machine a node that is there is silent for a while, too.
  fleet: { ...config.fleet, sweepEveryMs: 1000, missedSweeps: 10 },
  gateway: { ...config.gateway, limits: { ...config.gateway.limits, heartbeatMs: 200 } },
}));
const browser = sharedBrowser();

/** As somebody on a host does it who has kodama installed: the lines go into a shell. */
async function runInShell(lines: string, folder: string): Promise<Disposable> {
  const bin = join(folder, 'kodama');
  await writeFile(bin, `#!/bin/sh\nexec '${process.execPath}' '${command}' "$@"\n`, {
    mode: 0o755,
  });
  const { PATH = '', NODE_COMPILE_CACHE = '' } = process.env;
  const env = {
    PATH: `${folder}:${PATH}`,
    NODE_COMPILE_CACHE,
    KODAMA_DATA_DIR: join(folder, 'data'),
  };
  const shell = spawn('bash', [], { env, stdio: ['pipe', 'ignore', 'ignore'], detached: true });
  let isOver = false;
  shell.once('exit', () => {
    isOver = true;
  });
  shell.stdin.end(`${lines}\n`);
  return {
    [Symbol.dispose]() {
      if (!isOver && shell.pid !== undefined) process.kill(-shell.pid, 'SIGKILL');
    },
  };
}

const cardOf = (page: Page, name: string) =>
  page.locator('.card-list > li').filter({ has: page.getByRole('heading', { name, exact: true }) });

async function expectFits(page: Page): Promise<void> {
  const size = page.viewportSize();
  await page.setViewportSize({ width: 320, height: 800 });
  const width = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';
  expect(await page.evaluate(width)).toBe(0);
  for (const colorScheme of ['dark', 'light'] as const) {
    await page.emulateMedia({ colorScheme });
    await expectAccessible(page);
  }
  if (size !== null) await page.setViewportSize(size);
}

test('the two lines of the page make a host a node, and the page says how it is from then on', async () => {
  await using folder = await temporaryFolder();
  await using tab = await openTab(browser);
  const { page } = tab;
  await page.goto(`${app.url}/`);
  await isLive(page);
  await page.getByRole('link', { name: 'Nodes' }).click();
  await page.getByRole('button', { name: 'Add a node' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Labels').fill('site');
  await dialog.getByText('Write them as name=value').waitFor();
  await dialog.getByLabel('Labels').fill('site=dmz');
  await expectFits(page);
  await dialog.getByRole('button', { name: 'Make the two lines' }).click();
  await dialog.getByText('Waiting for the host').waitFor();
  await expectFits(page);
  const lines = (await dialog.locator('pre code').textContent()) ?? '';
  expect(lines).toMatch(
    /^export KODAMA_JOIN_TOKEN=kodamajoin_\S+\nkodama agent --join http:\/\/127\.0\.0\.1:\d+$/,
  );

  using shell = await runInShell(lines, folder.path);
  await dialog.getByText(/ is ready\.$/).waitFor(patient);
  await dialog.getByRole('button', { name: 'Done' }).click();
  const node = (await want(200, app, 'GET', '/v1/nodes?label=site%3Ddmz')).nodes[0];
  const card = cardOf(page, node.name);
  await card.getByText('ready').waitFor();
  await card.getByText('site=dmz').waitFor();

  // A listener is made there by the page, too.
  await page.keyboard.press('n');
  await dialog.getByLabel('Node').selectOption({ label: node.name });
  await dialog.getByLabel('Name').fill('away');
  await dialog.getByRole('button', { name: 'Create', exact: true }).click();
  await page.getByRole('heading', { name: 'away' }).waitFor();
  const { laddr, nodeId } = await want(200, app, 'GET', '/v1/listeners/away');
  expect(nodeId).toBe(node.id);
  await using client = await openClient(laddr.port);
  await client.echo('hello');

  await page.keyboard.press('3');
  await page.getByRole('button', { name: `Cordon ${node.name}` }).click();
  await card.getByText('It gets no new listeners').waitFor();
  await page.getByRole('button', { name: `Uncordon ${node.name}` }).click();
  await page.getByRole('button', { name: `Cordon ${node.name}` }).waitFor();

  shell[Symbol.dispose]();
  await card.getByText('It counts as lost if it is not back by').waitFor(patient);
  await expectFits(page);
  await page.getByRole('button', { name: `Remove ${node.name}` }).click();
  await dialog.getByText('1 listener, ').waitFor();
  await expectFits(page);
  await dialog.getByRole('button', { name: 'Remove node' }).click();
  await card.waitFor({ state: 'detached' });
  expect((await call(app, 'GET', `/v1/nodes/${node.name}`)).status).toBe(404);
});

test('a token that nobody has used is revoked from where it was shown', async () => {
  await using tab = await openTab(browser, { locale: 'ja-JP' });
  const { page } = tab;
  await page.goto(`${app.url}/nodes`);
  await page.getByRole('button', { name: 'ノードを追加' }).click();
  await page.getByRole('button', { name: '2 行を作成' }).click();
  await page.getByText('ホストを待っています').waitFor();
  // Esc does not take away what nobody sees again.
  await page.keyboard.press('Escape');
  await page.keyboard.press('Escape');
  await expectFits(page);
  await page.getByRole('button', { name: 'トークンを失効' }).click();
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  const [newest] = (await want(200, app, 'GET', '/v1/join-tokens')).joinTokens;
  expect(newest.revokedAt).not.toBeNull();
});
