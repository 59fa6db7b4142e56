/** How a statement that found ids in lists of the history ends: with the rows of the connections. */
import type { Rows, Statement } from './database.ts';
import {
  type HistoryQuery,
  type Parameters,
  projectCondition,
  timeConditionsOf,
} from './history-query.ts';
import { closedColumns } from './rows.ts';

/** With an id that was found, its connection: nulls where the time is not one asked for, which no index has. */
export type FoundRow<Told = string | null> = readonly [
  told: Told,
  id: string | null,
  ...connection: readonly unknown[],
];

/**
 * The statement that ends in `found` and `reached`, with the rows of what was found: each the first from its id on, and in
 * order, so that only the primary key fits. Connections beside it have been found by no id.
 */
export function withRows(
  sql: string,
  query: HistoryQuery,
  parameters: Parameters,
  beside: string | null = null,
): Statement {
  const isFound = ['f.id = found.id', ...timeConditionsOf(query, parameters, 'f')].join(' AND ');
  const besideSql =
    beside === null
      ? ''
      : ` UNION ALL SELECT r.*, NULL, b.* FROM reached r CROSS JOIN (${beside}) b`;
  return parameters.kept(`${sql} SELECT r.*, found.id, f.* FROM reached r LEFT JOIN found ON true LEFT JOIN LATERAL (
    SELECT ${closedColumns} FROM closed_connections c WHERE ${projectCondition(query, parameters)} AND c.id >= found.id
    ORDER BY c.id LIMIT 1
  ) f ON ${isFound}${besideSql} ORDER BY 2 DESC`);
}

/** Of what was found, newest first. */
export function idsOf(rows: Rows): readonly string[] {
  return (rows as readonly FoundRow<unknown>[]).flatMap(([, id]) => id ?? []);
}

export function connectionsOf(rows: Rows): Rows {
  return rows.map((row) => row.slice(2)).filter(([id]) => id !== null);
}
