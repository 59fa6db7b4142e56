/** What there is to see of the console, page by page and dialog by dialog. */
import type { Page } from 'playwright-core';
import { longName, sceneToken } from './picture-scenes.ts';

export interface View {
  readonly name: string;
  readonly url: string;
  readonly look: (page: Page) => unknown;
}

export const text = (wanted: string | RegExp) => (page: Page) =>
  page.getByText(wanted).first().waitFor();
async function openDialog(page: Page): Promise<void> {
  await page.keyboard.press('n');
  const dialog = page.locator('dialog');
  await dialog.locator('summary').first().click();
  await dialog.locator('.adders select').selectOption('latency');
  await dialog.locator('.adders button').first().click();
  await dialog.locator('button.main').click();
  await dialog.locator('[aria-invalid="true"]').first().waitFor();
}

export function textbookViews(url: string): View[] {
  const openKeys = async (page: Page) => {
    await page.keyboard.press('?');
    await page.locator('dialog').waitFor();
  };
  return [
    { name: 'live', url: `${url}/?listener=tour`, look: text('127.0.0.2') },
    {
      name: 'live-selected',
      url: `${url}/?listener=tour`,
      look: async (page) => {
        await page.locator('.client').first().click();
        await page.locator('.both-ends').waitFor();
      },
    },
    { name: 'live-past', url: `${url}/?listener=tour&at=4`, look: text('127.0.0.2') },
    { name: 'connections', url: `${url}/connections`, look: text('peer_fin') },
    {
      name: 'connection',
      url: `${url}/connections`,
      look: async (page) => {
        await page.locator('tr:has-text("peer_fin") [data-row]').first().click();
        await page.locator('.course').waitFor();
      },
    },
    {
      name: 'none-match',
      url: `${url}/connections?raddr=10.0.0.9`,
      look: (page) => page.locator('.nothing').waitFor(),
    },
    {
      name: 'bad-filter',
      url: `${url}/connections?lport=none`,
      look: (page) => page.locator('.bad').first().waitFor(),
    },
    { name: 'listener', url: `${url}/listeners/flaky`, look: text('latency') },
    {
      name: 'listener-changed',
      url: `${url}/listeners/flaky`,
      look: async (page) => {
        await page.locator('.adders button').first().click();
        await page.locator('.apply').waitFor();
      },
    },
    {
      name: 'listener-lost',
      url: `${url}/listeners/nobody`,
      look: (page) => page.locator('main a').waitFor(),
    },
    { name: 'create', url: `${url}/connections`, look: openDialog },
    { name: 'keys', url: `${url}/`, look: openKeys },
    {
      name: 'close',
      url: `${url}/listeners/flaky`,
      look: async (page) => {
        await page.locator('.line-actions button.danger').click();
        await page.locator('dialog').waitFor();
      },
    },
  ];
}

export function oddViews(url: string): View[] {
  const lost = (page: Page) => page.locator('.lost:not([aria-busy="true"])').waitFor();
  const key = encodeURIComponent(longName);
  return [
    { name: 'odd-live', url: `${url}/?listener=${key}`, look: text('[::1]') },
    { name: 'odd-balancer', url: `${url}/?listener=behind-a-balancer`, look: text('2001:db8') },
    { name: 'odd-listeners', url: `${url}/listeners`, look: text('behind-a-balancer') },
    { name: 'odd-lost', url: `${url}/?listener=nobody`, look: lost },
    { name: 'odd-connections', url: `${url}/connections`, look: text('2001:db8') },
    { name: 'odd-listener', url: `${url}/listeners/${key}`, look: text('banner') },
    {
      name: 'odd-connection',
      url: `${url}/connections?listener=behind-a-balancer`,
      look: async (page) => {
        await page.locator('[data-row]').first().click();
        await page.locator('.course').waitFor();
      },
    },
  ];
}

/** Of a team's key, and of an operator who looks at that team's project. */
export function hostedViews(url: string, secret: string): View[] {
  const own = `#key=${secret}`;
  const dialog = (page: Page) => page.locator('dialog').waitFor();
  const keys = (page: Page) => page.locator('.card-of').first().waitFor();
  const press = (name: number) => async (page: Page) => {
    await keys(page);
    await page.locator('.keys-page').getByRole('button').nth(name).click();
    await dialog(page);
  };
  return [
    { name: 'hosted-live', url: `${url}/${own}`, look: text('card-service') },
    { name: 'hosted-keys', url: `${url}/keys${own}`, look: keys },
    { name: 'hosted-new-key', url: `${url}/keys${own}`, look: press(1) },
    {
      name: 'hosted-secret',
      url: `${url}/keys${own}`,
      look: async (page) => {
        await press(1)(page);
        await page.locator('dialog input[type="text"]').fill(`robot-${Date.now()}`);
        await page.locator('dialog button.main').click();
        await page.locator('dialog[open] h3').waitFor();
      },
    },
    { name: 'hosted-rotate', url: `${url}/keys${own}`, look: press(2) },
    {
      name: 'hosted-operator',
      url: `${url}/?project=payments#key=${sceneToken}`,
      look: (page) => page.locator('.top select').waitFor({ state: 'attached' }),
    },
    {
      name: 'hosted-session',
      url: `${url}/?project=payments#key=${sceneToken}`,
      look: async (page) => {
        await page.locator('.top select').waitFor({ state: 'attached' });
        await page.locator('.top-end button.quiet').last().click();
        await dialog(page);
      },
    },
  ];
}

export function nodeViews(url: string): View[] {
  const list = (page: Page) => page.locator('.node-lost').first().waitFor({ timeout: 120_000 });
  const dialog = (button: RegExp) => async (page: Page) => {
    await list(page);
    await page.getByRole('main').getByRole('button', { name: button }).last().click();
    await page.locator('dialog').waitFor();
  };
  const add = dialog(/^(Add a node|ノードを追加)/);
  return [
    { name: 'nodes', url: `${url}/nodes`, look: list },
    { name: 'nodes-add', url: `${url}/nodes`, look: add },
    {
      name: 'nodes-lines',
      url: `${url}/nodes`,
      look: async (page) => {
        await add(page);
        await page.locator('dialog button.main').click();
        await page.locator('dialog pre').waitFor();
      },
    },
    { name: 'nodes-remove', url: `${url}/nodes`, look: dialog(/^(Remove|削除)/) },
  ];
}

/** Where nodes can not join. */
export function closedGatewayViews(url: string): View[] {
  return [
    {
      name: 'nodes-off',
      url: `${url}/nodes`,
      look: async (page) => {
        await page.locator('.page-head button.main').click();
        await page.locator('dialog button.main').click();
        await page.locator('dialog [role="alert"]').waitFor();
      },
    },
  ];
}

export function crowdViews(url: string): View[] {
  const wait = (page: Page) => page.locator('.picture').waitFor();
  return [
    { name: 'crowd-hosts', url: `${url}/?listener=hosts`, look: wait },
    { name: 'crowd-totals', url: `${url}/?listener=totals`, look: wait },
    {
      name: 'crowd-connections',
      url: `${url}/connections`,
      look: (page) => page.locator('[data-row]').first().waitFor(),
    },
  ];
}
