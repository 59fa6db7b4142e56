/**
 * The console in a browser while kodama is attacked: its three pages are opened once, and must tell by themselves in the
 * end what the record tells, without an error of a script and without a breach of the page's own policy.
 */
import { type Browser, chromium, type Page } from 'playwright-core';
import { isLive, makeTab, type Tab } from '../support/browser.ts';
import { all, want } from '../support/rest-client.ts';
import { waitFor } from '../support/wait-for.ts';
import type { KodamaProcess } from './kodama-process.ts';

/** A page asks again after ten seconds at the latest, on a machine that has other things to do. */
const timeoutMs = 60_000;

/** How many pages the tab has loaded since it was opened; one that helps itself by loading anew would be a second. */
interface Watched extends Tab {
  readonly name: string;
  readonly loads: { count: number };
}

export class ConsoleWatch implements AsyncDisposable {
  readonly #browser: Browser;
  readonly #listenerId: string;
  readonly #live: Watched;
  readonly #table: Watched;
  readonly #listener: Watched;

  private constructor(browser: Browser, listenerId: string, tabs: readonly Watched[]) {
    const [live, table, listener] = tabs;
    if (!live || !table || !listener) throw new TypeError('there are three pages');
    this.#browser = browser;
    this.#listenerId = listenerId;
    this.#live = live;
    this.#table = table;
    this.#listener = listener;
  }

  static async open(
    executablePath: string,
    url: string,
    listenerId: string,
  ): Promise<ConsoleWatch> {
    const browser = await chromium.launch({ executablePath });
    try {
      const tabs: Watched[] = [];
      for (const path of ['/', '/connections', `/listeners/${listenerId}`])
        tabs.push(await watch(browser, url, path));
      return new ConsoleWatch(browser, listenerId, tabs);
    } catch (error) {
      await browser.close();
      throw error;
    }
  }

  /** Resolves with what is not as it should be, once nothing changes in `target` any more. */
  async judge(target: KodamaProcess): Promise<string[]> {
    const tabs = [this.#live, this.#table, this.#listener];
    const breaches: string[] = [];
    const { headSeq } = await want(200, target, 'GET', '/v1/status');
    for (const { name, page } of tabs) {
      const place = page.locator('[data-place]');
      const wanted = `live seq ${headSeq}`;
      const told = async () => (await place.innerText()).replaceAll(/[^\w ]/g, '').trim();
      breaches.push(...(await differs(`the place of ${name}`, wanted, told)));
    }
    breaches.push(...(await this.#compareListeners(target)));
    breaches.push(...(await this.#compareConnections(target)));
    const { state } = await want(200, target, 'GET', `/v1/listeners/${this.#listenerId}`);
    const { page: ofListener } = this.#listener;
    const shown = ofListener.locator(`.listener-line .state.${state}`);
    const told = async () =>
      (await shown.count()) > 0 ? state : await ofListener.locator('.page').innerText();
    breaches.push(...(await differs('the listener', state, told)));
    for (const { name, complaints, loads } of tabs) {
      breaches.push(...complaints.map((complaint) => `${name} complained: ${complaint}`));
      if (loads.count !== 1) breaches.push(`${name} was loaded ${loads.count} times`);
    }
    return breaches.map((breach) => `console: ${breach}`);
  }

  /** What listens, each with nobody connected to it. */
  async #compareListeners(target: KodamaProcess): Promise<string[]> {
    const rows = await all(target, '/v1/listeners', 'listeners');
    const wanted = rows.map(({ laddr }) => String(laddr.port)).sort();
    const { page } = this.#live;
    const told = async () => {
      const cards = page.locator('.card .mono');
      const texts = (await cards.count()) > 0 ? cards : page.locator('.listener-line .mono');
      const ports = (await texts.allInnerTexts()).map((text) => text.split(':').at(-1));
      return ports.sort().join();
    };
    const open = async () => String(await page.locator('.client.open, .client.half').count());
    return [
      ...(await differs('the listeners', wanted.join(), told)),
      ...(await differs('open clients', '0', open)),
    ];
  }

  /** All of the table, with how each has ended. */
  async #compareConnections(target: KodamaProcess): Promise<string[]> {
    const connections = await all(target, '/v1/connections', 'connections');
    const wanted = connections.map(({ id, closeReason }) => `${id} ${closeReason}`);
    const { page } = this.#table;
    const rows = `Number(document.querySelector('.rows table').ariaRowCount) - 1`;
    const count = async () => String(await page.evaluate(rows));
    const breaches = await differs('the rows of the table', String(wanted.length), count);
    if (breaches.length > 0) return breaches;
    const shown = await readRows(page, wanted.length);
    const missing = wanted.filter((row) => !shown.has(row));
    return missing.slice(0, 5).map((row) => `the table has no ${row}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#browser.close();
  }
}

async function watch(browser: Browser, url: string, path: string): Promise<Watched> {
  // Kodama is killed, starved and cut off: its answers fail, and the page has to live with that.
  const tab = await makeTab(browser, { provoked: ['Failed to load resource'] });
  const loads = { count: 0 };
  tab.page.on('load', () => {
    loads.count += 1;
  });
  await tab.page.goto(url + path);
  await isLive(tab.page);
  return { ...tab, name: path, loads };
}

async function differs(
  what: string,
  wanted: string,
  told: () => Promise<string>,
): Promise<string[]> {
  let last = '';
  try {
    const isSame = async () => {
      last = await told();
      return last === wanted;
    };
    await waitFor(what, isSame, timeoutMs);
    return [];
  } catch (error) {
    return [`${what}: ${last}, and not ${wanted} (${error})`];
  }
}

const rowHeight = 30;
const readSight = `[...document.querySelectorAll('.rows tr:has([data-row])')].map((row) =>
  row.querySelector('[data-row]').dataset.row + ' ' + row.querySelector('.state').innerText.split(' ').at(-1))`;

/** Only those in sight are in the document. */
async function readRows(page: Page, count: number): Promise<Set<string>> {
  const found = new Set<string>();
  for (let top = 0; top <= count * rowHeight; top += 8 * rowHeight) {
    await page.evaluate(`new Promise((done) => {
      document.querySelector('.rows').scrollTo(0, ${top});
      requestAnimationFrame(() => requestAnimationFrame(done));
    })`);
    for (const row of (await page.evaluate(readSight)) as string[]) found.add(row);
  }
  return found;
}
