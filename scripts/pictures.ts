/**
 * The pictures of the console in docs/pictures: each page, of a kodama with two workers and the clients of the textbook.
 * `node scripts/pictures.ts`, where a Chromium is.
 */
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { type StartedKodama, startKodama } from '../clients/typescript/src/start-kodama.ts';
import { findChromium } from './find-chromium.ts';

const root = join(import.meta.dirname, '..');
const folder = join(root, 'docs/pictures');
const executablePath = findChromium() ?? '/usr/bin/chromium';

async function openFrom(port: number, ip: string, localPort?: number): Promise<Socket> {
  const from = { localAddress: ip, ...(localPort !== undefined && { localPort }) };
  const socket = connect({ host: '127.0.0.1', port, ...from });
  await once(socket, 'connect');
  socket.write('hello');
  await once(socket, 'data');
  return socket;
}

/** Two hosts with the same port, two clients of one host, one that is gone, and one that a fault ends. */
async function fill(kodama: StartedKodama): Promise<readonly Socket[]> {
  const { laddr } = await kodama.createListener({ name: 'tour' });
  const port = laddr?.port ?? 0;
  const one = await openFrom(port, '127.0.0.2');
  const same = await openFrom(port, '127.0.0.3', one.localPort);
  const others = [await openFrom(port, '127.0.0.1'), await openFrom(port, '127.0.0.1')];
  const gone = await openFrom(port, '127.0.0.1');
  gone.end();
  await once(gone, 'close');
  const slow = await kodama.createListener({
    name: 'flaky',
    faults: [
      { type: 'latency', delayMs: 20, jitterMs: 10 },
      { type: 'limit', bytes: 1000, action: 'rst' },
    ],
  });
  const cut = await openFrom(slow.laddr?.port ?? 0, '127.0.0.4');
  const closed = new Promise((resolve) => cut.on('error', resolve));
  cut.write(Buffer.alloc(2000));
  await closed;
  return [one, same, ...others];
}

async function take(browser: Browser, url: string, name: string, look: (page: Page) => unknown) {
  for (const colorScheme of ['light', 'dark'] as const) {
    const viewport = { width: 1280, height: 720 };
    const page = await browser.newPage({ locale: 'en-US', viewport, colorScheme });
    await page.goto(url);
    await page.locator('[data-place="live"]').waitFor();
    await look(page);
    await page.screenshot({ path: join(folder, `${name}-${colorScheme}.png`) });
    await page.close();
  }
}

await mkdir(folder, { recursive: true });
const command = [process.execPath, join(root, 'src/main.ts')] as const;
await using kodama = await startKodama({ command, environment: { KODAMA_WORKERS: '2' } });
const sockets = await fill(kodama);
const browser = await chromium.launch({ executablePath });
try {
  const { url } = kodama;
  const cell = (text: string) => (page: Page) => page.getByText(text).first().waitFor();
  await take(browser, `${url}/?listener=tour`, 'live', cell('both use port'));
  await take(browser, `${url}/connections`, 'connections', cell('peer_fin'));
  await take(browser, `${url}/listeners/flaky`, 'listener', cell('latency'));
} finally {
  await browser.close();
  for (const socket of sockets) socket.destroy();
}
