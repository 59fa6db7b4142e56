/** The picture of ten thousand connections, while others come and go. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { isLive, openTab, sharedBrowser } from '../support/browser.ts';
import { want } from '../support/rest-client.ts';
import { makeHome, startProcess } from '../support/test-app.ts';
import { waitFor } from '../support/wait-for.ts';

const browser = sharedBrowser();
const crowdCount = 10_000;
const atOnce = 200;

test('ten thousand are a page of groups, drawn without a long task', async () => {
  await using home = await makeHome();
  await using app = await startProcess(home, { KODAMA_WORKERS: '2' });
  const limits = { maxConnections: 2 * crowdCount };
  const { laddr } = await want(201, app, 'POST', '/v1/listeners', { name: 'crowd', limits });
  await using sockets = new AsyncDisposableStack();
  const open = async (n: number): Promise<Socket> => {
    const localAddress = `127.0.1.${1 + (n % 250)}`;
    const socket = connect({ host: '127.0.0.1', port: laddr.port, localAddress });
    sockets.defer(() => void socket.destroy());
    await once(socket, 'connect');
    return socket;
  };
  for (let n = 0; n < crowdCount; n += atOnce)
    await Promise.all(Array.from({ length: atOnce }, (_, at) => open(n + at)));

  await using tab = await openTab(browser);
  const { page, context } = tab;
  await page.goto(app.url);
  await isLive(page);
  await page.getByText(`one number for ${crowdCount.toLocaleString('en')} clients`).waitFor();
  const picture = page.locator('[data-scale="totals"]');
  await picture.getByText('and 230 more hosts · 9,200 connections').waitFor();

  await page.evaluate(`window.longest = 0; new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) window.longest = Math.max(window.longest, duration);
  }).observe({ entryTypes: ['longtask'] });`);
  const before = (await want(200, app, 'GET', '/v1/status')).headSeq;
  for (let n = 0; n < 2000; n += 50) {
    const some = await Promise.all(Array.from({ length: 50 }, (_, at) => open(n + at)));
    for (const socket of some) socket.destroy();
  }
  const seen = await waitFor('the page to have seen them', async () => {
    const text = await page.locator('[data-place]').innerText();
    const seq = Number(text.replaceAll(/\D/g, ''));
    return seq >= before + 4000 ? seq : null;
  });
  expect(seen).toBeGreaterThan(before);
  const session = await context.newCDPSession(page);
  await session.send('HeapProfiler.collectGarbage');
  const { usedSize } = await session.send('Runtime.getHeapUsage');
  const longest = Number(await page.evaluate('window.longest'));
  const elements = Number(await page.evaluate('document.querySelectorAll("*").length'));
  console.log(
    `heap ${Math.round(usedSize / 1e6)} MB, longest task ${longest} ms, ${elements} elements`,
  );
  expect(usedSize).toBeLessThan(100e6);
  expect(elements).toBeLessThan(1500);
  // A fifth of a second on a machine that does nothing else.
  expect(longest).toBeLessThan(1000);

  // Long before the window there is a window of its own: the listener came first, in two events.
  await page.goto(`${app.url}/?at=3000`);
  await page.getByText('one number for 2,998 clients').waitFor();
  await page.keyboard.press('[');
  await page.getByText('one number for 2,997 clients').waitFor();
});
