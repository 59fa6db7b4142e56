/** Two nodes on one database, seen from the page of either. */
import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { isLive, openTab, sharedBrowser } from '../support/browser.ts';
import { all, want } from '../support/rest-client.ts';
import { openClient } from '../support/tcp-client.ts';
import { sharedApp, sharedHome } from '../support/test-app.ts';
import { waitFor } from '../support/wait-for.ts';

const nodeA = `a-${randomUUID().slice(0, 8)}`;
const nodeB = `b-${randomUUID().slice(0, 8)}`;
const home = sharedHome();
const a = sharedApp({ KODAMA_NODE_ID: nodeA }, home);
const b = sharedApp({ KODAMA_NODE_ID: nodeB }, home);
const browser = sharedBrowser();

test('a listener of another node is drawn with the processes of that node, and no other', async () => {
  const { laddr } = await want(201, a, 'POST', '/v1/listeners', { name: 'far' });
  await using client = await openClient(laddr.port);
  await client.echo('hello');
  const connection = await waitFor('the record', async () => {
    const found = await all(b, '/v1/connections?listener=far&state=open', 'connections');
    return found[0];
  });
  await using tab = await openTab(browser);
  const { page } = tab;
  await page.goto(`${b.url}/?listener=far`);
  await isLive(page);
  const band = page.getByRole('region', { name: `node ${nodeA}` });
  await band.getByText('another node').waitFor();
  const workers = band.getByRole('region', { name: / worker$/ });
  expect(await workers.count()).toBe(1);
  const row = workers.locator('tr.accepted');
  expect(await row.locator('td').first().innerText()).toBe(String(connection.fd));
  expect(await page.getByRole('region', { name: `pid ${connection.pid} worker` }).count()).toBe(1);
  expect(await page.getByText('control plane').count()).toBe(0);

  // There it is the control plane's own.
  await page.goto(`${a.url}/?listener=far`);
  await isLive(page);
  await page.locator('.parent', { hasText: 'control plane' }).waitFor();
  expect(await page.getByText('another node').count()).toBe(0);
});
