/**
 * The pictures of the console in docs/pictures: each page, of a kodama with two workers and the clients of the textbook.
 * `npx node scripts/pictures.ts`, where a Chromium is. With `--all FOLDER` all that there is to see, in both schemes and at
 * several widths, to be looked at: full of what is long, many, or nothing at all.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';
import { readCommandLine } from '../src/command-line.ts';
import { findChromium } from './find-chromium.ts';
import {
  fillCrowd,
  fillFleet,
  fillHosted,
  fillOddities,
  fillTextbook,
  sceneToken,
  startScene,
} from './picture-scenes.ts';
import {
  closedGatewayViews,
  crowdViews,
  hostedViews,
  nodeViews,
  oddViews,
  text,
  textbookViews,
  type View,
} from './picture-views.ts';

const usage = `npx node scripts/pictures.ts                 takes the pictures of docs/pictures
npx node scripts/pictures.ts --all FOLDER    takes every page and dialog, light and dark, at several widths
    [--only odd-live,create]                 or some of them`;
const options = { all: { type: 'string' }, only: { type: 'string' } } as const;
const { values } = readCommandLine({ usage, options });

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
      return { scheme, width: 1280, height: 800, file };
    });
    await take(browser, view, 'en-US', shots);
  }
  for (const socket of sockets) socket.destroy();
}

async function takeAll(browser: Browser, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await using resources = new AsyncDisposableStack();
  const start = async (environment = {}) => resources.use(await startScene(environment));
  const [empty, locked, textbook, odd, crowd, fleet] = [
    await start(),
    await start({ KODAMA_API_TOKEN: sceneToken }),
    await start(),
    await start(),
    await start(),
    await start({ KODAMA_GATEWAY_PORT: '0' }),
  ];
  resources.use(await fillFleet(fleet));
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
    ...closedGatewayViews(empty.url),
    ...nodeViews(fleet.url),
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
