/** Pages of GET /v1/connections under every filter, over the database that `npm run bench -- seed` made. */
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import {
  ensureSocketDirectory,
  socketPort,
  superuser,
} from '../../src/embedded-postgres/postgres-cluster.ts';
import { outDir } from '../compile.ts';
import { quantile } from '../figures.ts';
import { type HistoryCase, historyCases } from '../history-cases.ts';
import { Kodama, type ListenerView } from '../kodama.ts';
import { cpuMilliseconds, processTree } from '../process-stats.ts';
import type { Result } from '../report.ts';
import type { Row } from '../row.ts';

const pageSize = 50;
const largePage = 1000;
const pagesMax = 1000;
/** They stand for the last. */
const lastPages = 200;
const caseMsMax = 60_000;
const warmUpRounds = 10;

/** What a page took, and what it cost kodama and PostgreSQL together; in milliseconds. */
interface Cost {
  readonly tookMs: number;
  readonly cpuMs: number;
}

interface CaseFigures {
  readonly name: string;
  /** How many pages there are, up to the 1,000th. */
  readonly pages: number;
  readonly first: readonly Cost[];
  readonly last: readonly Cost[];
}

export const historyRow: Row = {
  name: 'history',
  async run({ isQuick, dataDir }) {
    if (!existsSync(join(dataDir, 'postgres'))) {
      throw new Error('there is no history: npm run bench -- seed makes one');
    }
    const environment = {
      KODAMA_RETENTION_DAYS: '3650',
      KODAMA_RETENTION_EVENTS_MAX: '1000000000000',
    };
    await using kodama = await Kodama.start({ dataDir, environment });
    const { headSeq } = await kodama.status();
    const cases = historyCases(await closedListeners(kodama));
    const ends: HistoryEnd[] = [];
    for (const { queries } of cases) ends.push(await findEnd(kodama, queries[0] ?? ''));
    await warmUp(kodama, cases);
    const figures: CaseFigures[] = [];
    const status: number[] = [];
    for (const [index, each] of cases.entries()) {
      const end = ends[index] ?? { pages: 0, place: '' };
      const measured = await measure(kodama, each, end, isQuick ? 30 : 200);
      figures.push(measured);
      console.log(line(measured));
      for (let index = 0; index < 20; index += 1) {
        status.push((await timed(kodama, '/v1/status')).tookMs);
      }
    }
    writeFileSync(join(outDir, 'history.json'), `${JSON.stringify(figures, null, 2)}\n`);
    const plans = await keepPlans(kodama, cases);
    const what = `history at ${Math.round(headSeq / 2e6)} million connections`;
    const reference = { name: '/v1/status', figure: quantile(status, 0.99) };
    return (['first', 'last'] as const).flatMap((page) => {
      const name = `${what}, ${page === 'first' ? 'first' : '1,000th (or last)'} page, worst p99`;
      const took = worst(figures, page, 'tookMs', plans);
      const cpu = worst(figures, page, 'cpuMs', plans);
      return [
        { ...took, what: name, reference, goal: { of: 'figure', max: 10 } },
        { ...cpu, what: `${name} of CPU` },
      ];
    });
  },
};

/** Those of the seed, from pages that end where they have bytes enough. */
async function closedListeners(kodama: Kodama): Promise<readonly ListenerView[]> {
  const found: ListenerView[] = [];
  for (let place: string | null = ''; place !== null; ) {
    const path = `/v1/listeners?state=closed&pageSize=1000${place}`;
    const { view } = await timed<ListenersPage>(kodama, path);
    found.push(...view.listeners);
    place = placeAfter(view);
  }
  return found;
}

/** What is measured is a server that has been in use: its code is compiled, and its files are in memory. */
async function warmUp(kodama: Kodama, cases: readonly HistoryCase[]): Promise<void> {
  for (let round = 0; round < warmUpRounds; round += 1) {
    for (const query of cases.flatMap(({ queries }) => queries)) {
      await timed(kodama, `/v1/connections?${query}`);
    }
  }
}

function worst(
  figures: readonly CaseFigures[],
  which: 'first' | 'last',
  of: keyof Cost,
  plans: string,
): Omit<Result, 'what'> {
  const cases = figures.map((each) => {
    const values = each[which].map((cost) => cost[of]);
    return { name: each.name, p50: quantile(values, 0.5), p99: quantile(values, 0.99) };
  });
  const slowest = cases.reduce((a, b) => (b.p99 > a.p99 ? b : a));
  const slow = cases.filter(({ p99 }) => p99 > 10).length;
  const p50 = Math.max(...cases.map((each) => each.p50)).toFixed(2);
  const note = `${slowest.name}; ${slow} of ${cases.length} filters above 10; worst p50 ${p50}; plans in ${plans}`;
  return { unit: 'ms', kodama: slowest.p99, note };
}

interface AnyPage {
  readonly nextPageToken?: string;
}

interface PageView extends AnyPage {
  readonly connections: readonly object[];
}

interface ListenersPage extends AnyPage {
  readonly listeners: readonly ListenerView[];
}

async function timed<View = PageView>(kodama: Kodama, path: string) {
  const startedAt = performance.now();
  const view = await kodama.rest.get<View>(path);
  return { view, tookMs: performance.now() - startedAt };
}

type Ask = (query: string) => Promise<Cost & { readonly page: PageView }>;

/** Counts the processes that there are now. */
function asking(kodama: Kodama): Ask {
  const pids = processTree(kodama.pid);
  return async (query) => {
    const before = cpuMilliseconds(pids);
    const { view, tookMs } = await timed(kodama, `/v1/connections?${query}`);
    return { page: view, tookMs, cpuMs: cpuMilliseconds(pids) - before };
  };
}

async function measure(
  kodama: Kodama,
  { name, queries }: HistoryCase,
  { pages, place }: HistoryEnd,
  repeats: number,
): Promise<CaseFigures> {
  const ask = asking(kodama);
  const first: Cost[] = [];
  const until = performance.now() + caseMsMax;
  for (let index = 0; index < repeats && performance.now() < until; index += 1) {
    const { tookMs, cpuMs } = await ask(queries[index % queries.length] ?? '');
    first.push({ tookMs, cpuMs });
  }
  const query = queries[0] ?? '';
  const last: Cost[] = [];
  for (
    let at: string | null = place;
    at !== null && last.length < lastPages && performance.now() < until;
  ) {
    const { page, tookMs, cpuMs } = await ask(`${query}${at}`);
    last.push({ tookMs, cpuMs });
    at = placeAfter(page);
  }
  return { name, pages, first, last };
}

interface HistoryEnd {
  /** How many there are, up to the 1,000th. */
  readonly pages: number;
  /** Where the last of them begin. */
  readonly place: string;
}

/** Read in larger pages, before anything is measured. */
async function findEnd(kodama: Kodama, query: string): Promise<HistoryEnd> {
  const places: string[] = [];
  let count = 0;
  for (let at: string | null = ''; at !== null && count < pagesMax * pageSize; ) {
    places.push(at);
    const path = `/v1/connections?${query}${at}&pageSize=${largePage}`;
    const { view } = await timed<PageView>(kodama, path);
    count += view.connections.length;
    at = placeAfter(view);
  }
  const from = Math.max(0, Math.floor((count - lastPages * pageSize) / largePage));
  return { pages: Math.max(1, Math.ceil(count / pageSize)), place: places[from] ?? '' };
}

function placeAfter({ nextPageToken }: AnyPage): string | null {
  return nextPageToken === undefined ? null : `&pageToken=${encodeURIComponent(nextPageToken)}`;
}

/** Asks for the first two pages of each, with auto_explain on, and keeps what it wrote. */
async function keepPlans(kodama: Kodama, cases: readonly HistoryCase[]): Promise<string> {
  const directory = join(outDir, 'plans');
  mkdirSync(directory, { recursive: true });
  const host = await ensureSocketDirectory(kodama.dataDir);
  const client = new pg.Client({ host, port: socketPort, user: superuser, database: 'postgres' });
  await client.connect();
  const log = join(kodama.dataDir, 'postgres.log');
  try {
    await explainAbove(client, 0);
    for (const { name, queries } of cases) {
      const from = statSync(log).size;
      const query = queries[0] ?? '';
      const path = `/v1/connections?${query}`;
      const { nextPageToken } = (await timed(kodama, path)).view;
      if (nextPageToken !== undefined) {
        await timed(kodama, `${path}&pageToken=${encodeURIComponent(nextPageToken)}`);
      }
      const text = readFileSync(log).subarray(from).toString();
      const file = `${name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}.txt`;
      writeFileSync(join(directory, file), `${name}\n${query}\n\n${text}`);
    }
  } finally {
    await explainAbove(client, -1);
    await client.end();
  }
  return 'bench/out/plans';
}

async function explainAbove(client: pg.Client, milliseconds: number): Promise<void> {
  await client.query(`ALTER SYSTEM SET auto_explain.log_min_duration = ${milliseconds}`);
  await client.query('SELECT pg_reload_conf()');
  await client.query('SELECT pg_sleep(0.3)');
}

/** Of the first page: p50 and p99 of its time, then of its CPU; the same of the last page. */
function line({ name, pages, first, last }: CaseFigures): string {
  const columns = [first, last].flatMap((costs) =>
    (['tookMs', 'cpuMs'] as const).flatMap((of) => {
      const values = costs.map((cost) => cost[of]);
      return [quantile(values, 0.5), quantile(values, 0.99)];
    }),
  );
  const figures = columns.map((value) => value.toFixed(2).padStart(8)).join('');
  return `  ${name.slice(0, 38).padEnd(38)}${figures}  ${pages} pages`;
}
