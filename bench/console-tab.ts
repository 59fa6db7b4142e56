/** A tab of a Chromium in which the console is open, and what it costs: frames, long tasks, heap, and CPU of its renderer. */
import { setTimeout as delay } from 'node:timers/promises';
import { type Browser, type CDPSession, chromium, type Page } from 'playwright-core';
import { findChromium } from '../scripts/find-chromium.ts';
import { longestTask, type Task, type TraceEvent } from './page-tasks.ts';
import { cpuSeconds, processName, processTree } from './process-stats.ts';

export interface Frames {
  /** Milliseconds from each frame to the next. */
  readonly gaps: readonly number[];
  readonly longestTaskMs: number;
}

const timeoutMs = 120_000;

/** Set up before the page is: its first tasks count too. */
const observer = `
  window.seen = { gaps: [], tasks: [], isCounting: false };
  new PerformanceObserver((list) => {
    for (const { startTime, duration } of list.getEntries()) seen.tasks.push({ startTime, duration });
  }).observe({ type: 'longtask', buffered: true });
`;
const beginFrames = `
  seen.gaps = []; seen.tasks = []; seen.isCounting = true;
  let before = performance.now();
  requestAnimationFrame(function next() {
    const now = performance.now();
    seen.gaps.push(now - before);
    before = now;
    if (seen.isCounting) requestAnimationFrame(next);
  });
`;
const endFrames = `
  seen.isCounting = false;
  ({ gaps: seen.gaps, longestTaskMs: Math.max(0, ...seen.tasks.map(({ duration }) => duration)) })
`;

export class ConsoleTab implements AsyncDisposable {
  readonly page: Page;
  readonly #browser: Browser;
  readonly #session: CDPSession;
  readonly #errors: string[] = [];

  private constructor(browser: Browser, page: Page, session: CDPSession) {
    this.#browser = browser;
    this.page = page;
    this.#session = session;
    page.setDefaultTimeout(timeoutMs);
    page.on('pageerror', (error) => this.#errors.push(error.message));
  }

  /** Resolves once the page follows the log. `isTraced`: its tasks are noted from the first one on. */
  static async open(url: string, { isTraced = false } = {}): Promise<ConsoleTab> {
    const executablePath = findChromium();
    if (executablePath === null) throw new Error('no Chromium, nor KODAMA_TEST_CHROMIUM');
    const browser = await chromium.launch({ executablePath });
    try {
      const context = await browser.newContext({ locale: 'en-US' });
      const page = await context.newPage();
      await page.addInitScript(observer);
      const tab = new ConsoleTab(browser, page, await context.newCDPSession(page));
      if (isTraced) await tab.beginTrace();
      await page.goto(url);
      await page.locator('[data-place="live"]').waitFor();
      return tab;
    } catch (error) {
      await browser.close();
      throw error;
    }
  }

  /** Resolves once the page has the event at seq. */
  async hasSeen(seq: number): Promise<void> {
    const place = this.page.locator('[data-place]');
    const until = performance.now() + timeoutMs;
    while (Number((await place.innerText()).replaceAll(/\D/g, '')) < seq) {
      if (performance.now() > until) throw new Error(`the page is not at ${seq}`);
      await delay(100);
    }
  }

  async beginFrames(): Promise<void> {
    await this.page.evaluate(beginFrames);
  }

  async endFrames(): Promise<Frames> {
    return (await this.page.evaluate(endFrames)) as Frames;
  }

  /** The tasks of the page are noted from now on. */
  async beginTrace(): Promise<void> {
    await this.#browser.startTracing(this.page, { categories: ['toplevel'] });
  }

  /** Of a tab that is traced, which it is no more. */
  async longestTask(): Promise<Task> {
    const trace = JSON.parse(String(await this.#browser.stopTracing()));
    return longestTask(trace.traceEvents as readonly TraceEvent[]);
  }

  /** What is alive, in bytes. */
  async heapBytes(): Promise<number> {
    await this.#session.send('HeapProfiler.collectGarbage');
    return (await this.#session.send('Runtime.getHeapUsage')).usedSize;
  }

  /** Of the process that runs the page, all of its threads. */
  rendererSeconds(): number {
    return cpuSeconds(browserPids().filter(isRenderer));
  }

  /** Of those beside it: the browser's own, and the one that paints where there is no GPU. */
  otherSeconds(): number {
    return cpuSeconds(browserPids().filter((pid) => !isRenderer(pid)));
  }

  expectSound(): void {
    if (this.#errors.length > 0) throw new Error(`the page failed: ${this.#errors[0]}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#browser.close();
  }
}

/** Of the browsers that this process has started: what drives them has a pipe to each. */
function browserPids(): readonly number[] {
  const isBrowser = (pid: number) => processName(pid).includes('--remote-debugging-pipe');
  const [first] = processTree(process.pid).filter(isBrowser);
  return first === undefined ? [] : processTree(first);
}

function isRenderer(pid: number): boolean {
  return processName(pid).includes('--type=renderer');
}
