/** Which listener something is of, where there are several: in the table, on Live, and in the list of all. */
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { expectAccessible, isLive, openTab, sharedBrowser } from '../support/browser.ts';
import { all, want } from '../support/rest-client.ts';
import { openClient, wantRefused } from '../support/tcp-client.ts';
import { sharedApp } from '../support/test-app.ts';
import { waitFor } from '../support/wait-for.ts';

const app = sharedApp();
const browser = sharedBrowser();

async function listen(name: string, more: object = {}) {
  return await want(201, app, 'POST', '/v1/listeners', { name, ...more });
}

const columnsOf = (page: Page) => page.locator('.table-panel th:visible').allInnerTexts();

test('a row of the table names its listener and its process, unless all are of one listener', async () => {
  const limits = { denyCidrs: ['127.0.0.7'] };
  const [one, other] = [await listen('first-of-two', { limits }), await listen('second-of-two')];
  await using first = await openClient(one.laddr.port);
  await using second = await openClient(other.laddr.port);
  await Promise.all([first.echo('hello'), second.echo('hello')]);
  await wantRefused(one.laddr.port, '127.0.0.7');
  const [{ pid }] = await waitFor('its record', async () => {
    const found = await all(app, `/v1/connections?listener=${one.name}`, 'connections');
    return found.length > 0 ? found : null;
  });
  await using tab = await openTab(browser);
  const { page } = tab;
  await page.goto(`${app.url}/connections`);
  await page.getByRole('row', { name: 'refused: deny_cidrs' }).getByText('first-of-two').waitFor();
  const cells = page.getByRole('row', { name: 'second-of-two' }).getByRole('cell');
  const whole = await columnsOf(page);
  expect(whole).toEqual([
    ...['accepted UTC', 'proto', 'listener', 'laddr', 'raddr', 'declared', 'pid', 'fd'],
    ...['in / out', 'state'],
  ]);
  expect((await cells.allInnerTexts())[whole.indexOf('pid')]).toBe(String(pid));

  // What is left in a narrow window is not cut off.
  for (const width of [901, 900, 721, 720, 561, 560, 481, 320]) {
    await page.setViewportSize({ width, height: 800 });
    const columns = await columnsOf(page);
    expect(columns.includes('listener'), `${columns} at ${width}`).toBe(width > 560);
    const raddr = page.getByRole('row', { name: 'open' }).locator('.of-raddr').first();
    const hidden = await raddr.evaluate((cell) => cell.scrollWidth - cell.clientWidth);
    expect(hidden, `of an address at ${width}`).toBe(0);
  }
  await expectAccessible(page);

  await page.setViewportSize({ width: 1280, height: 800 });
  await page.getByRole('row', { name: 'second-of-two' }).hover();
  await page.getByRole('button', { name: 'Filter on listener:second-of-two' }).click();
  await waitFor('the rows of one', async () => (await page.locator('[data-row]').count()) === 1);
  expect(await columnsOf(page)).toEqual(whole.filter((column) => column !== 'listener'));
  await isLive(page);
});
