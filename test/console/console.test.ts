/** The console in a real browser, from an empty kodama to the picture of two clients: as short as it can be. */
import { expect, test } from 'vitest';
import { expectAccessible, isLive, openTab, sharedBrowser } from '../support/browser.ts';
import { all } from '../support/rest-client.ts';
import { openClient } from '../support/tcp-client.ts';
import { sharedApp } from '../support/test-app.ts';

const app = sharedApp();
const browser = sharedBrowser();

test('one click opens a listener, and who connects is in the picture', async () => {
  await using tab = await openTab(browser);
  const { page, complaints } = tab;
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

  // Before the second one came there was the first one.
  await page.keyboard.press('[');
  await page.locator('[data-place="past"]').waitFor();
  await page.getByText('accept made a new socket').waitFor();
  expect(await page.getByText(samePort).count()).toBe(0);
  await page.keyboard.press('l');
  await isLive(page);
  await page.getByText(samePort).waitFor();
  await expectAccessible(page);
  expect(complaints).toEqual([]);
});
