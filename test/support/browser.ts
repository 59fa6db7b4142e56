/** A real Chromium for the tests of the console, and what is held of each of its pages. */
import axe from 'axe-core';
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Page,
} from 'playwright-core';
import { afterAll, beforeAll, expect, inject } from 'vitest';

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

/** A tab with a storage of its own; what it complains about is kept. */
export interface Tab extends AsyncDisposable {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Errors of scripts, and what the policy of the page has refused. */
  readonly complaints: readonly string[];
}

export async function openTab(browser: Browser, options: BrowserContextOptions = {}): Promise<Tab> {
  const context = await browser.newContext({ locale: 'en-US', ...options });
  context.setDefaultTimeout(timeoutMs);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    const text = message.text();
    // A call that is refused is told by the browser, whatever the page makes of it.
    if (message.type() === 'error' && !text.startsWith('Failed to load resource'))
      complaints.push(text);
  });
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
