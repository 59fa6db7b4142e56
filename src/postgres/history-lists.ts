/**
 * Lists of closed connections: indexes that end in the id, read newest first. A step looks at a bounded number of a
 * list's entries, keeps those that match all else that is asked for, and tells how far down it has seen them all.
 * It needs few rows of the table but those that it answers with: most of what it checks is in the index, too.
 */
import type { Reads, Rows, Statement } from './database.ts';
import {
  conditionsOf,
  type Filter,
  filters,
  type HistoryQuery,
  idConditionsOf,
  isAsked,
  Parameters,
  projectCondition,
  timeConditionsOf,
  whereSql,
} from './history-query.ts';
import { closedColumns } from './rows.ts';

export interface List {
  /** The columns of its index before the id. */
  readonly keys: readonly Filter[];
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
  return best.length > 0 ? best : [everything];
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

interface Ask {
  readonly query: HistoryQuery;
  /** Matches wanted. */
  readonly limit: number;
}

/** Looks at `size` entries of the list. */
export async function readList(
  database: Reads,
  list: List,
  { query, limit, size }: Ask & { readonly size: number },
): Promise<Step> {
  const parameters = new Parameters();
  const ids = list.keys.includes('listenerIds') ? (query.filters.listenerIds ?? []) : [];
  const entries = entriesSql(list, query, parameters);
  const isMatch = whereSql(conditionsOf(query, restOf(list, query), parameters));
  const most = parameters.add(limit, 'bigint');
  // Several listeners have as many lists: what was seen of one of them only does not count.
  const share = Math.ceil(ids.length > 1 ? Math.max(limit, size / ids.length) : size);
  const [count, before] = [parameters.add(share, 'bigint'), parameters.add(share - 1, 'bigint')];
  const isSeen = `NOT EXISTS (SELECT FROM edge) OR c.id >= (SELECT id FROM edge)`;
  const lists =
    ids.length === 0 ? '' : `unnest(${parameters.add(ids, 'uuid[]')}) l(id) CROSS JOIN LATERAL`;
  const sql = `WITH edge AS MATERIALIZED (
    SELECT c.id FROM ${lists} (${entries} OFFSET ${before} LIMIT 1) c ORDER BY c.id DESC LIMIT 1
  ), found AS MATERIALIZED (
    SELECT c.id FROM ${lists} (
      SELECT c.id FROM (${entries} LIMIT ${count}) c ${isMatch} ORDER BY c.id DESC LIMIT ${most}
    ) c ${ids.length > 1 ? `WHERE ${isSeen}` : ''} ORDER BY c.id DESC LIMIT ${most}
  ), reached AS (
    SELECT CASE WHEN (SELECT count(*) FROM found) < ${most} THEN (SELECT id FROM edge)
      ELSE (SELECT id FROM found ORDER BY id LIMIT 1) END
  )`;
  const rows = await database.query(withRows(sql, query, parameters));
  const [reached] = rows[0] as FoundRow;
  return { rows: connectionsOf(rows), reached };
}

/** In the index alone: the id, and what is to be checked. */
function entriesSql(list: List, query: HistoryQuery, parameters: Parameters): string {
  const keys = list.keys.filter((key) => key !== 'listenerIds');
  const conditions = [
    // A listener is of one project; its lists have no more than its id, and which project it is shows at the row.
    list.keys.includes('listenerIds')
      ? 'c.listener_id = l.id'
      : projectCondition(query, parameters),
    ...conditionsOf(query, keys, parameters),
    ...(list.part === undefined ? [] : [list.part.sql]),
    ...idConditionsOf(query.range, parameters),
  ];
  return `SELECT ${entryColumns(list, query)} FROM closed_connections c ${whereSql(conditions)} ORDER BY c.id DESC`;
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

function entryColumns(list: List, query: HistoryQuery): string {
  return ['c.id', ...new Set(restOf(list, query).map((name) => columns[name]))].join(', ');
}

const gatheredMax = 16_000;

/** The connections of a network out of the list of all addresses, sorted; null where they are too many for that. */
export async function gatherNetwork(database: Reads, { query, limit }: Ask): Promise<Step | null> {
  const parameters = new Parameters();
  const list: List = { keys: ['network'] };
  const entries = whereSql([
    projectCondition(query, parameters),
    ...conditionsOf(query, list.keys, parameters),
    ...idConditionsOf(query.range, parameters),
  ]);
  // One by one, and not gathered first to be counted: that took twice the time.
  const inOrder = `SELECT ${entryColumns(list, query)} FROM closed_connections c ${entries} ORDER BY c.raddr`;
  const matches = whereSql([
    'NOT (SELECT are_too_many FROM reached)',
    ...conditionsOf(query, restOf(list, query), parameters),
  ]);
  const most = parameters.add(limit, 'bigint');
  const sql = `WITH reached AS MATERIALIZED (
    SELECT EXISTS (${inOrder} OFFSET ${gatheredMax} LIMIT 1) AS are_too_many
  ), found AS MATERIALIZED (
    SELECT c.id FROM (${inOrder} LIMIT ${gatheredMax}) c ${matches} ORDER BY c.id DESC LIMIT ${most}
  )`;
  const rows = await database.query(withRows(sql, query, parameters));
  const found = rows as readonly FoundRow<boolean>[];
  if (found[0]?.[0] === true) return null;
  const last = found.length < limit ? null : (found.at(-1)?.[1] ?? null);
  return { rows: connectionsOf(rows), reached: last };
}

/** With an id that was found, its connection: nulls where the time is not one asked for, which no index has. */
type FoundRow<Told = string | null> = readonly [
  told: Told,
  id: string | null,
  ...connection: readonly unknown[],
];

/** The statement that ends in `found` and `reached`, with the rows of what was found. */
function withRows(sql: string, query: HistoryQuery, parameters: Parameters): Statement {
  const conditions = [
    projectCondition(query, parameters),
    'c.id = found.id',
    ...timeConditionsOf(query, parameters),
  ];
  return parameters.statement(`${sql} SELECT r.*, found.id, f.* FROM reached r LEFT JOIN found ON true
  LEFT JOIN LATERAL (SELECT ${closedColumns} FROM closed_connections c ${whereSql(conditions)} OFFSET 0) f ON true
  ORDER BY found.id DESC`);
}

function connectionsOf(rows: Rows): Rows {
  return rows.map((row) => row.slice(2)).filter(([id]) => id !== null);
}
