/**
 * The page that is asked for most: all connections of a project, whatever their state or those of one, newest first. One
 * order serves it, that of the primary keys, and both tables are read at once.
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
  const most = parameters.add(limit, 'bigint');
  const conditions = [
    projectCondition(query, parameters),
    ...idConditionsOf(query.range, parameters),
    ...timeConditionsOf(query, parameters),
  ];
  const newest = (columns: string, table: string, more: readonly string[] = []) =>
    `(SELECT ${columns} FROM ${table} c ${whereSql([...conditions, ...more])} ORDER BY c.id DESC LIMIT ${most})`;
  const halfClosed =
    state === null ? [] : [`c.half_closed_at IS ${state === 'open' ? '' : 'NOT '}NULL`];
  const sources = [
    ...(state === 'closed' ? [] : [newest(openColumns, 'open_connections', halfClosed)]),
    ...(state === null || state === 'closed' ? [newest(closedColumns, 'closed_connections')] : []),
  ];
  const text = `SELECT * FROM (${sources.join(' UNION ALL ')}) c ORDER BY c.id DESC LIMIT ${most}`;
  // With a name its plan is kept however many others are.
  return { ...parameters.kept(text), name: `connections ${state ?? 'all'}` };
}
