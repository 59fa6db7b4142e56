/** What the page does as its address, a name or a listener becomes another one under it. */
import { expect, test } from 'vitest';
import { isLive, openTab, sharedBrowser } from '../support/browser.ts';
import { want } from '../support/rest-client.ts';
import { openClient, talk } from '../support/tcp-client.ts';
import { sharedApp } from '../support/test-app.ts';
import { waitFor } from '../support/wait-for.ts';

const app = sharedApp();
const browser = sharedBrowser();

const listen = async (name: string, more: object = {}) =>
  await want(201, app, 'POST', '/v1/listeners', { name, ...more });

test('a table of a name follows who has it', async () => {
  await talk((await listen('again')).laddr.port, 'x');
  await using tab = await openTab(browser);
  const { page } = tab;
  await page.goto(`${app.url}/connections?listener=again`);
  await isLive(page);
  await page.locator('[data-row]').waitFor();
  await want(204, app, 'DELETE', '/v1/listeners/again');
  await using client = await openClient((await listen('again')).laddr.port);
  await page.getByRole('row', { name: String(client.socket.localPort) }).waitFor();
  // It goes on by the log, and the former listener's rows are gone as they are from the list.
  await using other = await openClient(
    (await want(200, app, 'GET', '/v1/listeners/again')).laddr.port,
  );
  await page.getByRole('row', { name: String(other.socket.localPort) }).waitFor();
  expect(await page.locator('[data-row]').count()).toBe(2);
});

test('who goes back or forward is where the address says', async () => {
  await listen('for-a-log');
  await using tab = await openTab(browser);
  const { page } = tab;
  const past = page.locator('[data-place="past"]');
  await page.goto(`${app.url}/`);
  await isLive(page);
  await page.keyboard.press('[');
  await past.waitFor();
  await waitFor('the place to be in the URL', () => page.url().includes('at='));
  await page.getByRole('link', { name: 'Connections', exact: true }).click();
  await page.keyboard.press('l');
  await isLive(page);
  await page.waitForURL(`${app.url}/connections`);
  await page.goBack();
  await past.waitFor();
  await page.goForward();
  await isLive(page);
  expect(page.url()).toBe(`${app.url}/connections`);
});

test('the first link skips to what the page is about', async () => {
  await using tab = await openTab(browser);
  const { page } = tab;
  await page.goto(`${app.url}/connections?state=open`);
  await isLive(page);
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.locator('main:focus').waitFor();
  expect(page.url()).toBe(`${app.url}/connections?state=open#content`);
});
