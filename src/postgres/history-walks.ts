/**
 * Ways down the history of closed connections, newest first. Each looks at a bounded piece at a time, and tells how
 * far down it has seen everything that matches.
 *
 *   list      the entries of an index that ends in the id, along it: of one key, or of several keys merged
 *   network   the entries of a network in each period, which are sorted by address there
 *   gather    all entries of a network at one port, if they are few
 */
import type { Database, Rows, Statement } from './database.ts';
import {
  conditionsOf,
  type Filter,
  filters,
  type HistoryQuery,
  idConditionsOf,
  Parameters,
  timeConditionsOf,
  whereSql,
} from './history-query.ts';
import { closedColumns, lowestIdOf, periodOf } from './rows.ts';

export interface Step {
  /** Those of ConnectionRow that match, newest first. */
  readonly rows: Rows;
  /** No other match is at or above this id, unless the page is full; null: there is no more at all. */
  readonly reached: string | null;
}

export interface Ask {
  readonly query: HistoryQuery;
  /** Rows wanted. */
  readonly limit: number;
  /** Entries of a list to look at, or periods with matches to read. */
  readonly size: number;
}

export interface Walk {
  /** Sizes of the first step and of the largest. */
  readonly firstSize: number;
  readonly sizeMax: number;
  step(database: Database, ask: Ask): Promise<Step>;
}

/** The parts of an index before the id. Those without a value in the query are taken one by one. */
export interface List {
  readonly keys: readonly Filter[];
}

const protocols = 'unnest(enum_range(NULL::protocol)) p(protocol)';
const reasons = 'unnest(enum_range(NULL::close_reason)) r(reason)';
const enumerated: Readonly<Partial<Record<Filter, readonly [from: string, condition: string]>>> = {
  protocol: [protocols, 'c.protocol = p.protocol'],
  closeReason: [reasons, 'c.close_reason = r.reason'],
};

/** The keys to take one by one. */
function mergedKeys({ keys }: List, query: HistoryQuery): readonly Filter[] {
  return keys.filter((key) => query.filters[key] === null);
}

/** Whether every key has a value, or few that it might have. */
export function isUsable(list: List, query: HistoryQuery): boolean {
  return mergedKeys(list, query).every((key) => enumerated[key] !== undefined);
}

/** Filters that the list leaves to be checked, row by row. */
export function restOf({ keys }: List, query: HistoryQuery): readonly Filter[] {
  return filters.filter(
    (name) => query.filters[name] !== null && !keys.includes(name) && !query.implied.includes(name),
  );
}

const checkedSize = 2000;
const mergedSize = 1000;
const sizeMax = 64_000;

export function listWalk(list: List, query: HistoryQuery): Walk {
  const isMerged = mergedKeys(list, query).length > 0;
  return {
    firstSize: isMerged ? mergedSize : checkedSize,
    sizeMax,
    step: async (database, ask) => {
      const rows = await database.query(listStatement(list, ask));
      const [edge] = rows[0] as readonly [string | null];
      return { rows: foundIn(rows), reached: edge };
    },
  };
}

/**
 * The id of the last entry that the step looks at, null where the list ends before; then a ConnectionRow, or nulls
 * in its place. The edge is found in the index alone. What the list leaves to be checked stands outside of the
 * search, lest the planner takes another index for it.
 */
function listStatement(list: List, { query, limit, size }: Ask): Statement {
  const parameters = new Parameters();
  const merged = mergedKeys(list, query);
  const keys = [
    ...conditionsOf(query, list.keys, parameters),
    ...merged.map((key) => enumerated[key]?.[1] ?? ''),
    ...idConditionsOf({ ...query.range, from: null }, parameters),
  ];
  const checks = [
    ...conditionsOf(query, restOf(list, query), parameters),
    ...timeConditionsOf(query, parameters),
  ];
  const lowest = `${parameters.add(query.range.from ?? lowestIdOf(0), 'uuid')}`;
  const each = (select: string, columns: string): string =>
    merged.length === 0
      ? select
      : `SELECT ${columns} FROM ${merged.map((key) => enumerated[key]?.[0]).join(', ')}
    CROSS JOIN LATERAL (${select}) c ORDER BY c.id DESC`;
  const entries = (columns: string, from: string): string => `SELECT ${columns}
    FROM closed_connections c ${whereSql([...keys, `c.id >= ${from}`])} ORDER BY c.id DESC`;
  const limited = `LIMIT ${parameters.add(limit, 'bigint')}`;
  const rows = entries(closedColumns, `coalesce((SELECT id FROM edge), ${lowest})`);
  const matches =
    checks.length === 0
      ? rows
      : `SELECT * FROM (${rows} LIMIT ${parameters.add(size, 'bigint')}) c
    ${whereSql(checks)} ORDER BY c.id DESC`;
  const seen = entries('c.id', lowest);
  const newest = merged.length === 0 ? seen : `${seen} LIMIT ${parameters.add(size, 'bigint')}`;
  return parameters.statement(`WITH edge AS MATERIALIZED (
    ${each(newest, 'c.id')} OFFSET ${parameters.add(size - 1, 'bigint')} LIMIT 1
  ) SELECT e.id, f.* FROM (SELECT (SELECT id FROM edge)) e(id) LEFT JOIN (
    ${each(`${matches} ${limited}`, 'c.*')} ${merged.length === 0 ? '' : limited}
  ) f ON true ORDER BY f.id DESC`);
}

const gatheredMax = 10_000;

/** The rows of `found`. */
const rowsSql = `SELECT c.* FROM found CROSS JOIN LATERAL (
  SELECT ${closedColumns} FROM closed_connections c WHERE c.id = found.id OFFSET 0) c ORDER BY id DESC`;

/** The connections of a network at a port, of which the query has both; null when there are too many of them. */
export async function gather(
  database: Database,
  { query, limit }: Omit<Ask, 'size'>,
): Promise<Rows | null> {
  const parameters = new Parameters();
  const keys: readonly Filter[] = ['lport', 'network'];
  const seen = `SELECT c.id FROM closed_connections c
    ${whereSql(conditionsOf(query, keys, parameters))}
    ORDER BY c.lport, c.raddr, c.id LIMIT ${gatheredMax + 1}`;
  const candidates = `SELECT c.id FROM seen c ${whereSql([
    `(SELECT count(*) FROM seen) <= ${gatheredMax}`,
    ...idConditionsOf(query.range, parameters),
  ])} ORDER BY c.id DESC`;
  const checks = [
    ...conditionsOf(query, restOf({ keys }, query), parameters),
    ...timeConditionsOf(query, parameters),
  ];
  // In their order, and no further than the page.
  const isMatch = `(SELECT true FROM closed_connections c ${whereSql(['c.id = m.id', ...checks])})`;
  const rows = await database.query(
    parameters.statement(`WITH seen AS MATERIALIZED (${seen}), found AS MATERIALIZED (
    SELECT m.id FROM (${candidates}) m ${checks.length === 0 ? '' : `WHERE ${isMatch}`}
    ORDER BY m.id DESC LIMIT ${parameters.add(limit, 'bigint')}
  ) SELECT s.*, f.* FROM (SELECT count(*) FROM seen) s LEFT JOIN (${rowsSql}) f ON true ORDER BY f.id DESC`),
  );
  const [seenCount] = rows[0] as readonly [number];
  return seenCount > gatheredMax ? null : foundIn(rows);
}

const periodsMax = 1024;
const periodKeys: readonly Filter[] = ['network', 'protocol', 'closeReason'];

/**
 * Down the periods, in each of which the entries are sorted by reason and address: a look-up for each reason tells
 * that the network is not there.
 */
export function networkWalk(): Walk {
  return {
    firstSize: 1,
    sizeMax: periodsMax,
    step: async (database, ask) => {
      const rows = await database.query(networkStatement(ask));
      const [lowest] = rows[0] as readonly [number | null];
      return { rows: foundIn(rows), reached: lowest === null ? null : lowestIdOf(lowest) };
    },
  };
}

/**
 * The lowest period that the step looks at, null if that is the last one; then a ConnectionRow, or nulls in its
 * place. The recursion ends with the period that is the last to be read.
 */
function networkStatement({ query, limit, size }: Ask): Statement {
  const parameters = new Parameters();
  const { closeReason } = query.filters;
  const { from, below } = query.range;
  const isAsked =
    closeReason === null ? [] : [`r.reason = ${parameters.add(closeReason, 'close_reason')}`];
  const entries = [
    ...['c.period = t.period', 'c.close_reason = k.reason'],
    ...conditionsOf(query, ['network', 'protocol'], parameters),
    ...idConditionsOf(query.range, parameters),
  ];
  const checks = [
    ...conditionsOf(query, restOf({ keys: periodKeys }, query), parameters),
    ...timeConditionsOf(query, parameters),
  ];
  const columns = checks.length === 0 ? 'c.id' : 'c.id, c.listener_id, c.lport, c.accepted_at';
  const inPeriod = (select: string, tail: string): string => `reasons k CROSS JOIN LATERAL (
      SELECT ${select} FROM closed_connections c ${whereSql(entries)} ${tail}) c`;
  const [top, bottom] = [below, from].map((id) =>
    parameters.add(id === null ? null : periodOf(id), 'integer'),
  );
  const end = (order: string): string =>
    `(SELECT period FROM closed_connections ORDER BY period ${order} LIMIT 1)`;
  return parameters.statement(`WITH RECURSIVE reasons AS MATERIALIZED (
    SELECT r.reason FROM ${reasons} ${whereSql([
      ...isAsked,
      `EXISTS (SELECT FROM ${protocols} CROSS JOIN LATERAL (SELECT FROM closed_connections c
        WHERE c.protocol = p.protocol AND c.close_reason = r.reason LIMIT 1) c)`,
    ])}
  ), ends AS MATERIALIZED (
    SELECT least(${top}, ${end('DESC')}) AS top, greatest(${bottom}, ${end('ASC')}) AS bottom
  ), looks AS (
    SELECT top + 1 AS period, false AS has_any, 0 AS reads FROM ends
    UNION ALL SELECT t.period, t.has_any, l.reads + t.has_any::integer
    FROM looks l, ends CROSS JOIN LATERAL (
      SELECT t.period, EXISTS (SELECT FROM ${inPeriod('', 'LIMIT 1')}) AS has_any
      FROM (SELECT l.period - 1) t(period) OFFSET 0
    ) t WHERE l.period > ends.bottom AND l.reads < ${parameters.add(size, 'integer')}
  ), found AS MATERIALIZED (
    SELECT c.id FROM (SELECT period FROM looks WHERE has_any) t, ${inPeriod(columns, 'OFFSET 0')}
    ${whereSql(checks)} ORDER BY c.id DESC LIMIT ${parameters.add(limit, 'bigint')}
  ) SELECT s.*, f.* FROM (
    SELECT CASE WHEN min(looks.period) > min(ends.bottom) THEN min(looks.period) END FROM looks, ends
  ) s LEFT JOIN (${rowsSql}) f ON true ORDER BY f.id DESC`);
}

/** Each row begins with how far the step got; a ConnectionRow follows, or nulls in its place. */
function foundIn(rows: Rows): Rows {
  return rows.filter((row) => row[1] !== null).map((row) => row.slice(1));
}
