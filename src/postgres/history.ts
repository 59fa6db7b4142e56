/**
 * Pages of closed connections under any filter, at any size of the history.
 *
 * Most filters have a list of just their matches. For others several lists hold the matches among other entries, and
 * each may be the slow one: a network that is everywhere is found at once in the list of everything, one that was last
 * seen a month ago only in its own. So each is read for a bounded piece, and the one that got furthest is read on.
 * Nothing here depends on statistics, which would not know which values come together.
 */
import { timeOfId } from '../core/time.ts';
import type { Reads, Rows } from './database.ts';
import { latestEra } from './history-listeners.ts';
import { isExact, type List, listsOf, type NetworkFilter, networkOf } from './history-lists.ts';
import { type HistoryQuery, lowestId } from './history-query.ts';
import { gatherNetwork, newestOf, readList } from './history-steps.ts';
import type { OpenBeside } from './open-beside.ts';

/** Rows of ConnectionRow, newest first, at most `limit`; with the first of them come the open ones, if these are asked for. */
export async function readHistory(
  database: Reads,
  asked: HistoryQuery,
  limit: number,
  open: OpenBeside | null,
): Promise<Rows> {
  const rows: Rows[number][] = [];
  for (let rest: HistoryQuery | null = asked; rest !== null && rows.length < limit; ) {
    const era = await latestEra(database, rest);
    if (era.query !== null) {
      const ask = { query: era.query, limit: limit - rows.length, open };
      rows.push(...(await readEra(database, ask)));
    }
    rest = era.earlier;
  }
  return rows;
}

/** Entries that are looked at first, and at most, in one statement. */
const sizeMin = 1000;
const sizeMax = 64_000;
const growth = 16;
/** Where there may be a shorter way. */
const shortGrowth = 8;
/** So much further than where a page should end; after these, to the end. */
const timesFurther = [1, growth];
/** Entries of the list of addresses that are looked at for a network, at first and at most: some milliseconds of work. */
const gatheredMin = 16_000;
const gatheredMax = 128_000;
/** A page of each is soon read, whatever their times. */
const fewAddresses = 16;

/** How far down a list has been read, with what was found on the way. */
interface Reading {
  readonly list: List;
  readonly rows: Rows;
  /** Undefined at the beginning; null at the end. */
  readonly reached: string | null | undefined;
  /** Of the next step. */
  readonly size: number;
}

interface EraAsk {
  readonly query: HistoryQuery;
  readonly limit: number;
  readonly open: OpenBeside | null;
}

interface NetworkAsk extends Omit<EraAsk, 'open'> {
  readonly network: NetworkFilter;
  readonly size: number;
}

async function readEra(database: Reads, ask: EraAsk): Promise<Rows> {
  const { query, limit } = ask;
  const readings: Reading[] = [];
  const network = networkOf(query);
  for (const list of listsOf(query)) {
    const size = isExact(list, query) ? limit : sizeMin;
    let reading: Reading = { list, rows: [], reached: undefined, size };
    // On, while one more step should do by what the last one found, and no other way is shorter.
    const steps = network === null ? growth : shortGrowth;
    for (let isNear = true; isNear && !isDone(reading, limit); ) {
      const before = reading.rows.length;
      reading = await readOn(database, reading, ask);
      isNear = (reading.rows.length - before) * steps >= limit - before;
    }
    if (isDone(reading, limit)) return reading.rows;
    readings.push(reading);
  }
  let furthest = readings.reduce((a, b) => ((b.reached ?? '') < (a.reached ?? '') ? b : a));
  let gathered = gatheredMin;
  for (let looked = 0, due = 0; !isDone(furthest, limit); ) {
    if (network !== null && gathered <= gatheredMax && looked >= due) {
      const gatherAsk = { query, network, limit, size: gathered };
      const ofNetwork = await readNetwork(database, furthest, gatherAsk);
      if (ofNetwork !== null) return ofNetwork;
      // Of more, once as much was looked at the other way: whichever is the shorter, its end is not far.
      [due, looked, gathered] = [gathered, 0, gathered * shortGrowth];
    }
    looked += furthest.size;
    furthest = await readOn(database, furthest, ask);
  }
  return furthest.rows;
}

/**
 * The list of addresses has a network in one piece, which is read on from where a reading ended, a time at a time: first
 * twice what should hold the rest of the page, if it goes on like this. Null where more than `size` lie there.
 */
async function readNetwork(
  database: Reads,
  begun: Reading,
  { query, network, limit, size }: NetworkAsk,
): Promise<Rows | null> {
  let { rows, reached = null } = begun;
  if (reached === null) return rows;
  const isFew = (query.filters[network]?.addresses ?? Number.POSITIVE_INFINITY) <= fewAddresses;
  const times = isFew ? [] : timesFurther;
  // Of few rows the newest tells little: many entries may lie above it.
  const newest =
    isFew || rows.length > 1 ? rows[0]?.[0] : await newestOf(database, begun.list, query);
  const first = timeOfId(String(newest ?? reached));
  for (let time = 0; reached !== null && rows.length < limit; time += 1) {
    if (time > 0 && (await hasEnded(database, begun.list, { query, reached }))) return rows;
    const missing = limit - rows.length;
    const at = timeOfId(reached);
    const span = (2 * Math.max(first - at, 1000) * missing) / (rows.length + 1);
    const from = lowestId(at - span * (times[time] ?? Number.POSITIVE_INFINITY));
    const isLast = from <= (query.range.from ?? lowestId(0));
    const range = { below: reached, from: isLast ? query.range.from : from };
    const ask = { query: { ...query, range }, limit: missing, size };
    const step = await gatherNetwork(database, network, ask);
    if (step === null) return null;
    rows = [...rows, ...step.rows];
    reached = step.reached ?? (isLast ? null : from);
  }
  return rows;
}

/** Whether the list has nothing below: to look at each address once more for that costs much more. */
async function hasEnded(
  database: Reads,
  list: List,
  { query, reached }: { readonly query: HistoryQuery; readonly reached: string },
): Promise<boolean> {
  const range = { ...query.range, below: reached };
  return (await newestOf(database, list, { ...query, range })) === null;
}

function isDone({ rows, reached }: Reading, limit: number): boolean {
  return reached === null || rows.length >= limit;
}

async function readOn(
  database: Reads,
  { list, rows, reached, size }: Reading,
  { query, limit, open }: EraAsk,
): Promise<Reading> {
  const range = { ...query.range, below: reached ?? query.range.below };
  const ask = { query: { ...query, range }, limit: limit - rows.length, size, open };
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
