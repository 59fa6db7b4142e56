/** Pages of GET /v1/connections under every filter, over the database that `npm run bench -- seed` made. */
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import {
  ensureSocketDirectory,
  socketPort,
  superuser,
} from '../../src/postgres/postgres-cluster.ts';
import { outDir } from '../compile.ts';
import { quantile } from '../figures.ts';
import { type HistoryCase, historyCases } from '../history-cases.ts';
import { Kodama, type ListenerView } from '../kodama.ts';
import type { Row } from '../row.ts';

const pagesMax = 1000;
/** Of a walk, the newest of which stand for its last page. */
const lastPages = 100;
const walkMsMax = 30_000;

interface CaseFigures {
  readonly name: string;
  readonly firstP50: number;
  readonly firstP99: number;
  /** How many pages there are, up to the 1,000th. */
  readonly pages: number;
  readonly lastP50: number;
  readonly lastP99: number;
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
    const { listeners } = await kodama.rest.get<{ listeners: ListenerView[] }>(
      '/v1/listeners?state=closed&pageSize=1000',
    );
    const cases = historyCases(listeners);
    const figures: CaseFigures[] = [];
    for (const each of cases) figures.push(await measure(kodama, each, isQuick ? 30 : 200));
    for (const each of figures) console.log(line(each));
    const plans = await keepPlans(kodama, cases);
    writeFileSync(join(outDir, 'history.json'), `${JSON.stringify(figures, null, 2)}\n`);
    const worst = (what: string, of: (figures: CaseFigures) => number) => {
      const slowest = figures.reduce((a, b) => (of(b) > of(a) ? b : a));
      const slow = figures.filter((each) => of(each) > 10).length;
      return {
        what: `history at ${Math.round(headSeq / 2e6)} million connections, ${what}, worst p99`,
        unit: 'ms',
        kodama: of(slowest),
        goal: { of: 'figure' as const, max: 10 },
        note: `${slowest.name}; ${slow} of ${figures.length} filters above; plans in ${plans}`,
      };
    };
    return [
      worst('first page', ({ firstP99 }) => firstP99),
      worst('1,000th (or last) page', ({ lastP99 }) => lastP99),
    ];
  },
};

interface PageView {
  readonly connections: readonly object[];
  readonly nextPageToken?: string;
}

async function timed(kodama: Kodama, query: string): Promise<{ page: PageView; tookMs: number }> {
  const startedAt = performance.now();
  const page = await kodama.rest.get<PageView>(`/v1/connections?${query}`);
  return { page, tookMs: performance.now() - startedAt };
}

async function measure(
  kodama: Kodama,
  { name, queries }: HistoryCase,
  repeats: number,
): Promise<CaseFigures> {
  const first: number[] = [];
  const until = performance.now() + walkMsMax;
  for (const query of queries) await timed(kodama, query);
  for (let index = 0; index < repeats && performance.now() < until; index += 1) {
    first.push((await timed(kodama, queries[index % queries.length] ?? '')).tookMs);
  }
  const walk = await walkPages(kodama, queries[0] ?? '');
  const last = walk.slice(-lastPages);
  return {
    name,
    firstP50: quantile(first, 0.5),
    firstP99: quantile(first, 0.99),
    pages: walk.length,
    lastP50: quantile(last, 0.5),
    lastP99: quantile(last, 0.99),
  };
}

/** How long each page took, up to the 1,000th or the end. */
async function walkPages(kodama: Kodama, query: string): Promise<readonly number[]> {
  const times: number[] = [];
  const until = performance.now() + walkMsMax;
  let place = '';
  while (times.length < pagesMax && performance.now() < until) {
    const { page, tookMs } = await timed(kodama, `${query}${place}`);
    times.push(tookMs);
    if (page.nextPageToken === undefined) break;
    place = `&pageToken=${encodeURIComponent(page.nextPageToken)}`;
  }
  return times;
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
      const { page } = await timed(kodama, query);
      if (page.nextPageToken !== undefined) {
        await timed(kodama, `${query}&pageToken=${encodeURIComponent(page.nextPageToken)}`);
      }
      const text = readFileSync(log).subarray(from).toString();
      const file = `${name.replaceAll(/[^a-z0-9]+/g, '-')}.txt`;
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

function line({ name, firstP50, firstP99, pages, lastP50, lastP99 }: CaseFigures): string {
  const figure = (value: number): string => value.toFixed(2).padStart(9);
  const columns = [firstP50, firstP99, lastP50, lastP99].map(figure).join('');
  return `  ${name.slice(0, 60).padEnd(60)}${columns}  ${pages} pages`;
}
