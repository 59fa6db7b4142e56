/** The pages of connections and of a listener over a longer life: history, live, places in the log, refusals, and what is refused. */
import { text } from 'node:stream/consumers';
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { expectAccessible, isLive, openTab, sharedBrowser } from '../support/browser.ts';
import { all, call, want } from '../support/rest-client.ts';
import { openClient, talk, wantRefused } from '../support/tcp-client.ts';
import { sharedApp } from '../support/test-app.ts';
import { waitFor } from '../support/wait-for.ts';

const app = sharedApp();
const browser = sharedBrowser();

async function listen(name: string, more: object = {}): Promise<number> {
  const { laddr } = await want(201, app, 'POST', '/v1/listeners', { name, ...more });
  return laddr.port;
}

/** The connections in the record, as the API has them for the same query. */
async function recorded(query: string): Promise<string[]> {
  return (await all(app, `/v1/connections?${query}`, 'connections')).map(({ id }) => id);
}

const rowCount = async (page: Page) =>
  Number(await page.locator('.table-panel table').getAttribute('aria-rowcount')) - 1;

const isShown = async (page: Page, count: number) => (await rowCount(page)) === count;

/** Connections that come and go, all of them on record. */
async function comeAndGo(name: string, port: number, count: number): Promise<void> {
  for (let at = 0; at < count; at += 20)
    await Promise.all(Array.from({ length: 20 }, () => talk(port, 'x')));
  await waitFor('all to be closed', async () => {
    return (await recorded(`listener=${name}&state=closed`)).length === count;
  });
}

/** All rows, of which only those in sight are in the document at once. */
async function rowIds(page: Page): Promise<string[]> {
  const ids = new Set<string>();
  const count = await rowCount(page);
  const rows = page.locator('.table-panel .rows');
  for (let top = 0; ids.size < count && top <= count * 30; top += 240) {
    await rows.evaluate((element, to) => element.scrollTo(0, to), top);
    await page.evaluate(
      'new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))',
    );
    for (const link of await page.locator('[data-row]').all())
      ids.add((await link.getAttribute('data-row')) ?? '');
  }
  return [...ids].sort().reverse();
}

test('history and live are one table, which scrolling back holds still', async () => {
  const port = await listen('history');
  await comeAndGo('history', port, 460);
  await using tab = await openTab(browser);
  const { page } = tab;
  await page.goto(`${app.url}/connections?listener=history`);
  await isLive(page);
  await page.locator('[data-row]').first().waitFor();
  await page
    .locator('.table-panel .rows')
    .evaluate((element) => element.scrollTo(0, element.scrollHeight));
  await page.locator('[data-place="paused"]').waitFor();
  await waitFor('older ones', () => isShown(page, 460));
  for (let at = 0; at < 3; at += 1) await talk(port, 'x');
  await page.getByRole('button', { name: '3 newer' }).waitFor();
  expect(await rowCount(page)).toBe(460);
  await page.getByRole('button', { name: '3 newer' }).click();
  await isLive(page);
  await waitFor('the newer ones', () => isShown(page, 463));
  // Whoever has asked for the pause keeps it, back at the top too.
  await page.locator('h1').click();
  await page.keyboard.press(' ');
  expect(await rowIds(page)).toEqual(await recorded('listener=history'));
  await page.locator('[data-place="paused"]').waitFor();

  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Export NDJSON' }).click(),
  ]);
  const lines = (await text(await download.createReadStream())).trimEnd().split('\n');
  expect(lines.map((line) => JSON.parse(line).id)).toEqual(await recorded('listener=history'));
});

test('at a seq of the past the table is what it was', async () => {
  const port = await listen('past');
  await using first = await openClient(port);
  await first.echo('a');
  const then = await waitFor('the record of the first', async () => {
    const open = await recorded('listener=past&state=open');
    return open.length === 1 && open;
  });
  const { headSeq } = await want(200, app, 'GET', '/v1/status');
  await using second = await openClient(port);
  await second.echo('b');
  await first[Symbol.asyncDispose]();
  await waitFor('the first to be closed', async () =>
    (await recorded('listener=past&state=closed')).length === 1 ? true : null,
  );
  await using tab = await openTab(browser);
  const { page } = tab;
  await page.goto(`${app.url}/connections?listener=past&state=open&at=${headSeq}`);
  await page.locator('[data-place="past"]').waitFor();
  await page.locator('[data-row]').first().waitFor();
  expect(await rowIds(page)).toEqual(then);
  await page.locator('[data-row]').first().focus();
  await page.keyboard.press('Enter');
  expect(await page.getByRole('button', { name: 'Reset (RST)' }).isDisabled()).toBe(true);
  await page.keyboard.press('l');
  await isLive(page);
  const now = await recorded('listener=past&state=open');
  await waitFor('the table of now', async () =>
    String(await rowIds(page)) === String(now) ? true : null,
  );
});

test('a place before the first page of the history brings the pages that reach it', async () => {
  const port = await listen('long-past');
  await comeAndGo('long-past', port, 300);
  const early = (await all(app, '/v1/events?listener=long-past', 'events'))
    .sort((one, other) => one.seq - other.seq)
    .filter(({ type }) => type === 'connection_opened')
    .slice(0, 5);
  await using tab = await openTab(browser);
  const { page } = tab;
  await page.goto(`${app.url}/connections?listener=long-past`);
  await waitFor('the first page', () => isShown(page, 200));
  await page.getByRole('slider').fill(String(early.at(-1)?.seq));
  await waitFor('the first ones', () => isShown(page, 5));
  const ids = early.map(({ connection }) => String(connection.id));
  expect(await rowIds(page)).toEqual(ids.sort().reverse());
});

test('a filter that few rows match shows them at once, however far down the table was', async () => {
  const port = await listen('deep');
  await comeAndGo('deep', port, 180);
  await using client = await openClient(port, { localAddress: '127.0.0.9' });
  await client.echo('hello');
  await using tab = await openTab(browser);
  const { page } = tab;
  await page.goto(`${app.url}/connections?listener=deep`);
  await waitFor('all rows', () => isShown(page, 181));
  await page.locator('.table-panel .rows').hover();
  await page.mouse.wheel(0, 181 * 30);
  await page.locator('[aria-rowindex="182"]').waitFor();
  await page.keyboard.press('/');
  await page.keyboard.type('raddr:127.0.0.9');
  await page.keyboard.press('Enter');
  const few = await waitFor('the rows that match', async () => {
    const table = page.locator('.table-panel table[aria-rowcount="2"]');
    const [html] = await table.evaluateAll((all) => all.map(({ innerHTML }) => innerHTML));
    return html;
  });
  expect(few).toContain('127.0.0.9');
  await isLive(page);
});

test('who is turned away is in the table, unless an end is asked for', async () => {
  const port = await listen('guarded', { limits: { denyCidrs: ['127.0.0.7'] } });
  await wantRefused(port, '127.0.0.7');
  // No port is `none`.
  await using tab = await openTab(browser, { provoked: ['status of 400'] });
  const { page } = tab;
  await page.goto(`${app.url}/connections?listener=guarded`);
  await page.getByText('refused: deny_cidrs').waitFor();
  await page.goto(`${app.url}/connections?listener=guarded&raddr=127.0.0.7`);
  await page.getByText('refused: deny_cidrs').waitFor();
  await page.goto(`${app.url}/connections?listener=guarded&closeReason=peer_fin`);
  await page.getByText('No connection matches.').waitFor();
  await page.goto(`${app.url}/connections?lport=none`);
  await page.getByRole('alert').waitFor();
});

test('what is wrong with a fault stands at its field, and what others change is not lost', async () => {
  await listen('wrong');
  // A latency has to say how long.
  await using tab = await openTab(browser, { provoked: ['status of 400'] });
  const { page } = tab;
  await page.goto(`${app.url}/listeners/wrong`);
  await page.getByRole('combobox', { name: 'Add a fault' }).selectOption('latency');
  await page.getByRole('button', { name: 'Apply: 1 change' }).click();
  const delay = page.getByRole('textbox', { name: 'delayMs' });
  await page.getByText('is required').waitFor();
  expect(await delay.getAttribute('aria-invalid')).toBe('true');
  await delay.fill('9');
  const faults = [{ type: 'blackhole' }];
  await want(200, app, 'PATCH', '/v1/listeners/wrong', { faults });
  await page.getByText('changed elsewhere meanwhile').waitFor();
  await page.getByRole('button', { name: 'Revert' }).click();
  await page.getByRole('button', { name: 'blackhole: remove' }).waitFor();
  await page.getByRole('checkbox', { name: 'blackhole: on' }).uncheck();
  await page.getByRole('button', { name: 'Apply: 1 change' }).click();
  await waitFor('the fault to be off', async () => {
    const { body } = await call(app, 'GET', '/v1/listeners/wrong');
    return body.faults[0]?.enabled === false ? true : null;
  });
});

test('a listener is made in a dialog, and who has its port is told', async () => {
  // The port is taken, then out of range; what is closed in the end is looked for once more.
  await using tab = await openTab(browser, {
    provoked: ['status of 409', 'status of 400', 'status of 404'],
  });
  const { page } = tab;
  await page.goto(`${app.url}/connections`);
  await isLive(page);
  await page.keyboard.press('n');
  await page.getByRole('textbox', { name: 'Name' }).fill('made');
  await expectAccessible(page);
  await page.getByRole('button', { name: 'Create', exact: true }).dblclick();
  await page.waitForURL(`${app.url}/listeners/made`);
  const made = await all(app, '/v1/listeners?name=made', 'listeners');
  expect(made).toHaveLength(1);
  await page.getByRole('heading', { name: 'made' }).waitFor();

  await page.keyboard.press('n');
  await page.getByRole('textbox', { name: 'Port' }).fill(String(made[0].laddr.port));
  await page.getByRole('button', { name: 'Create', exact: true }).click();
  await page.getByRole('link', { name: 'The listener that has it' }).waitFor();
  await page.getByRole('textbox', { name: 'Port' }).fill('99999');
  await page.getByRole('button', { name: 'Create', exact: true }).click();
  await page.getByText('must be a whole number from 0 to 65535').first().waitFor();
  await page.keyboard.press('Escape');

  await page.getByRole('button', { name: 'Close listener' }).click();
  await page.getByRole('button', { name: 'Close', exact: true }).click();
  await page.locator('.state.closed').waitFor();
  expect(await all(app, '/v1/listeners?name=made', 'listeners')).toEqual([]);
});

test('a listener is made with faults, and what is wrong with one stands at its field', async () => {
  // A latency says not how long, and then `many` is no limit.
  await using tab = await openTab(browser, { provoked: ['status of 400'] });
  const { page } = tab;
  await page.goto(`${app.url}/connections`);
  await isLive(page);
  await page.keyboard.press('n');
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('textbox', { name: 'Name', exact: true }).fill('faulty');
  await dialog.getByText('Faults', { exact: true }).click();
  await dialog.getByRole('button', { name: 'reset after 1 kB' }).click();
  await dialog.getByRole('combobox', { name: 'Add a fault' }).selectOption('latency');
  const create = dialog.getByRole('button', { name: 'Create', exact: true });
  await create.click();
  await dialog.getByText('is required', { exact: true }).waitFor();
  await expectAccessible(page);
  // It stays at its field wherever the fault is moved.
  await dialog.getByRole('button', { name: 'latency: earlier' }).click();
  const delay = dialog.getByRole('textbox', { name: 'delayMs' });
  expect(await delay.getAttribute('aria-invalid')).toBe('true');
  expect(await dialog.locator('[aria-invalid="true"]').count()).toBe(1);
  await delay.fill('9');
  const faults = [
    { type: 'latency', delayMs: 9 },
    { type: 'limit', bytes: 1024, action: 'rst' },
  ];
  const body = { name: 'faulty', faults };
  expect(await dialog.getByText('curl -X POST').innerText()).toContain(JSON.stringify(body));
  await dialog.getByText('For kodama apply').click();
  await dialog.getByText(`faults: ${JSON.stringify(faults)}`).waitFor();
  await create.click();
  await page.waitForURL(`${app.url}/listeners/faulty`);
  expect((await want(200, app, 'GET', '/v1/listeners/faulty')).faults).toMatchObject(faults);

  // What is wrong elsewhere is shown too where it was folded away.
  await page.keyboard.press('n');
  await dialog.getByText('More', { exact: true }).click();
  await dialog.getByRole('textbox', { name: 'Max connections' }).fill('many');
  await dialog.getByText('More', { exact: true }).click();
  await create.click();
  await dialog.locator('[aria-invalid="true"]').waitFor();
});

test.each([
  { colorScheme: 'light', locale: 'en-US' },
  { colorScheme: 'dark', locale: 'ja-JP' },
] as const)('both pages are for all, narrow and in $colorScheme', async (look) => {
  const name = `narrow-${look.colorScheme}`;
  const port = await listen(name, { faults: [{ type: 'latency', delayMs: 1 }] });
  await using client = await openClient(port);
  await client.echo('hello');
  const id = await waitFor('its record', async () => (await recorded(`listener=${name}`))[0]);
  await using tab = await openTab(browser, { ...look, viewport: { width: 320, height: 640 } });
  const { page } = tab;
  for (const path of [`/connections/${id}?listener=${name}`, `/listeners/${name}`]) {
    await page.goto(app.url + path);
    await isLive(page);
    await page.locator('.course, .fault').first().waitFor();
    await expectAccessible(page);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(320);
  }
});
