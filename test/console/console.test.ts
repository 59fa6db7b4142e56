/** The console in a real browser, from an empty kodama to the picture of two clients: as short as it can be. */
import { expect, test } from 'vitest';
import { expectAccessible, isLive, makeTab, openTab, sharedBrowser } from '../support/browser.ts';
import { long } from '../support/long.ts';
import { all, want } from '../support/rest-client.ts';
import { openClient } from '../support/tcp-client.ts';
import { sharedApp } from '../support/test-app.ts';
import { waitFor } from '../support/wait-for.ts';

const app = sharedApp();
const browser = sharedBrowser();

test('one click opens a listener, and who connects is in the picture', async () => {
  await using tab = await openTab(browser);
  const { page } = tab;
  await page.goto(`${app.url}/`);
  await isLive(page);
  await page.getByRole('button', { name: 'Open an echo listener' }).click();
  await page.getByRole('cell', { name: 'listening socket' }).waitFor();

  const [{ laddr }] = await all(app, '/v1/listeners', 'listeners');
  await using one = await openClient(laddr.port, { localAddress: '127.0.0.2' });
  const { localPort = 0 } = one.socket;
  await page.getByText('accept made a new socket').waitFor();
  await using other = await openClient(laddr.port, { localAddress: '127.0.0.3', localPort });
  await other.echo('hello');
  const samePort = `127.0.0.2 and 127.0.0.3 both use port ${localPort}.`;
  await page.getByText(samePort).waitFor();
  for (const host of ['127.0.0.2', '127.0.0.3'])
    await page.getByRole('button', { name: `${host}:${localPort}` }).waitFor();

  // The curve goes on with the log: nobody was there when it was drawn first.
  const edge = page.locator('.curve .edge');
  await waitFor('a curve from none to both', async () =>
    /^M0,30 .* L159,2$/.test((await edge.getAttribute('d')) ?? ''),
  );

  // Before the second one came there was the first one.
  await page.keyboard.press('[');
  await page.locator('[data-place="past"]').waitFor();
  await page.getByText('accept made a new socket').waitFor();
  expect(await page.getByText(samePort).count()).toBe(0);
  await page.keyboard.press('l');
  await isLive(page);
  await page.getByText(samePort).waitFor();
  await expectAccessible(page);
});

test(
  'a connection is found, told whole and reset, and its listener given a fault',
  long,
  async () => {
    const { laddr, name } = await want(201, app, 'POST', '/v1/listeners', { name: 'bench' });
    await using client = await openClient(laddr.port, { localAddress: '127.0.0.4' });
    await client.echo('hello');
    await using tab = await openTab(browser);
    const { page } = tab;
    await page.goto(`${app.url}/connections?listener=${name}`);
    await page.locator('[data-row]').waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('raddr:127.0.0.4 state:open');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Without raddr:127.0.0.4' }).waitFor();
    expect(new URL(page.url()).search).toBe(`?listener=${name}&raddr=127.0.0.4&state=open`);
    await page.getByRole('button', { name: 'Without state:open' }).click();
    await page.keyboard.press('j');
    await page.keyboard.press('Enter');
    await page.getByText(`in 5 · out 5`).waitFor();
    await expectAccessible(page);
    await page.getByRole('button', { name: 'Reset (RST)' }).click();
    await page.getByRole('row', { name: 'operator_rst' }).waitFor();

    await page.getByRole('link', { name: String(name), exact: true }).click();
    await page.getByRole('button', { name: 'reset after 1 kB' }).click();
    await page.getByRole('textbox', { name: 'bytes' }).fill('64');
    await page.getByRole('button', { name: 'Apply: 1 change' }).click();
    await page.getByRole('button', { name: 'Apply' }).waitFor({ state: 'detached' });
    const { faults } = await want(200, app, 'GET', `/v1/listeners/${name}`);
    expect(faults).toMatchObject([{ type: 'limit', bytes: 64, action: 'rst' }]);
    await expectAccessible(page);
  },
);

test(
  'who wants to add a node while the gateway is off is told which setting opens it',
  long,
  async () => {
    await using tab = await openTab(browser);
    const { page } = tab;
    await page.goto(`${app.url}/nodes`);
    const card = page.locator('.card-list > li');
    await card.getByText('built in').waitFor();
    await card.getByText('ready').waitFor();
    await expectAccessible(page);
    await page.getByRole('button', { name: 'Add a node' }).click();
    await page.getByRole('button', { name: 'Make the two lines' }).click();
    await page.getByText('start kodama with KODAMA_GATEWAY_PORT=7443').waitFor();
    await page.getByText('The token that was made is revoked.').waitFor();
    const { joinTokens } = await want(200, app, 'GET', '/v1/join-tokens');
    expect(joinTokens.map((one: { revokedAt: unknown }) => one.revokedAt)).not.toContain(null);
    await expectAccessible(page);
  },
);

test('whatever a page complains about is heard, but for what a test provokes', async () => {
  await using tab = await makeTab(browser, { provoked: ['status of 404'] });
  const { page, complaints } = tab;
  await page.goto(`${app.url}/`);
  await isLive(page);
  await page.evaluate(`fetch('/v1/listeners/none').then(() => {
    console.info('not this');
    console.warn('a warning');
    setTimeout(() => { throw new TypeError('a bug'); });
    void Promise.reject(new RangeError('nobody waits'));
    new ResizeObserver(() => new ResizeObserver(() => {}).observe(document.body)).observe(document.body);
  })`);
  const wanted = [/^a warning/, /^TypeError: a bug/, /^RangeError: nobody/, /^ResizeObserver loop/];
  await waitFor(
    () => `all to be heard beside ${complaints}`,
    () => wanted.every((one) => complaints.some((complaint) => one.test(complaint))),
  );
  expect(complaints.filter((one) => !wanted.some((known) => known.test(one)))).toEqual([]);
});
