/** The console with a key of a team: whose things it shows, what the key may do, and keys made by it. */
import { expect, test } from 'vitest';
import { expectAccessible, isLive, openTab, sharedBrowser } from '../support/browser.ts';
import { long } from '../support/long.ts';
import { call, want } from '../support/rest-client.ts';
import { sharedApp } from '../support/test-app.ts';

const token = 'the-operators-own-token';
const app = sharedApp({ KODAMA_API_TOKEN: token });
const browser = sharedBrowser();
const bearer = (secret: string) => ({ authorization: `Bearer ${secret}` });

test(
  'a key is tried before it is taken, says what it is, and makes another one',
  long,
  async () => {
    const operator = { ...bearer(token), 'kodama-project': 'team-a' };
    const quotas = { listeners: 1, keys: 5 };
    await want(201, app, 'POST', '/v1/projects', { name: 'team-a', quotas }, bearer(token));
    const scopes = ['read', 'write', 'keys:read', 'keys:write'];
    const { secret } = await want(201, app, 'POST', '/v1/keys', { name: 'lead', scopes }, operator);
    await want(201, app, 'POST', '/v1/listeners', { name: 'only' }, operator);

    // The first calls have no key, and the next one is mistyped; the quota is used up by then.
    await using tab = await openTab(browser, { provoked: ['status of 401', 'status of 429'] });
    const { page } = tab;
    await page.goto(`${app.url}/`);
    const field = page.getByLabel('Key', { exact: true });
    // Nothing is reconnected to, and nobody knows whether the log is empty.
    await page.getByRole('banner').getByText('needs a key').waitFor();
    for (const text of ['reconnecting', 'The log is empty'])
      expect(await page.getByText(text).count()).toBe(0);
    await field.fill('kodama_mistyped');
    await page.keyboard.press('Enter');
    await page
      .getByText('This key is refused. (authorization: holds no valid bearer token)')
      .waitFor();
    expect(await page.evaluate('sessionStorage.length')).toBe(0);
    await field.fill(secret);
    await page.keyboard.press('Enter');
    await isLive(page);
    // Its status names no workers: what is drawn comes from the sockets of the listener.
    await page.getByRole('cell', { name: 'listening socket' }).waitFor();
    await page.getByText('1 of 1').waitFor();

    await page.keyboard.press('n');
    await page.getByRole('button', { name: 'Create', exact: true }).click();
    await page.getByText('The project has used its quota up.').waitFor();
    await page.keyboard.press('Escape');

    await page.getByRole('link', { name: 'API keys' }).click();
    await page.getByText('the key of this tab').waitFor();
    await page.getByRole('button', { name: 'New key' }).click();
    await page.getByLabel('Name').fill('robot');
    await page.getByRole('button', { name: 'Create key' }).click();
    const made = page.getByRole('dialog').locator('code').first();
    await page.getByText('Copy it now').waitFor();
    await expectAccessible(page);
    const robot = bearer((await made.textContent()) ?? '');
    expect(await want(200, app, 'GET', '/v1/projects/self', undefined, robot)).toMatchObject({
      name: 'team-a',
      scopes: ['listeners:read', 'connections:read', 'events:read', 'nodes:read'],
    });
    await page.getByRole('button', { name: 'I have it' }).click();
    await page.getByRole('button', { name: 'Revoke robot' }).click();
    await page.getByRole('button', { name: 'Revoke key' }).click();
    await page.getByText('1 that ended').waitFor();
    expect(await call(app, 'GET', '/v1/status', undefined, robot)).toMatchObject({ status: 401 });
    await expectAccessible(page);
  },
);
