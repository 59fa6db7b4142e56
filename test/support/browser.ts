/** A real Chromium for the tests of the console, and what is held of each of its pages. */
import axe from 'axe-core';
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Page,
} from 'playwright-core';
import { afterAll, beforeAll, expect, inject, onTestFinished } from 'vitest';

declare module 'vitest' {
  interface ProvidedContext {
    /** Where the browser is; null where there is none, and then its tests are not run. */
    chromium: string | null;
  }
}

/** A page took this long to do something: it will not. */
const timeoutMs = 30_000;

/** One browser for the file, which ends with it. */
export function sharedBrowser(): Browser {
  const shared = {} as { browser?: Browser };
  beforeAll(async () => {
    const executablePath = inject('chromium') ?? undefined;
    shared.browser = await chromium.launch({ ...(executablePath && { executablePath }) });
  });
  afterAll(() => shared.browser?.close());
  return new Proxy({} as Browser, {
    get(_, name) {
      const value = Reflect.get(shared.browser ?? {}, name);
      return typeof value === 'function' ? value.bind(shared.browser) : value;
    },
  });
}

export interface TabOptions extends BrowserContextOptions {
  /** Words of the complaints that the test provokes: the browser tells of each call that fails, whatever a page makes of it. */
  readonly provoked?: readonly string[];
}

/** A tab with a storage of its own, and others that share it; what its pages complain about is kept. */
export interface Tab extends AsyncDisposable {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Errors of scripts, what they or the browser warn of, and what the policy of a page has refused. */
  readonly complaints: readonly string[];
}

/** Of a loop of observers the window alone is told: without an error, it comes to nobody else. */
const tellLoops = `addEventListener('error', ({ error, message }) => {
  if (!error) console.error(message);
})`;
const bad: ReadonlySet<string> = new Set(['error', 'warning', 'assert']);

/** The test fails if a page of the tab has complained of anything else than what is provoked. */
export async function openTab(browser: Browser, options: TabOptions = {}): Promise<Tab> {
  const tab = await makeTab(browser, options);
  onTestFinished(() => expect(tab.complaints).toEqual([]));
  return tab;
}

/** Whoever makes it judges what its pages complain about. */
export async function makeTab(browser: Browser, options: TabOptions = {}): Promise<Tab> {
  const { provoked = [], ...more } = options;
  const context = await browser.newContext({ locale: 'en-US', ...more });
  context.setDefaultTimeout(timeoutMs);
  const complaints: string[] = [];
  const hear = (complaint: string) => {
    if (!provoked.some((words) => complaint.includes(words))) complaints.push(complaint);
  };
  context.on('weberror', (event) => hear(String(event.error())));
  context.on('console', (message) => {
    if (bad.has(message.type())) hear(`${message.text()} (${message.location().url})`);
  });
  await context.addInitScript(tellLoops);
  const page = await context.newPage();
  return { page, context, complaints, [Symbol.asyncDispose]: () => context.close() };
}

/** Follows the log, all of it. */
export async function isLive(page: Page): Promise<void> {
  await page.locator('[data-place="live"]').waitFor();
}

/** Nothing that axe knows of keeps anybody from reading or using the page. */
export async function expectAccessible(page: Page): Promise<void> {
  await page.evaluate(axe.source);
  const found = await page.evaluate('axe.run(document, { resultTypes: ["violations"] })');
  const { violations } = found as axe.AxeResults;
  const told = violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html}\n${failureSummary}`),
  );
  expect(told).toEqual([]);
}
