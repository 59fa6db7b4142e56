/** Open connections under any filter, by themselves or beside closed ones. */
import type { ConnectionState } from '../core/connection.ts';
import type { Rows, Statement } from './database.ts';
import {
  conditionsOf,
  filters,
  type HistoryQuery,
  idBounds,
  idConditionsOf,
  Parameters,
  projectCondition,
  timeConditionsOf,
  whereSql,
} from './history-query.ts';
import { openColumns } from './rows.ts';

/** Of so many the lists are read; of more, and under any other filter, all that is open is looked at one by one. */
const fewListeners = 16;

export interface OpenAsk {
  readonly query: HistoryQuery;
  readonly limit: number;
}

/** Rows of ConnectionRow, newest first. */
export function openStatement(ask: OpenAsk, state: ConnectionState | null): Statement {
  const parameters = new Parameters();
  return parameters.kept(openSql(ask, state, parameters));
}

function openSql(
  { query, limit }: OpenAsk,
  state: ConnectionState | null,
  parameters: Parameters,
): string {
  const isOfFew = (query.filters.listenerIds?.length ?? Number.POSITIVE_INFINITY) <= fewListeners;
  const named = filters.filter((name) => name !== 'listenerIds' || !isOfFew);
  const conditions = [
    projectCondition(query, parameters),
    ...conditionsOf(query, named, parameters),
    ...timeConditionsOf(query, parameters),
    ...(state === null ? [] : [`c.half_closed_at IS ${state === 'open' ? '' : 'NOT '}NULL`]),
  ];
  const most = parameters.add(limit, 'bigint');
  if (!isOfFew) {
    const all = whereSql([...conditions, ...idConditionsOf(query.range, parameters)]);
    return `SELECT ${openColumns} FROM open_connections c ${all} ORDER BY c.id DESC LIMIT ${most}`;
  }
  // The list of each, in its order, so that no other index fits.
  const { from, below } = idBounds(query.range, parameters);
  const listed = whereSql([
    ...conditions,
    `(c.listener_id, c.id) < (l.value, ${below})`,
    `(c.listener_id, c.id) >= (l.value, ${from})`,
  ]);
  return `SELECT ${openColumns} FROM unnest(${parameters.add(query.filters.listenerIds, 'uuid[]')}) l(value)
    CROSS JOIN LATERAL (
      SELECT * FROM open_connections c ${listed} ORDER BY c.listener_id DESC, c.id DESC LIMIT ${most}
    ) c ORDER BY c.id DESC LIMIT ${most}`;
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

  /** Rows of ConnectionRow, in no order; null where no statement has read closed ones. */
  get rows(): Rows | null {
    return this.#rows;
  }
}
