/** Open connections under any filter, by themselves or beside closed ones. They are few enough to be looked at one by one. */
import type { ConnectionState } from '../core/connection.ts';
import type { Rows, Statement } from './database.ts';
import {
  conditionsOf,
  filters,
  type HistoryQuery,
  idConditionsOf,
  Parameters,
  projectCondition,
  timeConditionsOf,
  whereSql,
} from './history-query.ts';
import { openColumns } from './rows.ts';

interface OpenAsk {
  readonly query: HistoryQuery;
  readonly limit: number;
}

/** Rows of ConnectionRow, newest first. */
export function openStatement(ask: OpenAsk, state: ConnectionState): Statement {
  const parameters = new Parameters();
  return parameters.kept(openSql(ask, state, parameters));
}

function openSql(
  { query, limit }: OpenAsk,
  state: ConnectionState | null,
  parameters: Parameters,
): string {
  const conditions = [
    projectCondition(query, parameters),
    ...conditionsOf(query, filters, parameters),
    ...timeConditionsOf(query, parameters),
    ...idConditionsOf(query.range, parameters),
    ...(state === null ? [] : [`c.half_closed_at IS ${state === 'open' ? '' : 'NOT '}NULL`]),
  ];
  return `SELECT ${openColumns} FROM open_connections c ${whereSql(conditions)}
    ORDER BY c.id DESC LIMIT ${parameters.add(limit, 'bigint')}`;
}

/**
 * The open ones of a page, which come with the first statement that reads closed ones: a connection that closes meanwhile
 * is then found twice at most, and never missed.
 */
export class OpenBeside {
  readonly #ask: OpenAsk;
  #rows: Rows | null = null;

  constructor(ask: OpenAsk) {
    this.#ask = ask;
  }

  /** Null where they have come. */
  sql(parameters: Parameters): string | null {
    return this.#rows === null ? openSql(this.#ask, null, parameters) : null;
  }

  come(rows: Rows): void {
    this.#rows = rows;
  }

  /** Rows of ConnectionRow, newest first. Where no statement read closed ones, there was no listener to have any. */
  get rows(): Rows {
    return this.#rows ?? [];
  }
}
