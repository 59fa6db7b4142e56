/** What an operator sees of projects, and how a key ends, in a real browser. */
import type { Locator, Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { expectAccessible, isLive, openTab, sharedBrowser } from '../support/browser.ts';
import { want } from '../support/rest-client.ts';
import { openClient } from '../support/tcp-client.ts';
import { sharedApp } from '../support/test-app.ts';
import { waitFor } from '../support/wait-for.ts';

const token = 'the-operators-own-token';
const app = sharedApp({ KODAMA_API_TOKEN: token });
const browser = sharedBrowser();
const bearer = (secret: string) => ({ authorization: `Bearer ${secret}` });

async function makeKey(project: string, name: string, scopes: readonly string[]) {
  const headers = { ...bearer(token), 'kodama-project': project };
  return await want(201, app, 'POST', '/v1/keys', { name, scopes }, headers);
}

const boxOf = (shown: Locator) => shown.evaluate((one) => one.getBoundingClientRect());

async function expectNoScroll(page: Page): Promise<void> {
  const width = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';
  expect(await page.evaluate(width)).toBe(0);
}

test('an operator switches among projects, whose things stay apart', async () => {
  for (const name of ['apples', 'pears']) {
    await want(201, app, 'POST', '/v1/projects', { name }, bearer(token));
    const headers = { ...bearer(token), 'kodama-project': name };
    await want(201, app, 'POST', '/v1/listeners', { name: `of-${name}` }, headers);
  }
  await using tab = await openTab(browser);
  const { page } = tab;
  await page.goto(`${app.url}/#key=${token}`);
  await isLive(page);
  const choice = page.getByRole('combobox', { name: 'Project' });
  for (const name of ['apples', 'pears']) {
    await choice.selectOption(name);
    await page.getByRole('heading', { name: `of-${name}` }).waitFor();
    expect(new URL(page.url()).searchParams.get('project')).toBe(name);
    // A seq is one of its own project: whoever has gone back in one is not back in another.
    await isLive(page);
    await page.keyboard.press('[');
    await page.locator('[data-place="past"]').waitFor();
    const other = name === 'apples' ? 'of-pears' : 'of-apples';
    expect(await page.getByText(other).count()).toBe(0);
  }
  await expectAccessible(page);
  // Whose things these are is said, however little room there is.
  for (const width of [480, 390, 320]) {
    await page.setViewportSize({ width, height: 800 });
    const box = await boxOf(choice);
    expect(box.width, `at ${width}`).toBeGreaterThan(60);
    expect(box.right).toBeLessThanOrEqual(width);
    await expectAccessible(page);
  }
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.getByRole('button', { name: 'Session' }).click();
  await page.getByText('the token of kodama itself').waitFor();
  await page.getByText('This project has no limits of its own.').waitFor();
  await expectAccessible(page);
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByLabel('Key', { exact: true }).waitFor();
  expect(await page.evaluate('sessionStorage.length')).toBe(0);
});

test('a key is rotated, and who may not change keys is offered nothing', async () => {
  const { secret } = await makeKey('default', 'reader', ['read', 'keys:read']);
  const { secret: first, id } = await makeKey('default', 'turned', ['read']);
  await using tab = await openTab(browser, { viewport: { width: 320, height: 800 } });
  const { page } = tab;
  await page.goto(`${app.url}/keys#key=${token}`);
  await page.getByRole('button', { name: 'Rotate turned' }).click();
  await page.getByLabel('Overlap').selectOption('0');
  await page.getByRole('button', { name: 'Rotate key' }).click();
  await page.getByText('Copy it now').waitFor();
  const second = (await page.getByRole('dialog').locator('code').first().textContent()) ?? '';
  await want(200, app, 'GET', '/v1/status', undefined, bearer(second));
  await want(401, app, 'GET', '/v1/status', undefined, bearer(first));
  // Esc does not take away what nobody sees again.
  await page.keyboard.press('Escape');
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'I have it' }).click();
  await expectNoScroll(page);
  await expectAccessible(page);

  await page.goto(`${app.url}/keys#key=${secret}`);
  await page.reload();
  await page.getByText('the key of this tab').waitFor();
  for (const name of [/^New key/, /^Rotate/, /^Revoke/])
    expect(await page.getByRole('button', { name }).count()).toBe(0);
  await want(204, app, 'DELETE', `/v1/keys/${id}`, undefined, bearer(token));
});

test('a secret that is shown once outlives Back, and is asked about before the page is left', async () => {
  await using tab = await openTab(browser);
  const { page } = tab;
  await page.goto(`${app.url}/#key=${token}`);
  await page.getByRole('link', { name: 'API keys' }).click();
  await page.getByRole('button', { name: 'New key' }).click();
  await page.getByLabel('Name').fill('kept');
  await page.getByRole('button', { name: 'Create key' }).click();
  await page.getByText('Copy it now').waitFor();
  const secret = page.getByRole('dialog').locator('code').first();
  const shown = await secret.textContent();
  await page.evaluate('pops = 0; addEventListener("popstate", () => pops++)');
  for (const times of [1, 2]) {
    await page.evaluate('history.back()');
    await page.waitForFunction(`pops === ${times}`);
  }
  const asked: string[] = [];
  page.on('dialog', async (dialog) => {
    asked.push(dialog.type());
    await dialog.dismiss();
  });
  await page.evaluate('location.reload()');
  await waitFor('the question', () => asked.length === 1);
  expect(asked).toEqual(['beforeunload']);
  expect([await secret.textContent(), page.url()]).toEqual([shown, `${app.url}/keys`]);
  await page.getByRole('button', { name: 'I have it' }).click();
  // Back is held as long as that is there, and no longer.
  await page.locator('.secret').waitFor({ state: 'detached' });
  await page.goBack();
  await isLive(page);
  expect(page.url()).toBe(`${app.url}/`);
});

test('who rotates the key of the tab sees the new secret, and is signed in by it', async () => {
  const { secret, id } = await makeKey('default', 'own', ['read', 'keys:read', 'keys:write']);
  // What is under way by the former secret is refused.
  await using tab = await openTab(browser, { provoked: ['status of 401'] });
  const { page } = tab;
  await page.goto(`${app.url}/keys#key=${secret}`);
  await page.getByText('the key of this tab').waitFor();
  await page.getByRole('button', { name: 'Rotate own' }).click();
  await page.getByLabel('Overlap').selectOption('0');
  await page.getByRole('button', { name: 'Rotate key' }).click();
  await page.getByText('Copy it now').waitFor();
  const second = (await page.getByRole('dialog').locator('code').first().textContent()) ?? '';
  await isLive(page);
  expect(await page.evaluate('sessionStorage.getItem("kodama-key")')).toBe(second);
  // The secret outlives its own session: no other one is asked for until it was seen.
  await want(204, app, 'DELETE', `/v1/keys/${id}`, undefined, bearer(token));
  await page.locator('[data-place="waiting"]').waitFor();
  await page.getByRole('button', { name: 'I have it' }).click();
  await page.getByLabel('Key', { exact: true }).waitFor();
});

test('of a project that is none, or none of the key, is said so, and the way back is offered', async () => {
  const { secret } = await makeKey('default', 'at-home', ['read', 'write']);
  await want(201, app, 'POST', '/v1/projects', { name: 'of-others' }, bearer(token));
  // What is not there is asked for, and what can be the name of no project.
  await using tab = await openTab(browser, { provoked: ['status of 404', 'status of 400'] });
  const { page } = tab;
  const title = (name: string) =>
    page.getByRole('heading', {
      name: `There is no project ${name}, or it is not yours to see.`,
    });
  for (const [key, name, path] of [
    [secret, 'of-others', '/'],
    [secret, '日本', '/connections'],
    [token, 'nope', '/nodes'],
  ]) {
    await page.goto(`${app.url}${path}?project=${name}&at=3#key=${key}`);
    await page.reload();
    await title(String(name)).waitFor();
    expect(await page.getByRole('button', { name: 'New listener' }).count()).toBe(0);
    for (const text of ['reconnecting', 'The log is empty', 'no project nope'])
      expect(await page.getByText(text, { exact: true }).count(), text).toBe(0);
    await expectAccessible(page);
    await page.getByRole('link', { name: 'To your own project' }).click();
    await isLive(page);
    expect(page.url()).toBe(`${app.url}/`);
  }
  // It may be there later.
  await page.goto(`${app.url}/?project=to-come`);
  await title('to-come').waitFor();
  await want(201, app, 'POST', '/v1/projects', { name: 'to-come' }, bearer(token));
  await isLive(page);
});

test('what a key may not change it is not offered, and is told why', async () => {
  const { secret: reader } = await makeKey('default', 'only-reads', ['read']);
  const scopes = ['read', 'listeners:write'];
  const { secret: opener } = await makeKey('default', 'only-opens', scopes);
  const given = { ...bearer(token), 'kodama-project': 'default' };
  const faults = [{ type: 'latency', delayMs: 1 }];
  const { laddr } = await want(201, app, 'POST', '/v1/listeners', { name: 'seen', faults }, given);
  await using client = await openClient(laddr.port);
  await client.echo('hello');
  await using tab = await openTab(browser);
  const { page } = tab;
  const why = (scope: string) => `Not for the key of this tab: it lacks the scope ${scope}.`;
  const isOffered = (name: string) => page.getByRole('button', { name }).isEnabled();
  await page.goto(`${app.url}/?listener=seen#key=${reader}`);
  await isLive(page);
  const close = page.getByRole('button', { name: 'Close listener' });
  await page.getByRole('banner').getByText('read only').waitFor();
  expect(await close.isDisabled()).toBe(true);
  expect(await close.getAttribute('title')).toBe(why('listeners:write'));
  expect(await page.getByRole('button', { name: 'New listener' }).count()).toBe(0);
  await page.keyboard.press('n');
  await page.getByRole('link', { name: '1 fault' }).click();
  await page.getByText(why('listeners:write')).waitFor();
  expect(await close.isDisabled()).toBe(true);
  expect(await page.getByRole('combobox', { name: 'Add a fault' }).count()).toBe(0);
  expect(await page.getByRole('textbox', { name: 'delayMs' }).isDisabled()).toBe(true);
  expect(await page.getByRole('dialog').count()).toBe(0);
  await expectAccessible(page);

  await page.goto(`${app.url}/connections?listener=seen#key=${opener}`);
  await page.reload();
  await page.locator('[data-row]').first().click();
  await page.getByText(why('connections:write')).waitFor();
  // Workers are told to operators: of one that is not told nobody knows that it is gone.
  expect(await page.locator('.connection-panel').getByText('gone', { exact: true }).count()).toBe(
    0,
  );
  expect(await isOffered('Reset (RST)')).toBe(false);
  expect(await isOffered('New listener')).toBe(true);
  await expectAccessible(page);
  await page.getByRole('link', { name: 'seen', exact: true }).click();
  await page.getByRole('combobox', { name: 'Add a fault' }).waitFor();
  expect(await isOffered('Close listener')).toBe(true);
  await want(204, app, 'DELETE', '/v1/listeners/seen', undefined, given);
});

test('a key that may not follow the log sees what the lists tell, and is told why no more', async () => {
  const { secret } = await makeKey('default', 'lists', ['listeners:read']);
  const given = { ...bearer(token), 'kodama-project': 'default' };
  const { laddr } = await want(201, app, 'POST', '/v1/listeners', { name: 'listed' }, given);
  await using client = await openClient(laddr.port);
  await client.echo('hello');
  await using tab = await openTab(browser, { provoked: ['status of 403'] });
  const { page } = tab;
  const why = (scope: string) => `Not for the key of this tab: it lacks the scope ${scope}.`;
  await page.goto(`${app.url}/?listener=listed#key=${secret}`);
  await page.getByText(why('events:read')).waitFor();
  await page.getByText('not followed').waitFor();
  await page.getByText('Drawn from 0 of 1 open connections').waitFor();
  for (const text of ['reconnecting', 'The log is empty'])
    expect(await page.getByText(text).count(), text).toBe(0);
  await expectAccessible(page);
  // Pages that the key may not see are not gone to.
  await page.keyboard.press('3');
  await page.keyboard.press('4');
  expect(new URL(page.url()).pathname).toBe('/');
  await page.keyboard.press('2');
  await page.getByText(why('connections:read')).waitFor();
  await want(204, app, 'DELETE', '/v1/listeners/listed', undefined, given);
});

test('where nothing listens, who may open nothing is offered no button for it', async () => {
  const bare = 'bare'.repeat(15);
  await want(201, app, 'POST', '/v1/projects', { name: bare }, bearer(token));
  const { secret } = await makeKey(bare, 'looks', ['read']);
  await using tab = await openTab(browser, { viewport: { width: 320, height: 800 } });
  const { page } = tab;
  await page.goto(`${app.url}/#key=${secret}`);
  await page.getByText('it lacks the scope listeners:write').waitFor();
  expect(await page.getByRole('button', { name: 'Open an echo listener' }).count()).toBe(0);
  const shown = page.getByRole('banner').getByText(bare);
  await shown.waitFor();
  expect((await boxOf(shown)).right).toBeLessThanOrEqual(320);
});

test('a key that is revoked while it is used is told, and another one asked for', async () => {
  const { secret, id } = await makeKey('default', 'short', ['read']);
  // The revoked key is refused.
  await using tab = await openTab(browser, { provoked: ['status of 401'] });
  const { page } = tab;
  await page.goto(`${app.url}/#key=${secret}`);
  await isLive(page);
  expect(await page.getByRole('link', { name: 'API keys' }).count()).toBe(0);
  await want(204, app, 'DELETE', `/v1/keys/${id}`, undefined, bearer(token));
  const why = page.getByText('This key is refused. (authorization: the key is revoked)');
  await why.waitFor();
  const { secret: other } = await makeKey('default', 'after-it', ['read']);
  await page.getByLabel('Key', { exact: true }).fill(other);
  await page.keyboard.press('Enter');
  await isLive(page);
  expect(await why.count()).toBe(0);
});

test('a key signs in at an address of another project, and is told of the way back', async () => {
  const { secret } = await makeKey('default', 'elsewhere', ['read']);
  await want(201, app, 'POST', '/v1/projects', { name: 'not-its-own' }, bearer(token));
  await using tab = await openTab(browser, { provoked: ['status of 401', 'status of 404'] });
  const { page } = tab;
  await page.goto(`${app.url}/?project=not-its-own`);
  await page.getByLabel('Key', { exact: true }).fill(secret);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'There is no project not-its-own' }).waitFor();
  await page.getByRole('link', { name: 'To your own project' }).click();
  await isLive(page);
});

test('the key of a link is taken where the page is there already, and one of strange signs is asked for again', async () => {
  const { secret } = await makeKey('default', 'by-link', ['read']);
  await using tab = await openTab(browser, { provoked: ['status of 401'] });
  const { page } = tab;
  const wrong = page.getByText('This key is refused. (it has signs that no key has)');
  await page.goto(`${app.url}/#key=${encodeURIComponent('鍵')}`);
  await wrong.waitFor();
  await page.goto(`${app.url}/#key=${secret}`);
  await isLive(page);
  expect([page.url(), await wrong.count()]).toEqual([`${app.url}/`, 0]);
});

test('a draft outlives the key by which it was begun', async () => {
  const faults = [{ type: 'latency', delayMs: 100 }];
  const given = { ...bearer(token), 'kodama-project': 'default' };
  await want(201, app, 'POST', '/v1/listeners', { name: 'drafted', faults }, given);
  const { secret, id } = await makeKey('default', 'ends', ['read', 'write']);
  const { secret: next } = await makeKey('default', 'goes-on', ['read', 'write']);
  await using tab = await openTab(browser, { provoked: ['status of 401'] });
  const { page } = tab;
  await page.goto(`${app.url}/listeners/drafted#key=${secret}`);
  await isLive(page);
  const delay = page.getByRole('textbox', { name: 'delayMs' });
  await delay.fill('777');
  await want(204, app, 'DELETE', `/v1/keys/${id}`, undefined, bearer(token));
  await page.getByLabel('Key', { exact: true }).fill(next);
  await page.keyboard.press('Enter');
  await isLive(page);
  expect(await delay.inputValue()).toBe('777');
  await page.getByRole('button', { name: 'Apply: 1 change' }).click();
  await page.getByRole('button', { name: 'Apply' }).waitFor({ state: 'detached' });
  const after = await want(200, app, 'GET', '/v1/listeners/drafted', undefined, given);
  expect(after.faults).toMatchObject([{ delayMs: 777 }]);
});
