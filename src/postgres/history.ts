/**
 * Pages of closed connections under any filter, at any size of the history.
 *
 * Most filters have an index that lists just their matches in the order of the ids. For the others several ways lead
 * down the history, and each may be the slow one: a network that is everywhere is found at once row by row, one
 * that was last seen a month ago only by looking for it. So each way is tried for a bounded piece, and the one that got
 * furthest goes on. Nothing here depends on statistics, which would not know which values come together.
 */
import type { Database, Rows } from './database.ts';
import type { Filter, HistoryQuery } from './history-query.ts';
import {
  gather,
  isUsable,
  type List,
  listWalk,
  networkWalk,
  restOf,
  type Walk,
} from './history-walks.ts';

/** Each is an index of closed_connections. The more telling come first. */
const lists: readonly List[] = [
  { keys: ['lport', 'raddr'] },
  { keys: ['raddr', 'protocol', 'closeReason'] },
  { keys: ['listenerId', 'closeReason'] },
  { keys: ['lport', 'protocol', 'closeReason'] },
  { keys: ['protocol', 'closeReason'] },
];
/** The primary key lists them all. */
const everything: List = { keys: [] };

const growth = 4;

/** Rows of ConnectionRow, newest first, at most `limit`. */
export async function readHistory(
  database: Database,
  asked: HistoryQuery,
  limit: number,
): Promise<Rows> {
  const query = await knowingListener(database, asked);
  if (query === null) return [];
  const exact = [everything, ...lists].find((list) => isExact(list, query));
  if (exact === undefined) return await readAnyWay(database, query, limit);
  let way = begin(listWalk(exact, query), limit);
  while (!isDone(way, limit)) way = await goOn(database, way, query, limit);
  return way.rows;
}

function isExact(list: List, query: HistoryQuery): boolean {
  const isTelling = list === everything || list.keys.some((key) => query.filters[key] !== null);
  return isTelling && isUsable(list, query) && restOf(list, query).length === 0;
}

/** A listener keeps its protocol and port for life. Null when they are not those asked for. */
async function knowingListener(
  database: Database,
  query: HistoryQuery,
): Promise<HistoryQuery | null> {
  const { listenerId, protocol, lport, raddr, network } = query.filters;
  const isAlone = protocol === null && lport === null && raddr === null && network === null;
  if (listenerId === null || isAlone) return query;
  const text = 'SELECT protocol, lport FROM listeners WHERE id = $1::uuid';
  const [row] = await database.query({ name: 'listener kind', text, values: [listenerId] });
  const known = row as readonly [protocol: string, lport: number | null] | undefined;
  if (known === undefined || known[1] === null) return query;
  if (protocol !== null && protocol !== known[0]) return null;
  if (lport !== null && lport !== known[1]) return null;
  const filters = { ...query.filters, protocol: null, lport: known[1] };
  return { ...query, filters, implied: ['lport'] };
}

/** How far a way has got, with what it found on the way. */
interface Way {
  readonly walk: Walk;
  readonly rows: Rows;
  /** Undefined before the first step; null at the end. */
  readonly reached: string | null | undefined;
  /** Of the next step. */
  readonly size: number;
}

function begin(walk: Walk, size: number): Way {
  return { walk, rows: [], reached: undefined, size };
}

function isDone({ rows, reached }: Way, limit: number): boolean {
  return reached === null || rows.length >= limit;
}

async function goOn(
  database: Database,
  { walk, rows, reached, size }: Way,
  query: HistoryQuery,
  limit: number,
): Promise<Way> {
  const range = { ...query.range, below: reached ?? query.range.below };
  const ask = { query: { ...query, range }, limit: limit - rows.length, size };
  const step = await walk.step(database, ask);
  // As many as should do, if it goes on like this.
  const missing = limit - rows.length - step.rows.length;
  const wanted = Math.ceil((1.5 * size * missing) / step.rows.length);
  return {
    walk,
    rows: [...rows, ...step.rows],
    reached: step.reached,
    size: Math.min(wanted, size * growth, walk.sizeMax),
  };
}

async function readAnyWay(database: Database, query: HistoryQuery, limit: number): Promise<Rows> {
  const ways: Way[] = [];
  for (const walk of walksOf(query)) {
    let way = begin(walk, walk.firstSize);
    // On, while one more step should do.
    do way = await goOn(database, way, query, limit);
    while (!isDone(way, limit) && way.rows.length * growth >= limit - way.rows.length);
    if (isDone(way, limit)) return way.rows;
    ways.push(way);
    if (ways.length === 1 && query.filters.network !== null && query.filters.lport !== null) {
      const gathered = await gather(database, { query, limit });
      if (gathered !== null) return gathered;
    }
  }
  let furthest = ways.reduce((a, b) => ((b.reached ?? '') < (a.reached ?? '') ? b : a));
  while (!isDone(furthest, limit)) furthest = await goOn(database, furthest, query, limit);
  return furthest.rows;
}

/** All ways that the query offers, the likely ones first. */
function walksOf(query: HistoryQuery): readonly Walk[] {
  const { network, listenerId } = query.filters;
  const isGiven = (name: Filter) => query.filters[name] !== null;
  const telling = lists.filter(
    (list) =>
      isUsable(list, query) &&
      list.keys.some(isGiven) &&
      // A listener's own list holds no more than its port's.
      (listenerId === null || list.keys[0] !== 'lport' || isGiven('raddr')),
  );
  const walks = (telling.length > 0 ? telling : [everything]).map((list) => listWalk(list, query));
  return network === null ? walks : [...walks, networkWalk()];
}
