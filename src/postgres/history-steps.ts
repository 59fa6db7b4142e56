/**
 * Lists of closed connections, read step by step: each looks at a bounded number of a list's entries, keeps those that
 * match all else that is asked for, and tells how far down it has seen them all. It needs few rows of the table but those
 * that it answers with: most of what it checks is in the index, too.
 */
import type { Reads, Rows } from './database.ts';
import { connectionsOf, type FoundRow, idsOf, withRows } from './found-rows.ts';
import { addressesList, type List, type NetworkFilter, restOf } from './history-lists.ts';
import {
  conditionsOf,
  type Filter,
  type Filters,
  filterColumns,
  type HistoryQuery,
  idBounds,
  idConditionsOf,
  Parameters,
  projectCondition,
  type types,
  valueSql,
  whereSql,
} from './history-query.ts';
import type { OpenBeside } from './open-beside.ts';

/** Filters for one of several values: there is a list of each. */
type SeveralKey = Exclude<Filter, keyof typeof types>;

interface Several {
  readonly count: (filters: Filters) => number;
  /** Gives the column `value`. */
  readonly sql: (filters: Filters, parameters: Parameters) => string;
}

const severals: Readonly<Record<SeveralKey, Several>> = {
  listenerIds: {
    count: ({ listenerIds }) => listenerIds?.length ?? 0,
    sql: ({ listenerIds }, parameters) =>
      `unnest(${parameters.add(listenerIds, 'uuid[]')}) l(value)`,
  },
  network: addressesOf('network'),
  declaredNetwork: addressesOf('declaredNetwork'),
};

function addressesOf(name: NetworkFilter): Several {
  return {
    count: (filters) => filters[name]?.addresses ?? 0,
    sql: (filters, parameters) =>
      `(SELECT host(network(${parameters.add(filters[name]?.cidr, 'inet')}))::inet + n AS value
        FROM generate_series(0, ${parameters.add(filters[name]?.addresses, 'bigint')} - 1) n) l`,
  };
}

const isSeveral = (key: Filter): key is SeveralKey => key in severals;

function severalOf({ keys }: List): Several | undefined {
  return keys.filter(isSeveral).map((key) => severals[key])[0];
}

/** What stands before the entries of a list that is several, each of which has them for an `l.value`. */
function eachSql(list: List, { filters }: HistoryQuery, parameters: Parameters): string {
  const several = severalOf(list);
  return several === undefined ? '' : `${several.sql(filters, parameters)} CROSS JOIN LATERAL`;
}

export interface Step {
  /** Those of ConnectionRow that match, newest first. */
  readonly rows: Rows;
  /** No other match is at or above this id; null: there is no more at all. */
  readonly reached: string | null;
  /** Whether as many were found as were wanted, of which those are left out that lie beside the times asked for. */
  readonly isFull: boolean;
}

interface Ask {
  readonly query: HistoryQuery;
  /** Matches wanted. */
  readonly limit: number;
  /** Entries to be looked at, at most. */
  readonly size: number;
}

interface ListAsk extends Ask {
  readonly open: OpenBeside | null;
}

/** Of each of several lists at least so many entries are looked at: those of a page. */
const eachMin = 64;

/** Looks at `size` entries of the list. */
export async function readList(
  database: Reads,
  list: List,
  { query, limit, size, open }: ListAsk,
): Promise<Step> {
  const parameters = new Parameters();
  const several = severalOf(list);
  const lists = several?.count(query.filters) ?? 1;
  const { entries, order } = entriesSql(list, query, parameters);
  const conditions = conditionsOf(query, restOf(list, query), parameters);
  const most = parameters.add(limit, 'bigint');
  const hasEdge = conditions.length > 0;
  // What was seen of one of several lists only does not count.
  const least = hasEdge ? Math.min(limit, eachMin) : limit;
  const share = lists > 1 ? Math.max(least, Math.ceil(size / lists)) : size;
  const count = parameters.add(share, 'bigint');
  const each = eachSql(list, query, parameters);
  const ask = { entries, order, conditions, each, count, most };
  const found = hasEdge && lists > 1 ? foundTogether(ask) : foundApart(ask, several !== undefined);
  const sql = `WITH ${found}, reached AS (
    SELECT CASE WHEN (SELECT count(*) FROM found) = ${most} THEN (SELECT id FROM found ORDER BY id LIMIT 1)
      ELSE ${hasEdge ? '(SELECT id FROM edge)' : 'NULL'} END
  )`;
  const beside = open?.sql(parameters) ?? null;
  const rows = await database.query(withRows(sql, query, parameters, beside));
  const [reached] = rows[0] as FoundRow;
  if (beside !== null) open?.come(connectionsOf(rows.filter(([, id]) => id === null)));
  const matches = rows.filter(([, id]) => id !== null);
  return { rows: connectionsOf(matches), reached, isFull: matches.length === limit };
}

interface FoundAsk {
  /** Newest first. */
  readonly entries: string;
  readonly order: string;
  /** That an entry of the list is a match; none where each is. */
  readonly conditions: readonly string[];
  readonly each: string;
  readonly count: string;
  readonly most: string;
}

/**
 * `found`, and where entries are to be checked the `edge`: the last entry looked at. With fewer matches than are wanted a
 * list that holds nothing else has been seen to its end.
 */
function foundApart(
  { entries, order, conditions, each, count, most }: FoundAsk,
  isSeveral: boolean,
): string {
  const edge = `edge AS MATERIALIZED (
    SELECT c.id FROM ${each} (${entries} OFFSET ${count} - 1 LIMIT 1) c ORDER BY c.id DESC LIMIT 1
  ), `;
  const matches = `SELECT c.id FROM (${entries} LIMIT ${count}) c ${whereSql(conditions)} ORDER BY ${order} LIMIT ${most}`;
  const newest = `SELECT c.id FROM ${each} (${matches}) c ORDER BY c.id DESC LIMIT ${most}`;
  return `${conditions.length > 0 ? edge : ''}found AS MATERIALIZED (${isSeveral ? newest : matches})`;
}

/**
 * The same of several lists, each of which is read once: to begin with a list costs as much as ten of its entries. The edge
 * is the first of theirs, since what lies below was not seen in all of them.
 */
function foundTogether({ entries, order, conditions, each, count, most }: FoundAsk): string {
  const isSeen = '(NOT EXISTS (SELECT FROM edge) OR c.id >= (SELECT id FROM edge))';
  return `seen AS MATERIALIZED (
    SELECT c.* FROM ${each} (
      SELECT c.*, row_number() OVER (ORDER BY ${order}) AS place FROM (${entries} LIMIT ${count}) c
    ) c
  ), edge AS MATERIALIZED (
    SELECT c.id FROM seen c WHERE c.place = ${count} ORDER BY c.id DESC LIMIT 1
  ), found AS MATERIALIZED (
    SELECT c.id FROM seen c ${whereSql([...conditions, isSeen])} ORDER BY c.id DESC LIMIT ${most}
  )`;
}

/** The id of a list's first entry; null where it has none. */
export async function newestOf(database: Reads, list: List, query: HistoryQuery) {
  const parameters = new Parameters();
  const { entries } = entriesSql(list, query, parameters);
  const each = eachSql(list, query, parameters);
  const sql = `SELECT c.id FROM ${each} (${entries} LIMIT 1) c ORDER BY c.id DESC LIMIT 1`;
  const [row] = await database.query(parameters.kept(sql));
  return (row?.[0] ?? null) as string | null;
}

/**
 * In the index alone: its keys, and what is to be checked. The keys are compared and in order together, so that no other
 * index fits, whatever is known of the table: a plan may be made while it is empty, and kept while it grows.
 */
function entriesSql(list: List, query: HistoryQuery, parameters: Parameters) {
  const values = list.keys.map((name) =>
    isSeveral(name) ? 'l.value' : valueSql(query, name, parameters),
  );
  const columns = [...list.keys.map((name) => filterColumns[name]), 'c.id'];
  const keys = `(${columns.join(', ')})`;
  const { from, below } = idBounds(query.range, parameters);
  const conditions = [
    // A listener is of one project; its lists have no more than its id, and which project it is shows at the row.
    ...(list.keys.includes('listenerIds') ? [] : [projectCondition(query, parameters)]),
    `${keys} < (${[...values, below].join(', ')})`,
    `${keys} >= (${[...values, from].join(', ')})`,
    ...(list.part === undefined ? [] : [list.part.sql]),
  ];
  const order = columns.map((column) => `${column} DESC`).join(', ');
  const told = new Set([...columns, ...checkedColumns(list, query)]);
  const entries = `SELECT ${[...told].join(', ')} FROM closed_connections c ${whereSql(conditions)} ORDER BY ${order}`;
  return { entries, order };
}

function checkedColumns(list: List, query: HistoryQuery): readonly string[] {
  return restOf(list, query).map((name) => filterColumns[name]);
}

/**
 * The connections of a network out of the list of addresses; null where there are more than `size` of them, in all or to
 * be looked at.
 */
export async function gatherNetwork(
  database: Reads,
  network: NetworkFilter,
  ask: Ask,
): Promise<Step | null> {
  const { filters: of } = ask.query;
  if (of[network]?.addresses === null) return await sortNetwork(database, network, ask);
  const list = addressesList(ask.query, network);
  const step = await readList(database, list, { ...ask, open: null });
  // One address may have more than its share.
  return step.reached === null || step.isFull ? step : await sortNetwork(database, network, ask);
}

/** Read whole, and sorted. */
async function sortNetwork(
  database: Reads,
  network: NetworkFilter,
  { query, limit, size }: Ask,
): Promise<Step | null> {
  const parameters = new Parameters();
  const list: List = { keys: [network] };
  const own = [projectCondition(query, parameters), ...conditionsOf(query, list.keys, parameters)];
  const inRange = whereSql([...own, ...idConditionsOf(query.range, parameters)]);
  const matches = whereSql([
    'NOT (SELECT are_too_many FROM reached)',
    ...conditionsOf(query, restOf(list, query), parameters),
  ]);
  const most = parameters.add(limit, 'bigint');
  const all = parameters.add(size, 'bigint');
  const told = ['c.id', ...new Set(checkedColumns(list, query))];
  // In the order of the list, so that it is that list which is read.
  const order = filterColumns[network];
  const sql = `WITH reached AS MATERIALIZED (
    SELECT EXISTS (SELECT FROM closed_connections c ${whereSql(own)}
      ORDER BY ${order} OFFSET ${all} LIMIT 1) AS are_too_many
  ), found AS MATERIALIZED (
    SELECT c.id FROM (
      SELECT ${told.join(', ')} FROM closed_connections c ${inRange} ORDER BY ${order} LIMIT ${all}
    ) c ${matches} ORDER BY c.id DESC LIMIT ${most}
  )`;
  const rows = await database.query(withRows(sql, query, parameters));
  const [[areTooMany]] = rows as readonly [FoundRow<boolean>];
  if (areTooMany) return null;
  const last = idsOf(rows)[limit - 1] ?? null;
  return { rows: connectionsOf(rows), reached: last, isFull: last !== null };
}
