/**
 * The pictures of the console in docs/pictures: each page, of a kodama with two workers and the clients of the textbook.
 * `npx node scripts/pictures.ts`, where a Chromium is. With `--all FOLDER` all that there is to see, in both schemes and at
 * several widths, to be looked at: full of what is long, many, or nothing at all.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { readCommandLine } from '../src/command-line.ts';
import { findChromium } from './find-chromium.ts';
import {
  fillCrowd,
  fillHosted,
  fillOddities,
  fillTextbook,
  longName,
  sceneToken,
  startScene,
} from './picture-scenes.ts';

const usage = `npx node scripts/pictures.ts                 takes the pictures of docs/pictures
npx node scripts/pictures.ts --all FOLDER    takes every page and dialog, light and dark, at several widths
    [--only odd-live,create]                 or some of them`;
const options = { all: { type: 'string' }, only: { type: 'string' } } as const;
const { values } = readCommandLine({ usage, options });

interface View {
  readonly name: string;
  readonly url: string;
  readonly look: (page: Page) => unknown;
}

const text = (wanted: string | RegExp) => (page: Page) => page.getByText(wanted).first().waitFor();
const schemes = ['light', 'dark'] as const;
/** Of a telephone, a tablet, a laptop and a screen. */
const sizes = [
  { width: 320, height: 1000 },
  { width: 768, height: 1000 },
  { width: 1280, height: 800 },
  { width: 1920, height: 1000 },
];
const place = '[data-place="live"], [data-place="past"]';

interface Shot {
  readonly scheme: (typeof schemes)[number];
  readonly width: number;
  readonly height: number;
  readonly file: string;
}

/** Opens it once, and takes it as often as is asked for. */
async function take(browser: Browser, view: View, locale: string, shots: readonly Shot[]) {
  const page = await browser.newPage({ locale, viewport: { width: 1280, height: 800 } });
  await page.goto(view.url);
  if (view.name !== 'sign-in') await page.locator(place).waitFor();
  await view.look(page);
  for (const { scheme, width, height, file } of shots) {
    await page.emulateMedia({ colorScheme: scheme });
    await page.setViewportSize({ width, height });
    await page.screenshot({ path: file });
  }
  await page.close();
}

async function takeForDocs(browser: Browser): Promise<void> {
  const folder = join(import.meta.dirname, '../docs/pictures');
  await mkdir(folder, { recursive: true });
  await using kodama = await startScene();
  const { url } = kodama;
  const sockets = await fillTextbook(kodama);
  const views = [
    { name: 'live', url: `${url}/?listener=tour`, look: text('both use port') },
    { name: 'connections', url: `${url}/connections`, look: text('peer_fin') },
    { name: 'listener', url: `${url}/listeners/flaky`, look: text('latency') },
  ];
  for (const view of views) {
    const shots = schemes.map((scheme): Shot => {
      const file = join(folder, `${view.name}-${scheme}.png`);
      return { scheme, width: 1280, height: 720, file };
    });
    await take(browser, view, 'en-US', shots);
  }
  for (const socket of sockets) socket.destroy();
}

async function openDialog(page: Page): Promise<void> {
  await page.keyboard.press('n');
  const dialog = page.locator('dialog');
  await dialog.locator('summary').first().click();
  await dialog.locator('.adders select').selectOption('latency');
  await dialog.locator('.adders button').first().click();
  await dialog.locator('button.main').click();
  await dialog.locator('[aria-invalid="true"]').first().waitFor();
}

function textbookViews(url: string): View[] {
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
      look: (page) => page.locator('h1').waitFor(),
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

function oddViews(url: string): View[] {
  const key = encodeURIComponent(longName);
  return [
    { name: 'odd-live', url: `${url}/?listener=${key}`, look: text('[::1]') },
    { name: 'odd-balancer', url: `${url}/?listener=behind-a-balancer`, look: text('2001:db8') },
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
function hostedViews(url: string, secret: string): View[] {
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

function crowdViews(url: string): View[] {
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

async function takeAll(browser: Browser, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await using resources = new AsyncDisposableStack();
  const start = async (environment = {}) => resources.use(await startScene(environment));
  const [empty, locked, textbook, odd, crowd] = [
    await start(),
    await start({ KODAMA_API_TOKEN: sceneToken }),
    await start(),
    await start(),
    await start(),
  ];
  const sockets = [
    ...(await fillTextbook(textbook)),
    ...(await fillOddities(odd)),
    ...(await fillCrowd(crowd, 'hosts', 150, 45)),
    ...(await fillCrowd(crowd, 'totals', 1500, 60)),
  ];
  const views: View[] = [
    { name: 'empty', url: empty.url, look: (page) => page.locator('.empty').waitFor() },
    {
      name: 'empty-connections',
      url: `${empty.url}/connections`,
      look: (page) => page.locator('.nothing').waitFor(),
    },
    { name: 'sign-in', url: locked.url, look: (page) => page.locator('dialog').waitFor() },
    ...textbookViews(textbook.url),
    ...oddViews(odd.url),
    ...crowdViews(crowd.url),
    ...hostedViews(locked.url, await fillHosted(locked)),
  ];
  const only = values.only?.split(',') ?? views.map(({ name }) => name);
  for (const view of views.filter(({ name }) => only.includes(name))) {
    const shots = sizes.flatMap(({ width, height }) =>
      schemes.map((scheme): Shot => {
        const file = join(folder, `${view.name}-${width}-${scheme}.png`);
        return { scheme, width, height, file };
      }),
    );
    await take(browser, view, 'en-US', shots);
    const file = join(folder, `${view.name}-ja.png`);
    await take(browser, view, 'ja-JP', [{ scheme: 'light', width: 1280, height: 800, file }]);
  }
  for (const socket of sockets) socket.destroy();
}

const browser = await chromium.launch({ executablePath: findChromium() ?? '/usr/bin/chromium' });
try {
  if (values.all === undefined) await takeForDocs(browser);
  else await takeAll(browser, values.all);
} finally {
  await browser.close();
}
