/**
 * Pages of closed connections under any filter, at any size of the history.
 *
 * Most filters have a list of just their matches. For others several lists hold the matches among other entries, and
 * each may be the slow one: a network that is everywhere is found at once in the list of everything, one that was last
 * seen a month ago only in its own. So each is read for a bounded piece, and the one that got furthest is read on.
 * Nothing here depends on statistics, which would not know which values come together.
 */
import type { Reads, Rows } from './database.ts';
import { latestEra } from './history-listeners.ts';
import {
  gatherNetwork,
  isExact,
  type List,
  listsOf,
  readList,
  type Step,
} from './history-lists.ts';
import type { HistoryQuery } from './history-query.ts';

/** Rows of ConnectionRow, newest first, at most `limit`. */
export async function readHistory(
  database: Reads,
  asked: HistoryQuery,
  limit: number,
): Promise<Rows> {
  const rows: Rows[number][] = [];
  for (let rest: HistoryQuery | null = asked; rest !== null && rows.length < limit; ) {
    const era = await latestEra(database, rest);
    if (era.query !== null) rows.push(...(await readEra(database, era.query, limit - rows.length)));
    rest = era.earlier;
  }
  return rows;
}

/** Entries that are looked at first, and at most, in one statement. */
const sizeMin = 1000;
const sizeMax = 64_000;
const growth = 16;

/** How far down a list has been read, with what was found on the way. */
interface Reading {
  readonly list: List;
  readonly rows: Rows;
  /** Undefined at the beginning; null at the end. */
  readonly reached: string | null | undefined;
  /** Of the next step. */
  readonly size: number;
}

async function readEra(database: Reads, query: HistoryQuery, limit: number): Promise<Rows> {
  const readings: Reading[] = [];
  for (const list of listsOf(query)) {
    const size = isExact(list, query) ? limit : sizeMin;
    let reading: Reading = { list, rows: [], reached: undefined, size };
    // On, while one more step should do.
    do reading = await readOn(database, reading, query, limit);
    while (!isDone(reading, limit) && reading.rows.length * growth >= limit);
    if (isDone(reading, limit)) return reading.rows;
    readings.push(reading);
  }
  if (query.filters.network !== null) {
    const gathered = await gatherNetwork(database, { query, limit });
    if (gathered !== null) return await withRest(database, gathered, query, limit);
  }
  let furthest = readings.reduce((a, b) => ((b.reached ?? '') < (a.reached ?? '') ? b : a));
  while (!isDone(furthest, limit)) furthest = await readOn(database, furthest, query, limit);
  return furthest.rows;
}

/** A full step may hold less than a page: what does not lie in the time asked for was left out of it. */
async function withRest(
  database: Reads,
  { rows, reached }: Step,
  query: HistoryQuery,
  limit: number,
): Promise<Rows> {
  if (reached === null || rows.length === limit) return rows;
  const rest = { ...query, range: { ...query.range, below: reached } };
  return [...rows, ...(await readEra(database, rest, limit - rows.length))];
}

function isDone({ rows, reached }: Reading, limit: number): boolean {
  return reached === null || rows.length >= limit;
}

async function readOn(
  database: Reads,
  { list, rows, reached, size }: Reading,
  query: HistoryQuery,
  limit: number,
): Promise<Reading> {
  const range = { ...query.range, below: reached ?? query.range.below };
  const ask = { query: { ...query, range }, limit: limit - rows.length, size };
  const step = await readList(database, list, ask);
  // As many as should do, if it goes on like this.
  const missing = limit - rows.length - step.rows.length;
  const wanted = Math.ceil((1.5 * size * missing) / step.rows.length);
  return {
    list,
    rows: [...rows, ...step.rows],
    reached: step.reached,
    size: Math.max(sizeMin, Math.min(wanted, size * growth, sizeMax)),
  };
}
