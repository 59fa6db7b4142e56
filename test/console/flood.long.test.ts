/** The table of connections with as many rows as it holds, and while five hundred connections a second come and go. */
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { isLive, openTab, sharedBrowser, type Tab } from '../support/browser.ts';
import { want } from '../support/rest-client.ts';
import { makeHome, startProcess, type TestProcess } from '../support/test-app.ts';
import { passed, waitFor } from '../support/wait-for.ts';

const browser = sharedBrowser();
const rowsMax = 10_000;
const perSecond = 500;
const tickMs = 20;
/** What a window of 720 pixels has in sight, and a few beyond either edge. */
const domRowsMax = 60;
const heapMax = 100e6;
const longMs = 120_000;

/** Connects `count` times from ten hosts, `atOnce` at a time in each tick; who is connected leaves. */
async function comeAndGo(port: number, count: number, atOnce: number, isPaced: boolean) {
  const startedAt = performance.now();
  const visit = async (n: number) => {
    const localAddress = `127.0.2.${1 + (n % 10)}`;
    const socket = connect({ host: '127.0.0.1', port, localAddress });
    await once(socket, 'connect');
    socket.resume().end();
    await once(socket, 'close');
  };
  for (let n = 0; n < count; n += atOnce) {
    const dueMs = isPaced ? (n / perSecond) * 1000 - (performance.now() - startedAt) : 0;
    if (dueMs > 0) await passed(dueMs);
    await Promise.all(Array.from({ length: atOnce }, (_, at) => visit(n + at)));
  }
}

async function listen(app: TestProcess, name: string): Promise<number> {
  const { laddr } = await want(201, app, 'POST', '/v1/listeners', { name });
  return laddr.port;
}

async function recorded(app: TestProcess, name: string, total: number): Promise<void> {
  const isWhole = async () => {
    const listener = await want(200, app, 'GET', `/v1/listeners/${name}`);
    return listener.totalConnections === total && listener.openConnections === 0;
  };
  await waitFor(`${total} connections to be on record`, isWhole, longMs);
}

const rowCount = async (page: Page) =>
  Number(await page.locator('.table-panel table').getAttribute('aria-rowcount')) - 1;
const domRows = (page: Page) => page.locator('.table-panel tbody tr').count();
const scrollTo = (page: Page, top: string) =>
  page.evaluate(`new Promise((done) => {
    const rows = document.querySelector('.table-panel .rows');
    rows.scrollTo(0, ${top});
    requestAnimationFrame(() => requestAnimationFrame(done));
  })`);

async function heapOf({ context, page }: Tab): Promise<number> {
  const session = await context.newCDPSession(page);
  await session.send('HeapProfiler.collectGarbage');
  return (await session.send('Runtime.getHeapUsage')).usedSize;
}

async function openTable(app: TestProcess, name: string): Promise<Tab> {
  const tab = await openTab(browser);
  await tab.page.goto(`${app.url}/connections?listener=${name}`);
  await isLive(tab.page);
  await tab.page.locator('[data-row]').first().waitFor();
  return tab;
}

test('ten thousand rows are scrolled through, and a screenful of them is in the document', async () => {
  await using home = await makeHome();
  await using app = await startProcess(home);
  await comeAndGo(await listen(app, 'many'), rowsMax + 200, 50, false);
  await recorded(app, 'many', rowsMax + 200);
  await using tab = await openTable(app, 'many');
  const { page } = tab;
  // Each look at the end brings a page of older ones, until the table holds all that it may.
  await waitFor(
    'a full table',
    async () => {
      await scrollTo(page, 'rows.scrollHeight');
      return (await rowCount(page)) >= rowsMax;
    },
    longMs,
  );
  await page.getByText('The newest 10,000 are held here.').waitFor();
  const seen = new Set<string>();
  for (let at = 0; at <= 20; at++) {
    await scrollTo(page, `rows.scrollHeight * ${at / 20}`);
    expect(await domRows(page)).toBeLessThanOrEqual(domRowsMax);
    seen.add((await page.locator('[data-row]').first().getAttribute('data-row')) ?? '');
  }
  expect(seen.size).toBe(21);
  expect(await heapOf(tab)).toBeLessThan(heapMax);
});

/** Elements of rows that the table has had since it was asked for; one that was moved, or given another row, is one. */
const countRowElements = `
  window.rowElements = new Set(document.querySelectorAll('.table-panel tbody *'));
  new MutationObserver((changes) => {
    for (const { addedNodes } of changes)
      for (const added of addedNodes) {
        if (!(added instanceof Element)) continue;
        for (const element of [added, ...added.querySelectorAll('*')]) rowElements.add(element);
      }
  }).observe(document.querySelector('.table-panel tbody'), { childList: true, subtree: true });
`;

test('a table that is live writes new rows into the elements that it has', async () => {
  await using home = await makeHome();
  await using app = await startProcess(home);
  const port = await listen(app, 'live');
  await comeAndGo(port, 300, 50, false);
  await recorded(app, 'live', 300);
  await using tab = await openTable(app, 'live');
  const { page } = tab;
  await waitFor('the first rows', async () => (await rowCount(page)) >= 200);
  const before = Number(
    await page.evaluate('document.querySelectorAll(".table-panel tbody *").length'),
  );
  await page.evaluate(countRowElements);
  const count = perSecond * 10;
  await comeAndGo(port, count, (perSecond * tickMs) / 1000, true);
  const [{ id }] = (await want(200, app, 'GET', '/v1/connections?pageSize=1')).connections;
  await page.locator(`[data-row="${id}"]`).waitFor({ timeout: longMs });
  // Thousands of rows have been in sight, and each has some fifteen elements.
  const elements = Number(await page.evaluate('rowElements.size'));
  console.log(`${before} elements before, ${elements} in all`);
  expect(elements).toBeLessThan(2 * before);
});

test('five hundred a second leave the table where it was scrolled to, and are counted', async () => {
  await using home = await makeHome();
  await using app = await startProcess(home);
  const port = await listen(app, 'flood');
  await comeAndGo(port, 300, 50, false);
  await recorded(app, 'flood', 300);
  await using tab = await openTable(app, 'flood');
  const { page } = tab;
  await waitFor('the first rows', async () => (await rowCount(page)) >= 200);
  await scrollTo(page, '900');
  await page.locator('[data-place="paused"]').waitFor();
  const inSight = () => page.locator('.table-panel tbody').innerText();
  const before = await inSight();
  const count = perSecond * 15;
  await comeAndGo(port, count, (perSecond * tickMs) / 1000, true);
  const newer = page.getByRole('button', { name: `${count.toLocaleString('en')} newer` });
  await newer.waitFor({ timeout: longMs });
  expect(await inSight()).toBe(before);
  expect(await domRows(page)).toBeLessThanOrEqual(domRowsMax);
  expect(await heapOf(tab)).toBeLessThan(heapMax);

  await newer.click();
  await isLive(page);
  const [{ id }] = (await want(200, app, 'GET', '/v1/connections?pageSize=1')).connections;
  await page.locator(`[data-row="${id}"]`).waitFor();
  expect(await domRows(page)).toBeLessThanOrEqual(domRowsMax);
});
