/** The console over a longer life: the textbook's picture, keys, places in the log, kills, and more tabs than a browser has connections. */
import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { expectAccessible, isLive, openTab, sharedBrowser } from '../support/browser.ts';
import { freePort } from '../support/free-port.ts';
import { all, call, want } from '../support/rest-client.ts';
import { openClient, type TcpClient } from '../support/tcp-client.ts';
import { makeHome, sharedApp, startProcess } from '../support/test-app.ts';
import { waitFor } from '../support/wait-for.ts';

const browser = sharedBrowser();

const placeOf = async (page: Page) => {
  const text = await page.locator('[data-place]').innerText();
  return Number(text.replaceAll(/\D/g, ''));
};
const clientsOf = async (page: Page) => {
  const texts = await page.locator('.client:not(.closed) .mono').allInnerTexts();
  return texts.sort();
};

describe('with two workers', () => {
  const app = sharedApp({ KODAMA_WORKERS: '2' });

  test('the picture of the textbook is that of what runs', async () => {
    const { name, laddr } = await want(201, app, 'POST', '/v1/listeners', { name: 'textbook' });
    await using clients = new AsyncDisposableStack();
    const open = async (localAddress: string, localPort = 0): Promise<TcpClient> =>
      clients.use(await openClient(laddr.port, { localAddress, localPort }));
    const first = await open('127.0.0.2');
    const { localPort = 0 } = first.socket;
    await open('127.0.0.3', localPort);
    // The kernel chooses the worker: until each has one.
    const records = await waitFor('both workers to have one', async () => {
      await open('127.0.0.1');
      const found = await all(app, `/v1/connections?listener=${name}&state=open`, 'connections');
      return new Set(found.map(({ pid }) => pid)).size === 2 && found.length > 3 ? found : null;
    });
    await using tab = await openTab(browser);
    const { page } = tab;
    await page.goto(`${app.url}/?listener=${name}`);
    await isLive(page);
    await page.getByText(`both use port ${localPort}.`).waitFor();

    const { pid, workers } = await want(200, app, 'GET', '/v1/status');
    await page.locator('.parent', { hasText: String(pid) }).waitFor();
    for (const worker of workers) {
      const table = page.getByRole('region', { name: `pid ${worker.pid} worker` });
      const address = ({ ip, port }: { ip: string; port: number }) => `${ip}:${port}`;
      const recorded = (
        await all(app, `/v1/connections?listener=${name}&state=open`, 'connections')
      )
        .filter((one) => one.pid === worker.pid)
        .map(({ fd, laddr: ours, raddr }) => `${fd} ${address(ours)} ${address(raddr)}`)
        .sort();
      await waitFor(`the sockets of ${worker.pid}: ${recorded}`, async () => {
        const rows = await table.locator('tr.accepted').allInnerTexts();
        const drawn = rows.map((row) => row.split(/\s+/).slice(0, 3).join(' ')).sort();
        return JSON.stringify(drawn) === JSON.stringify(recorded);
      });
    }
    expect(await page.locator('.wires .wire').count()).toBeGreaterThanOrEqual(records.length);

    const sentence = page.getByRole('button', { name: `both use port ${localPort}.` });
    await sentence.hover();
    await page.locator('.client.lit').nth(1).waitFor();
    expect(await page.locator('.client.lit .mono').allInnerTexts()).toEqual([
      `127.0.0.2:${localPort}`,
      `127.0.0.3:${localPort}`,
    ]);

    await page.getByRole('button', { name: `127.0.0.2:${localPort}` }).click();
    const mirror = page.locator('.both-ends');
    await mirror.waitFor();
    const [client = '', server = ''] = await mirror.locator('.ends > div').allInnerTexts();
    const pair = [`127.0.0.2:${localPort}`, `127.0.0.1:${laddr.port}`];
    const addresses = (text: string) => text.match(/127\S+/g);
    expect([addresses(client), addresses(server)]).toEqual([pair, pair.toReversed()]);
    expect(client).toContain('unknown here');

    first.socket.destroy();
    await page.locator('.client.closed', { hasText: `127.0.0.2:${localPort}` }).waitFor();
    await page.locator('tr.freed').first().waitFor();
  });

  test('every place in the log shows what was open there', async () => {
    const { name, laddr } = await want(201, app, 'POST', '/v1/listeners', { name: 'travel' });
    await using clients = new AsyncDisposableStack();
    const sockets: TcpClient[] = [];
    for (let n = 0; n < 30; n++) {
      if (n % 3 === 2) sockets.shift()?.socket.destroy();
      else sockets.push(clients.use(await openClient(laddr.port)));
    }
    const events = await waitFor('all to be on record', async () => {
      const found = await all(app, `/v1/events?listener=${name}`, 'events');
      return found.length === 30 + 2 ? found : null;
    });
    const truth = new Map<number, string[]>();
    const open = new Set<string>();
    for (const { seq, type, connection } of events.sort((one, other) => one.seq - other.seq)) {
      const text = connection && `${connection.raddr.ip}:${connection.raddr.port}`;
      if (type === 'connection_opened') open.add(text);
      if (type === 'connection_closed') open.delete(text);
      truth.set(seq, [...open].sort());
    }
    await using tab = await openTab(browser);
    const { page } = tab;
    const last = events.at(-1)?.seq ?? 0;
    await page.goto(`${app.url}/?listener=${name}&at=${last}`);
    await page.locator('[data-place="past"]').waitFor();
    for (const [seq, wanted] of [...truth].toReversed().slice(0, -1)) {
      await waitFor(`seq ${seq}`, async () => (await placeOf(page)) === seq);
      await waitFor(`the clients at ${seq}`, async () => {
        return JSON.stringify(await clientsOf(page)) === JSON.stringify(wanted);
      });
      await page.keyboard.press('[');
    }
    await waitFor('the place to be in the URL', () => /at=\d+/.exec(page.url()));
    expect(await page.getByRole('button', { name: 'Close listener' }).isDisabled()).toBe(true);
    await page.reload();
    await page.locator('[data-place="past"]').waitFor();
    await page.getByRole('button', { name: 'Live', exact: true }).click();
    await isLive(page);
    await waitFor('the URL to be that of now', () => !page.url().includes('at='));
  });

  test('it plays the log to its head', async () => {
    await using tab = await openTab(browser);
    const { page } = tab;
    await page.goto(`${app.url}/?at=1`);
    await page.locator('[data-place="past"]').waitFor();
    await page.getByRole('button', { name: 'all: Play' }).click();
    await isLive(page);
  });

  test.each(['light', 'dark'] as const)('axe finds nothing, %s', async (colorScheme) => {
    for (const width of [1280, 320]) {
      await using tab = await openTab(browser, { colorScheme, viewport: { width, height: 800 } });
      const { page } = tab;
      for (const path of ['/', '/?at=3', '/connections', '/listeners/travel']) {
        await page.goto(app.url + path);
        await page.locator('[data-place="live"], [data-place="past"]').waitFor();
        // The script of a page may come late.
        await page.locator('h1').first().waitFor({ state: 'attached' });
        await expectAccessible(page);
        const { scroll, client } = (await page.evaluate(
          '({ scroll: document.documentElement.scrollWidth, client: document.documentElement.clientWidth })',
        )) as { scroll: number; client: number };
        expect(scroll, `${path} is as wide as the window`).toBeLessThanOrEqual(client);
      }
      await page.keyboard.press('?');
      await page.getByRole('dialog').waitFor();
      await expectAccessible(page);
    }
  });

  test('keys move between pages, and can be turned off', async () => {
    await using tab = await openTab(browser);
    const { page } = tab;
    await page.goto(app.url);
    await isLive(page);
    await page.keyboard.press('2');
    await page.waitForURL('**/connections');
    await page.keyboard.press('1');
    await page.waitForURL(`${app.url}/`);
    await page.keyboard.press(' ');
    await page.locator('[data-place="paused"]').waitFor();
    await page.keyboard.press(' ');
    await isLive(page);
    await page.keyboard.press('?');
    await page.getByRole('checkbox').uncheck();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.keyboard.press('2');
    await page.keyboard.press('Tab');
    expect(new URL(page.url()).pathname).toBe('/');
  });

  test('Japanese readers read Japanese', async () => {
    await using tab = await openTab(browser, { locale: 'ja-JP' });
    await tab.page.goto(app.url);
    await tab.page.getByRole('link', { name: '接続', exact: true }).waitFor();
    expect(await tab.page.evaluate('document.documentElement.lang')).toBe('ja');
    await expectAccessible(tab.page);
  });
});

describe('with a token', () => {
  const token = 'a-token-of-sixteen';
  const app = sharedApp({ KODAMA_API_TOKEN: token });

  test('a key is asked for, a wrong one is refused, and it is in no URL', async () => {
    // The first calls have no key, and the next one a wrong one.
    await using tab = await openTab(browser, { provoked: ['status of 401'] });
    const { page, context } = tab;
    const urls: string[] = [];
    page.on('request', (request) => urls.push(request.url()));
    await page.goto(app.url);
    const field = page.getByLabel('Key', { exact: true });
    await field.waitFor();
    await expectAccessible(page);
    await field.fill('not-this-one-at-all');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('This key is refused.').waitFor();
    await page.keyboard.press('Escape');
    await field.fill(token);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await isLive(page);
    await page.reload();
    await isLive(page);
    expect(urls.filter((url) => url.includes(token))).toEqual([]);
    expect(await context.cookies()).toEqual([]);
    await page.getByRole('button', { name: 'Session' }).click();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await field.waitFor();
    expect(await page.evaluate('sessionStorage.length')).toBe(0);
  });

  test('the key of a fragment is taken, and stays in no history', async () => {
    await using tab = await openTab(browser);
    const { page } = tab;
    await page.goto(`${app.url}/?at=0#key=${token}`);
    await page.locator('[data-place="past"]').waitFor();
    await page.getByRole('button', { name: 'Session' }).waitFor();
    expect(page.url()).not.toContain(token);
  });
});

test('a kill of kodama loses nothing and tells nothing twice', async () => {
  await using home = await makeHome({ KODAMA_HTTP_PORT: String(await freePort()) });
  const first = await startProcess(home);
  // Nobody answers until it runs again.
  await using tab = await openTab(browser, { provoked: ['Failed to load resource'] });
  const { page } = tab;
  try {
    const { laddr } = await want(201, first, 'POST', '/v1/listeners', { name: 'killed' });
    await page.goto(first.url);
    await isLive(page);
    await using client = await openClient(laddr.port);
    await client.echo('hello');
    await page.locator('.client.open').waitFor();
  } finally {
    first.child.kill('SIGKILL');
    await first.exited;
  }
  await page.locator('[data-place="waiting"]').waitFor();
  await using second = await startProcess(home);
  await isLive(page);
  const [{ laddr }] = await all(second, '/v1/listeners', 'listeners');
  await using client = await openClient(laddr.port);
  await client.echo('hello again');
  const { localPort } = client.socket;
  await page.locator('.client.open', { hasText: String(localPort) }).waitFor();
  expect(await page.locator('.client.open').count()).toBe(1);
  const { headSeq } = await want(200, second, 'GET', '/v1/status');
  await waitFor('the head', async () => (await placeOf(page)) >= headSeq);
  // Each of its events is in the window once: as many as there are seqs.
  const events = await all(second, '/v1/events?afterSeq=0', 'events');
  const slider = page.getByRole('slider');
  expect([await slider.getAttribute('min'), await slider.getAttribute('max')]).toEqual([
    '0',
    String(events.at(-1)?.seq),
  ]);
});

test('more tabs than a browser has connections all load, and what is shown again catches up', async () => {
  await using home = await makeHome();
  await using app = await startProcess(home);
  await want(201, app, 'POST', '/v1/listeners', { name: 'tabs' });
  await using tab = await openTab(browser);
  const { context } = tab;
  const show = (page: Page, state: 'visible' | 'hidden') =>
    page.evaluate(
      `Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => '${state}' });
       document.dispatchEvent(new Event('visibilitychange'));`,
    );
  const streams = async () => {
    const { body } = await call(app, 'GET', '/metrics');
    return Number(/^kodama_streams(?:{[^}]*})? (\d+)$/m.exec(body)?.[1]);
  };
  const pages: Page[] = [];
  for (let count = 1; count <= 8; count++) {
    const page = await context.newPage();
    await page.goto(app.url);
    await isLive(page);
    pages.push(page);
    await show(page, 'hidden');
  }
  await waitFor('no hidden page to follow', async () => (await streams()) === 0);
  const { laddr } = await want(200, app, 'GET', '/v1/listeners/tabs');
  await using client = await openClient(laddr.port);
  const [page] = pages;
  if (page === undefined) throw new TypeError('no page');
  await show(page, 'visible');
  await page.locator('.client.open', { hasText: String(client.socket.localPort) }).waitFor();
  expect(await streams()).toBe(1);
});
