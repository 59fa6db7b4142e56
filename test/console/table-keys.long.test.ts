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

test('Esc leaves a field with what was typed, and only then the panel', async () => {
  const { laddr } = await want(201, app, 'POST', '/v1/listeners', { name: 'fields' });
  await want(201, app, 'POST', '/v1/listeners', { name: 'others' });
  await talk(laddr.port, 'x');
  await using tab = await openTab(browser);
  const { page } = tab;
  await page.goto(`${app.url}/connections?listener=fields`);
  await page.locator('[data-row]').waitFor();
  await page.keyboard.press('j');
  await page.keyboard.press('Enter');
  await page.locator('.course').waitFor();
  const filter = page.getByRole('combobox', { name: 'Filter' });
  await page.keyboard.press('/');
  await page.keyboard.type('nonsense');
  await page.keyboard.press('Enter');
  await page.getByRole('alert').waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('alert').waitFor({ state: 'detached' });
  expect(await filter.inputValue()).toBe('');
  expect(await filter.evaluate((field) => field === document.activeElement)).toBe(false);
  await page.getByRole('button', { name: 'Without listener:fields' }).waitFor();
  expect(await page.locator('.course').count()).toBe(1);
  // The keys of the page are there again.
  await page.keyboard.press('Escape');
  await page.locator('.course').waitFor({ state: 'detached' });
  await page.keyboard.press('/');
  await page.keyboard.press('Escape');
  await page.keyboard.press('j');
  await page.locator('[data-row]:focus').waitFor();

  await page.goto(`${app.url}/listeners?find=fields`);
  await page.getByText(/^1 of \d listeners$/).waitFor();
  await page.keyboard.press('/');
  await page.keyboard.press('Escape');
  await page.getByText(/^\d listeners$/).waitFor();
  await page.waitForURL(`${app.url}/listeners`);
  await page.keyboard.press('j');
  await page.locator('[data-row]:focus').waitFor();
});
