/** What the console costs the browser that shows it: while 500 connections a second come and go, and with 10,000 open. */
import { setTimeout as delay } from 'node:timers/promises';
import { ConsoleTab } from '../console-tab.ts';
import { quantile } from '../figures.ts';
import { Kodama } from '../kodama.ts';
import { LoadGenerator } from '../load-generator.ts';
import type { Result } from '../report.ts';
import type { Row } from '../row.ts';

const perSecond = 500;
/** The page holds 50,000 events, and a fiftieth more before it forgets. */
const fillConnections = 30_000;
const crowdConnections = 10_000;

export const consoleRow: Row = {
  name: 'console',
  async run({ isQuick }) {
    const seconds = isQuick ? 10 : 30;
    return [
      ...(await measureFlood('Live', '/?listener=bench', seconds)),
      ...(await measureFlood('Connections', '/connections', seconds)),
      await measureCrowd(),
    ];
  },
};

async function measureFlood(what: string, path: string, seconds: number): Promise<Result[]> {
  await using kodama = await Kodama.start();
  const { laddr } = await kodama.createListener({ name: 'bench' });
  await using tab = await ConsoleTab.open(urlOf(kodama, path));
  const churn = async (rate: number, forSeconds: number) => {
    const load = { mode: 'churn', port: laddr.port, connections: 50, bytes: 16, rate } as const;
    await using generator = await LoadGenerator.start({ ...load, seconds: forSeconds });
    return await generator.run();
  };
  // A window that is full is what it stays.
  for (let made = 0; made < fillConnections; ) made += (await churn(0, 2)).operations;
  await caughtUp(kodama, tab);
  const heapBefore = await tab.heapBytes();
  // Its CPU is taken apart: who counts frames asks for sixty a second, and a trace is written by the page's process.
  const [renderer, other] = [tab.rendererSeconds(), tab.otherSeconds()];
  const { operations, seconds: took } = await churn(perSecond, seconds);
  const rendererCores = (tab.rendererSeconds() - renderer) / took;
  const otherCores = (tab.otherSeconds() - other) / took;
  await tab.beginTrace();
  await tab.beginFrames();
  const counted = await churn(perSecond, seconds);
  const { gaps, longestTaskMs } = await tab.endFrames();
  const { cpuMs, wallMs } = await tab.longestTask();
  await caughtUp(kodama, tab);
  const heapAfter = await tab.heapBytes();
  tab.expectSound();
  const rate = `${perSecond} connections/s through ${what}`;
  return [
    {
      what: `${rate}: frame, p95`,
      unit: 'ms',
      kodama: quantile(gaps, 0.95),
      goal: { of: 'figure', max: 50 },
      note: `${(gaps.length / counted.seconds).toFixed(0)} frames/s, p50 ${quantile(gaps, 0.5).toFixed(1)} ms, longest task ${longestTaskMs} ms`,
    },
    {
      what: `${rate}: longest task, CPU`,
      unit: 'ms',
      kodama: cpuMs,
      goal: { of: 'figure', max: 50 },
      note: `${wallMs.toFixed(0)} ms by the clock`,
    },
    {
      what: `${rate}: CPU of its renderer`,
      unit: 'cores',
      kodama: rendererCores,
      goal: { of: 'figure', max: 0.25 },
      note: `${operations} connections; the rest of the browser ${otherCores.toFixed(2)}`,
    },
    {
      what: `${rate}: growth of its heap`,
      unit: 'MB',
      kodama: (heapAfter - heapBefore) / 1e6,
      goal: { of: 'figure', max: 10 },
      note: `window full before; ${(heapAfter / 1e6).toFixed(0)} MB in all`,
    },
  ];
}

async function measureCrowd(): Promise<Result> {
  await using kodama = await Kodama.start();
  const limits = { maxConnections: 2 * crowdConnections };
  const { laddr } = await kodama.createListener({ name: 'bench', limits });
  const load = { mode: 'echo', port: laddr.port, bytes: 16, seconds: 1 } as const;
  await using _crowd = await LoadGenerator.start({ ...load, connections: crowdConnections });
  const startedAt = performance.now();
  await using tab = await ConsoleTab.open(urlOf(kodama, '/?listener=bench'), { isTraced: true });
  const text = `one number for ${crowdConnections.toLocaleString('en')} clients`;
  await tab.page.getByText(text).waitFor();
  const drawnMs = performance.now() - startedAt;
  // What is read anew every few seconds is drawn anew, too.
  await delay(12_000);
  tab.expectSound();
  const elements = await tab.page.evaluate('document.querySelectorAll("*").length');
  const { cpuMs, wallMs } = await tab.longestTask();
  return {
    what: `${crowdConnections.toLocaleString('en')} open in Live: longest task, CPU`,
    unit: 'ms',
    kodama: cpuMs,
    goal: { of: 'figure', max: 50 },
    note: `${wallMs.toFixed(0)} ms by the clock; drawn ${(drawnMs / 1000).toFixed(1)} s after the browser's start; ${elements} elements`,
  };
}

async function caughtUp(kodama: Kodama, tab: ConsoleTab): Promise<void> {
  await tab.hasSeen((await kodama.status()).headSeq);
}

function urlOf({ httpPort }: Kodama, path: string): string {
  return `http://127.0.0.1:${httpPort}${path}`;
}
