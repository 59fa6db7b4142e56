/** A row of a table by a pointer: wherever it is hit it opens, but for what has a use of its own. */
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { expectAccessible, isLive, openTab, sharedBrowser } from '../support/browser.ts';
import { want } from '../support/rest-client.ts';
import { openClient } from '../support/tcp-client.ts';
import { sharedApp } from '../support/test-app.ts';

const app = sharedApp();
const browser = sharedBrowser();

/** Where a cell of the only row is, once the pointer is elsewhere. */
async function cellOf(page: Page, column: string) {
  await page.mouse.move(1, 1);
  const box = await page.locator(`td.of-${column}`).boundingBox();
  if (box === null) throw new Error(`no cell of ${column}`);
  const y = box.y + box.height / 2;
  return { y, start: box.x + 14, middle: box.x + box.width / 2, end: box.x + box.width - 12 };
}

test('a click anywhere in a row of connections opens its panel', async () => {
  const { laddr } = await want(201, app, 'POST', '/v1/listeners', { name: 'clicked' });
  await using client = await openClient(laddr.port);
  await client.echo('hello');
  await using tab = await openTab(browser);
  const { page, context } = tab;
  await page.goto(`${app.url}/connections`);
  await isLive(page);
  const id = await page.locator('[data-row]').getAttribute('data-row');
  const [table, panel] = [`${app.url}/connections`, `${app.url}/connections/${id}`];
  // However slow this browser is: what is not to be seen yet stays so.
  await page.evaluate(`document.adoptedStyleSheets = [new CSSStyleSheet()];
    document.adoptedStyleSheets[0].replaceSync('.cell-filter { animation-duration: 1000s }');`);
  for (const column of ['accepted', 'listener', 'raddr', 'declared', 'fd', 'state'])
    for (const place of ['middle', 'end'] as const) {
      const cell = await cellOf(page, column);
      await page.mouse.click(cell[place], cell.y);
      await page.waitForURL(panel);
      await page.locator('.course').waitFor();
      await page.keyboard.press('Escape');
      await page.locator('.course').waitFor({ state: 'detached' });
      await page.locator(`[data-row="${id}"]:focus`).waitFor();
    }
  await expectAccessible(page);

  const { start, middle, end, y } = await cellOf(page, 'raddr');
  await page.mouse.move(start, y);
  await page.mouse.down();
  await page.mouse.move(middle, y);
  await page.mouse.up();
  expect(await page.evaluate('String(getSelection())')).toMatch(/^127\.0/);
  expect(page.url()).toBe(table);

  await page.keyboard.down('Control');
  const [other] = await Promise.all([
    context.waitForEvent('page'),
    page.mouse.click((await cellOf(page, 'fd')).middle, y),
  ]);
  await page.keyboard.up('Control');
  await other.waitForURL(panel);
  expect(page.url()).toBe(table);
  await other.close();

  // Who sees what is to be hit hits it.
  await page.evaluate('document.adoptedStyleSheets = []');
  await page.mouse.move(end, y);
  await page.getByRole('button', { name: 'Filter on raddr:127.0.0.1' }).waitFor();
  await page.mouse.click(end, y);
  await page.waitForURL(`${table}?raddr=127.0.0.1`);
});

test('a click anywhere in a row of listeners opens its page', async () => {
  await want(201, app, 'POST', '/v1/listeners', { name: 'clicked-too' });
  await using tab = await openTab(browser);
  const { page } = tab;
  const list = `${app.url}/listeners?find=clicked-too`;
  for (const column of ['listener', 'state', 'labels']) {
    await page.goto(list);
    await page.getByText('1 of ').waitFor();
    const { middle, y } = await cellOf(page, column);
    await page.mouse.click(middle, y);
    await page.waitForURL(`${app.url}/listeners/clicked-too`);
  }
  await page.goto(list);
  await page.getByRole('link', { name: 'Picture clicked-too' }).click();
  await page.waitForURL(`${app.url}/?listener=clicked-too`);
});
