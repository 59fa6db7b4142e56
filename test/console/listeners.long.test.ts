/** Which listener something is of, where there are several: in the table, on Live, and in the list of all. */
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { expectAccessible, isLive, openTab, sharedBrowser } from '../support/browser.ts';
import { all, want } from '../support/rest-client.ts';
import { openClient, wantRefused } from '../support/tcp-client.ts';
import { makeHome, sharedApp, startProcess } from '../support/test-app.ts';
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
  // Of large numbers there is room for a part; those of one that is open come a while later.
  const bytes = cells.nth(whole.indexOf('in / out'));
  await waitFor('its bytes', async () => (await bytes.getAttribute('title')) === '5 / 5');

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

test('a filter by the declared address keeps its column, however narrow the window', async () => {
  const { laddr } = await listen('declaring', { proxyProtocol: { mode: 'required' } });
  await using client = await openClient(laddr.port);
  client.socket.write('PROXY TCP4 203.0.113.7 198.51.100.1 5555 443\r\n');
  await client.echo('hello');
  await using tab = await openTab(browser);
  const { page } = tab;
  await page.goto(`${app.url}/connections?declaredRaddr=203.0.113.7`);
  const cell = page.getByRole('cell', { name: '203.0.113.7:5555' });
  const addresses = async () =>
    (await columnsOf(page)).filter((column) => ['raddr', 'declared'].includes(column));
  await cell.waitFor();
  expect(await addresses()).toEqual(['raddr', 'declared']);
  for (const width of [1179, 901, 900, 721, 560, 320]) {
    await page.setViewportSize({ width, height: 800 });
    expect(await addresses(), `at ${width}`).toEqual(['declared']);
    const hidden = await cell.evaluate((shown) => shown.scrollWidth - shown.clientWidth);
    expect(hidden, `of an address at ${width}`).toBe(0);
  }
  await expectAccessible(page);
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.locator('[data-row]').click();
  await page.locator('.course').waitFor();
  expect(await addresses()).toEqual(['declared']);
  await page.getByRole('button', { name: 'Without declaredRaddr:203.0.113.7' }).click();
  await waitFor('the other one', async () => String(await addresses()) === 'raddr');
});

test('a label without a place to break breaks anyway, so that nobody scrolls sideways', async () => {
  const labels = { commit: 'c0ffee'.repeat(42), build: 'deadbeef'.repeat(5) };
  await listen('labelled', { labels });
  await using tab = await openTab(browser);
  const { page } = tab;
  for (const width of [1280, 390, 320])
    for (const path of ['/listeners/labelled', '/?listener=labelled', '/listeners']) {
      await page.setViewportSize({ width, height: 800 });
      await page.goto(app.url + path);
      await page.getByText('labelled').first().waitFor();
      const whole = await page.evaluate('document.documentElement.scrollWidth');
      expect(whole, `${path} at ${width}`).toBe(width);
    }
});

test.each(['en', 'ja'])(
  'the picture shows each state whole on a telephone, in %s',
  async (locale) => {
    const name = `narrow-${locale}`;
    const { laddr } = await listen(name, { faults: [{ type: 'blackhole' }] });
    await using _ = await openClient(laddr.port);
    await using half = await openClient(laddr.port, { allowHalfOpen: true });
    half.socket.end();
    await want(200, app, 'GET', `/v1/connections:wait?listener=${name}&state=half_closed&min=1`);
    await using tab = await openTab(browser, { locale, viewport: { width: 390, height: 800 } });
    const { page } = tab;
    await page.goto(`${app.url}/?listener=${name}`);
    await page.locator('.fds .state.half').waitFor();
    for (const width of [480, 390, 360, 320]) {
      await page.setViewportSize({ width, height: 800 });
      const cells = await page.locator('.fds tbody td:last-child').all();
      const cut = await Promise.all(
        cells.map((cell) => cell.evaluate((shown) => shown.scrollWidth - shown.clientWidth)),
      );
      expect(cut, `at ${width}`).toEqual([0, 0, 0]);
    }
  },
);

test('where everybody may all there is, the keys are a link away, too', async () => {
  await using tab = await openTab(browser, { viewport: { width: 320, height: 800 } });
  const { page } = tab;
  await page.goto(app.url);
  await page.getByRole('link', { name: 'API keys' }).click();
  await page.waitForURL(`${app.url}/keys`);
  await page.getByRole('heading', { name: 'API keys' }).waitFor();
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(320);
  await expectAccessible(page);
});

test('a listener that is closed or unknown is told as such, and no other is shown for it', async () => {
  const { id } = await listen('short-lived');
  const { headSeq } = await want(200, app, 'GET', '/v1/status');
  const { laddr } = await listen('busy');
  await using client = await openClient(laddr.port);
  await client.echo('hello');
  // Who is not among those that listen is asked for by its name, or by what can be the name of none.
  await using tab = await openTab(browser, { provoked: ['status of 404', 'status of 400'] });
  const { page } = tab;
  await page.goto(`${app.url}/?listener=short-lived`);
  await page.getByRole('heading', { name: 'short-lived' }).waitFor();
  await want(204, app, 'DELETE', '/v1/listeners/short-lived');
  await page.getByText('Listener short-lived was closed at 20').waitFor();
  expect(await page.locator('.picture').count()).toBe(0);
  await expectAccessible(page);
  await page.getByRole('link', { name: 'Its page' }).click();
  await page.locator('.state.closed').waitFor();

  await page.goto(`${app.url}/?listener=${id}`);
  await page.getByText('Listener short-lived was closed at 20').waitFor();
  for (const [key, told] of [
    ['nobody', 'nobody'],
    ['no%20one%E2%80%AE', 'no one\\u{202e}'],
  ]) {
    await page.goto(`${app.url}/?listener=${key}`);
    await page.getByText(`There is no listener ${told}.`).waitFor();
    expect(await page.locator('.picture').count()).toBe(0);
  }
  await page.goto(`${app.url}/?listener=busy&at=${headSeq}`);
  await page.getByText('Listener busy did not listen at this place in the log.').waitFor();
  await page.keyboard.press('l');
  await page.getByRole('heading', { name: 'busy' }).waitFor();
});

test('where the only one is closed that was looked at, another one can be opened there', async () => {
  await using home = await makeHome();
  await using own = await startProcess(home);
  await want(201, own, 'POST', '/v1/listeners', { name: 'only' });
  await using tab = await openTab(browser, { provoked: ['status of 404'] });
  const { page } = tab;
  await page.goto(`${own.url}/?listener=only`);
  // Where there is one, too, all of them are a link away.
  await page.getByRole('link', { name: 'Listeners', exact: true }).click();
  await page.waitForURL(`${own.url}/listeners`);
  await page.getByText('1 listener', { exact: true }).waitFor();
  await page.getByRole('link', { name: 'Picture only' }).click();
  await page.getByRole('button', { name: 'Close listener' }).click();
  await page.getByRole('button', { name: 'Close', exact: true }).click();
  await page.getByText('Listener only was closed at 20').waitFor();
  await expectAccessible(page);
  await page.getByRole('button', { name: 'Open an echo listener' }).click();
  await page.getByRole('cell', { name: 'listening socket' }).waitFor();
});

test('of more listeners than Live has room for all are found in a list', async () => {
  await using home = await makeHome();
  await using own = await startProcess(home);
  const count = 15;
  for (let at = 1; at <= count; at += 1)
    await want(201, own, 'POST', '/v1/listeners', {
      ...{ name: `many-more-${at}`, labels: { team: at === 14 ? 'red' : 'blue' } },
    });
  await using tab = await openTab(browser);
  const { page } = tab;
  const names = () => page.locator('[data-row]').allInnerTexts();
  await page.goto(own.url);
  await isLive(page);
  await page.getByRole('link', { name: 'and 3 more listeners' }).click();
  await page.waitForURL(`${own.url}/listeners`);
  await waitFor('all of them', async () => (await names()).length === count);
  expect((await names()).slice(0, 3)).toEqual(['many-more-1', 'many-more-2', 'many-more-3']);
  await page.keyboard.press('/');
  await page.keyboard.type('blue many-more-1');
  await page.getByText('6 of 15 listeners').waitFor();
  await page.keyboard.press('Enter');
  await page.waitForURL(`${own.url}/listeners?find=blue+many-more-1`);
  await page.reload();
  await page.getByText('6 of 15 listeners').waitFor();
  await expectAccessible(page);
  await page.getByRole('searchbox').fill('red');
  await page.getByText('1 of 15 listeners').waitFor();
  await page.getByRole('heading', { name: 'Listeners' }).click();
  await page.keyboard.press('j');
  await page.keyboard.press('Enter');
  await page.waitForURL(`${own.url}/listeners/many-more-14`);
  await page.getByRole('link', { name: 'Listeners' }).click();
  await page.getByRole('link', { name: 'Picture many-more-14' }).click();
  await page.getByRole('heading', { name: 'many-more-14' }).waitFor();
  await page.locator('.card[aria-current]', { hasText: 'many-more-14' }).waitFor();

  // As of a kodama that has more of them than a page of the API holds, made before the window of the log.
  for (const [whole, part] of [
    ['/v1/listeners?pageSize=1000', '/v1/listeners?pageSize=13'],
    ['/v1/events?last=10000', '/v1/events?last=1'],
  ] as const)
    await page.route(
      (url) => url.href.includes(whole),
      (route) => route.continue({ url: route.request().url().replace(whole, part) }),
    );
  await page.goto(own.url);
  await page.getByRole('link', { name: 'All listeners' }).click();
  await page.getByText('15 listeners', { exact: true }).waitFor();
  await page.setViewportSize({ width: 320, height: 640 });
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(320);
  const link = page.locator('[data-row]', { hasText: 'many-more-15' });
  expect(await link.evaluate((shown) => shown.getBoundingClientRect().width)).toBeGreaterThan(
    await link.evaluate((shown) => shown.scrollWidth - 1),
  );
  await expectAccessible(page);
});

test('a tab is called by what it shows first', async () => {
  const { laddr } = await listen('titled');
  await using client = await openClient(laddr.port, { localAddress: '127.0.0.5' });
  await client.echo('hello');
  const { localPort } = client.socket;
  await using tab = await openTab(browser);
  const { page } = tab;
  const isCalled = (title: string) =>
    waitFor(
      () => `${title}, of ${page.url()}`,
      async () => (await page.title()) === title,
    );
  for (const [path, title] of [
    ['/?listener=titled', 'titled · Live · kodama'],
    ['/listeners/titled', 'titled · Listeners · kodama'],
    ['/listeners', 'Listeners · kodama'],
    ['/nodes', 'Nodes · kodama'],
    ['/keys', 'API keys · kodama'],
    ['/connections', 'Connections · kodama'],
    ['/connections?listener=titled', 'titled · Connections · kodama'],
  ] as const) {
    await page.goto(app.url + path);
    await isCalled(title);
  }
  await page.locator('[data-row]').click();
  await isCalled(`127.0.0.5:${localPort} → 127.0.0.1:${laddr.port} · Connections · kodama`);
  await page.keyboard.press('Escape');
  await isCalled('titled · Connections · kodama');
  await page.keyboard.press('1');
  await waitFor('another title', async () => (await page.title()).endsWith(' · Live · kodama'));
});
