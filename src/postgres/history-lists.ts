/**
 * Lists of closed connections: indexes that end in the id, read newest first. A step looks at a bounded number of a
 * list's entries, keeps those that match all else that is asked for, and tells how far down it has seen them all.
 */
import type { Database, Rows, Statement } from './database.ts';
import {
  conditionsOf,
  type Filter,
  filters,
  type HistoryQuery,
  idConditionsOf,
  isAsked,
  Parameters,
  timeConditionsOf,
  whereSql,
} from './history-query.ts';
import { closedColumns } from './rows.ts';

export interface List {
  /** The columns of its index before the id. */
  readonly keys: readonly Filter[];
  /** Its index is in another order before the id: all that matches is sorted, if it is little enough. */
  readonly isGathered?: true;
  /** What its index is limited to, and when a query is. */
  readonly part?: { readonly sql: string; readonly holds: (query: HistoryQuery) => boolean };
}

const rareReason: List['part'] = {
  sql: `c.close_reason <> 'peer_fin'`,
  holds: ({ filters: { closeReason } }) => closeReason !== 'peer_fin',
};
const rareProtocol: List['part'] = {
  sql: `c.protocol <> 'tcp'`,
  holds: ({ filters: { protocol } }) => protocol !== 'tcp',
};

/** The primary key lists them all. */
const everything: List = { keys: [] };
/** The more telling come first. */
const tellingLists: readonly List[] = [
  { keys: ['raddr', 'closeReason'], part: rareReason },
  { keys: ['listenerIds', 'closeReason'], part: rareReason },
  { keys: ['raddr'] },
  { keys: ['listenerIds'] },
  { keys: ['closeReason'], part: rareReason },
  { keys: ['protocol'], part: rareProtocol },
  { keys: ['net'] },
];
const gathered: List = { keys: ['network'], isGathered: true };

/** Those that hold all matches, without those that are part of another of them. */
export function listsOf(query: HistoryQuery): readonly List[] {
  const usable = tellingLists.filter(
    ({ keys, part }) => keys.every((key) => isAsked(query, key)) && (part?.holds(query) ?? true),
  );
  const best = usable.filter(
    (list) =>
      !usable.some(
        (other) =>
          other.keys.length > list.keys.length &&
          list.keys.every((key) => other.keys.includes(key)),
      ),
  );
  const lists = best.length > 0 ? best : [everything];
  return isAsked(query, 'network') ? [...lists, gathered] : lists;
}

/** Whether each of its entries is a match, times aside. */
export function isExact(list: List, query: HistoryQuery): boolean {
  return restOf(list, query).length === 0;
}

/** Filters that the list leaves to be checked. */
function restOf({ keys }: List, query: HistoryQuery): readonly Filter[] {
  // A network is within its net.
  return filters.filter((name) => isAsked(query, name) && !keys.includes(name));
}

export interface Step {
  /** Those of ConnectionRow that match, newest first. */
  readonly rows: Rows;
  /** No other match is at or above this id; null: there is no more at all. */
  readonly reached: string | null;
}

export interface Ask {
  readonly query: HistoryQuery;
  /** Matches wanted. */
  readonly limit: number;
}

const gatheredMax = 20_000;

/** Looks at `size` entries of the list; null where they are too many to be sorted. */
export async function readList(
  database: Database,
  list: List,
  { query, limit, size }: Ask & { readonly size: number },
): Promise<Step | null> {
  const parameters = new Parameters();
  const seen = entriesSql(list, query, parameters, { limit, size });
  const checks = conditionsOf(query, restOf(list, query), parameters);
  const rows = await database.query(
    foundStatement(list, seen, checks, { query, limit }, parameters),
  );
  const [edge] = rows[0] as FoundRow;
  return list.isGathered && edge !== null ? null : stepOf(rows, limit);
}

/** In the index alone: the id, and what is to be checked. The last entry of a full list is marked. */
function entriesSql(
  list: List,
  query: HistoryQuery,
  parameters: Parameters,
  { limit, size }: { readonly limit: number; readonly size: number },
): string {
  const { listenerIds } = query.filters;
  // Several listeners have as many lists.
  const ids = list.keys.includes('listenerIds') ? listenerIds : null;
  const share = ids === null || ids.length === 1 ? size : Math.max(limit, size / ids.length);
  const count = parameters.add(list.isGathered ? gatheredMax + 1 : Math.ceil(share), 'bigint');
  const keys = list.keys.filter((key) => key !== 'listenerIds');
  const conditions = [
    ...(ids === null ? [] : ['c.listener_id = l.id']),
    ...conditionsOf(query, keys, parameters),
    ...(list.part === undefined ? [] : [list.part.sql]),
    ...idConditionsOf(query.range, parameters),
  ];
  const order = list.isGathered ? 'c.raddr' : 'c.id DESC';
  const columns = ['c.id', ...checkedColumns(list, query)].join(', ');
  const entries = `SELECT ${columns}, row_number() OVER (ORDER BY ${order}) = ${count} AS is_last
    FROM closed_connections c ${whereSql(conditions)} ORDER BY ${order} LIMIT ${count}`;
  if (ids === null) return entries;
  return `SELECT c.* FROM unnest(${parameters.add(ids, 'uuid[]')}) l(id) CROSS JOIN LATERAL (${entries}) c`;
}

const columns: Readonly<Record<Filter, string>> = {
  listenerIds: 'c.listener_id',
  lport: 'c.lport',
  raddr: 'c.raddr',
  network: 'c.raddr',
  net: 'c.net',
  protocol: 'c.protocol',
  closeReason: 'c.close_reason',
};

function checkedColumns(list: List, query: HistoryQuery): readonly string[] {
  return [...new Set(restOf(list, query).map((name) => columns[name]))];
}

/**
 * Rows: the edge above which all was seen, null where the list ends before; an id that was found, and its
 * ConnectionRow, nulls if it does not lie in the time asked for, which no index knows exactly.
 */
function foundStatement(
  list: List,
  seen: string,
  checks: readonly string[],
  { query, limit }: Ask,
  parameters: Parameters,
): Statement {
  const isWhole = 'NOT EXISTS (SELECT FROM edge)';
  const isSeen = list.isGathered ? isWhole : `(${isWhole} OR c.id >= (SELECT id FROM edge))`;
  const times = timeConditionsOf(query, parameters);
  return parameters.statement(`WITH seen AS MATERIALIZED (
    ${seen}
  ), edge AS MATERIALIZED (
    SELECT c.id FROM seen c WHERE c.is_last ORDER BY c.id DESC LIMIT 1
  ), found AS MATERIALIZED (
    SELECT c.id FROM seen c ${whereSql([isSeen, ...checks])}
    ORDER BY c.id DESC LIMIT ${parameters.add(limit, 'bigint')}
  ) SELECT e.id, found.id, f.* FROM (SELECT (SELECT id FROM edge)) e(id) LEFT JOIN found ON true
  LEFT JOIN LATERAL (
    SELECT ${closedColumns} FROM closed_connections c ${whereSql(['c.id = found.id', ...times])} OFFSET 0
  ) f ON true ORDER BY found.id DESC`);
}

type FoundRow = readonly [
  edge: string | null,
  id: string | null,
  ...connection: readonly unknown[],
];

function stepOf(rows: Rows, limit: number): Step {
  const found = (rows as readonly FoundRow[]).filter(([, id]) => id !== null);
  const [edge] = rows[0] as FoundRow;
  const last = found.at(-1)?.[1] ?? null;
  return {
    rows: found.map((row) => row.slice(2)).filter(([id]) => id !== null),
    reached: found.length < limit ? edge : last,
  };
}
