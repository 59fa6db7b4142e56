/** What a page asks for once, and is not answered: it goes on by itself as soon as it can be, without being loaded anew. */
import type { Page, Route } from 'playwright-core';
import { expect, test } from 'vitest';
import { isLive, openTab, sharedBrowser } from '../support/browser.ts';
import { want } from '../support/rest-client.ts';
import { openClient } from '../support/tcp-client.ts';
import { sharedApp } from '../support/test-app.ts';

const app = sharedApp();
const browser = sharedBrowser();

/** The first calls of that path are not answered, or refused as busy; resolves with how many were. */
async function refuseFirst(page: Page, path: string, refuse: (route: Route) => Promise<void>) {
  const refused = { count: 0 };
  await page.route(
    (url) => url.pathname === path,
    async (route) => {
      if (refused.count === 3) return await route.continue();
      refused.count += 1;
      return await refuse(route);
    },
  );
  return refused;
}

const cut = async (route: Route) => await route.abort('connectionrefused');
const busy = async (route: Route) =>
  await route.fulfill({
    status: 429,
    contentType: 'application/problem+json',
    body: JSON.stringify({ status: 429, code: 'resource_exhausted', detail: 'too much' }),
  });

async function closedListener(): Promise<string> {
  const { id } = await want(201, app, 'POST', '/v1/listeners', {});
  await want(204, app, 'DELETE', `/v1/listeners/${id}`);
  return id;
}

test.each([
  ['the script of a page', '/console-listener-page.js', cut],
  ['what became of a listener', null, cut],
  ['what became of a listener, while there is too much to do', null, busy],
])('%s comes once it can', async (_, script, refuse) => {
  const id = await closedListener();
  await using tab = await openTab(browser, { provoked: ['Failed to load resource'] });
  const { page } = tab;
  let loads = 0;
  page.on('load', () => {
    loads += 1;
  });
  const refused = await refuseFirst(page, script ?? `/v1/listeners/${id}`, refuse);
  await page.goto(`${app.url}/listeners/${id}`);
  await isLive(page);
  await page.locator('.listener-line .state.closed').waitFor();
  expect(refused.count).toBe(3);
  expect(loads).toBe(1);
});

test.each([
  ['/keys', '/v1/keys'],
  ['/nodes', '/v1/nodes'],
  ['/listeners', '/v1/listeners'],
])('the list of %s is read anew where it was not answered', async (path, asked) => {
  await using tab = await openTab(browser, { provoked: ['Failed to load resource'] });
  const { page } = tab;
  const refused = await refuseFirst(page, asked, cut);
  await page.goto(`${app.url}${path}`);
  const told = page.locator('.page [role=alert]');
  await told.waitFor();
  await told.waitFor({ state: 'detached' });
  expect(refused.count).toBe(3);
});

test('who was connected before the window of the log is there, though it was not answered at once', async () => {
  const { laddr } = await want(201, app, 'POST', '/v1/listeners', { name: 'before' });
  await using client = await openClient(laddr.port);
  await client.echo('hello');
  await using tab = await openTab(browser, { provoked: ['Failed to load resource'] });
  const { page } = tab;
  // As of a kodama whose log is longer than a window.
  await page.route(
    (url) => url.pathname === '/v1/events',
    (route) => route.continue({ url: route.request().url().replace('last=10000', 'last=0') }),
  );
  await refuseFirst(page, '/v1/connections', busy);
  await page.goto(`${app.url}/?listener=before`);
  await page.locator('.client.open').waitFor();
});
