/** A table of which only the rows in sight are in the document, by its keys alone. */
import { expect, test } from 'vitest';
import { isLive, openTab, sharedBrowser } from '../support/browser.ts';
import { want } from '../support/rest-client.ts';
import { talk } from '../support/tcp-client.ts';
import { sharedApp } from '../support/test-app.ts';
import { waitFor } from '../support/wait-for.ts';

const app = sharedApp();
const browser = sharedBrowser();

test('keys go on from what is in sight, where the row that had focus is out of the document', async () => {
  const { laddr } = await want(201, app, 'POST', '/v1/listeners', { name: 'keys' });
  for (let at = 0; at < 150; at += 1) await talk(laddr.port, 'x');
  await using tab = await openTab(browser);
  const { page } = tab;
  await page.goto(`${app.url}/connections?listener=keys`);
  await isLive(page);
  await page.locator('[data-row]').nth(3).focus();
  const rows = page.locator('.table-panel .rows');
  const placeOf = () => rows.evaluate((element) => element.scrollTop);
  const press = async (key: string, isThere: (place: number) => boolean) => {
    await page.keyboard.press(key);
    await waitFor(`${key} to scroll`, async () => isThere(await placeOf()));
  };
  const end = await rows.evaluate((element) => element.scrollHeight - element.clientHeight);
  for (let times = 0; times < 3; times += 1) {
    await press('PageDown', (place) => place > 0);
    await press('End', (place) => place > end - 2);
    await press('PageUp', (place) => place < end - 2);
    await press('Home', (place) => place === 0);
  }
  // Where no row has focus the next is the first in sight, and not one above it.
  await press('End', (place) => place > end - 2);
  await page.keyboard.press('j');
  await page.locator('[data-row]:focus').waitFor();
  expect(await placeOf()).toBeGreaterThan(end - 2);
  await press('Home', (place) => place === 0);
  await page.keyboard.press('Tab');
  expect(await page.locator('[data-row]:focus').count()).toBe(1);
});
