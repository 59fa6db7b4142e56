/**
 * The page that is asked for most: all connections of a project, whatever their state or those of one, newest first. One
 * order serves it, that of the primary keys, so its plan is made once a connection, and both tables are read at once.
 */
import type { ConnectionState } from '../core/connection.ts';
import type { Statement } from './database.ts';
import {
  filters,
  type HistoryQuery,
  idConditionsOf,
  isAsked,
  Parameters,
  projectCondition,
  timeConditionsOf,
  whereSql,
} from './history-query.ts';
import { closedColumns, openColumns } from './rows.ts';

/** No less than a page has. A kept plan is made for so many: a limit that it is not told it takes for a tenth of all. */
const plannedRows = 1024;

/** Whether nothing but a project, a state and a time is asked for. */
export function isAll(query: HistoryQuery): boolean {
  return !filters.some((name) => isAsked(query, name));
}

/** Rows of ConnectionRow. */
export function allStatement(
  query: HistoryQuery,
  state: ConnectionState | null,
  limit: number,
): Statement {
  const parameters = new Parameters();
  const rows = Math.max(limit, plannedRows);
  const conditions = [
    projectCondition(query, parameters),
    ...idConditionsOf(query.range, parameters),
    ...timeConditionsOf(query, parameters),
  ];
  const newest = (columns: string, table: string, more: readonly string[] = []) =>
    `(SELECT ${columns} FROM ${table} c ${whereSql([...conditions, ...more])} ORDER BY c.id DESC LIMIT ${rows})`;
  const halfClosed =
    state === null ? [] : [`c.half_closed_at IS ${state === 'open' ? '' : 'NOT '}NULL`];
  const sources = [
    ...(state === 'closed' ? [] : [newest(openColumns, 'open_connections', halfClosed)]),
    ...(state === null || state === 'closed' ? [newest(closedColumns, 'closed_connections')] : []),
  ];
  const text = `SELECT * FROM (${sources.join(' UNION ALL ')}) c
    ORDER BY c.id DESC LIMIT ${parameters.add(limit, 'bigint')}`;
  return {
    ...parameters.statement(text),
    name: `connections ${state ?? 'all'} ${rows} ${shapeOf(query)}`,
  };
}

/** The same text for the same bounds. */
function shapeOf({ range, times }: HistoryQuery): string {
  const bounds = [range.below, range.from, times.acceptedAfter, times.acceptedBefore];
  return bounds.map((bound) => (bound === null ? '-' : 'x')).join('');
}
