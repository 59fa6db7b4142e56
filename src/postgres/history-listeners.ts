/**
 * Which listeners a list of connections is about. A listener keeps its protocol and port for life, so that these
 * filters need no index of connections: they are the listener's.
 */
import type { Reads } from './database.ts';
import {
  acceptTimes,
  type HistoryQuery,
  idAbove,
  idBelow,
  Parameters,
  projectCondition,
  whereSql,
} from './history-query.ts';

/** A part of the time that a query asks for. */
export interface Era {
  /** With listeners in the place of their port and protocol; null: there are none. */
  readonly query: HistoryQuery | null;
  /** What lies before. */
  readonly earlier: HistoryQuery | null;
}

/** A port may have had thousands of listeners, one after the other: so many at a time. */
const closedMax = 256;

type ListenerRow = readonly [id: string, closedAt: number | null];

export async function latestEra(database: Reads, query: HistoryQuery): Promise<Era> {
  const { filters, range } = query;
  const { listenerIds, lport, protocol } = filters;
  if (lport === null && (listenerIds === null || protocol === null)) {
    return { query, earlier: null };
  }
  const rows = (await database.query(listenersStatement(query))) as readonly ListenerRow[];
  const closed = rows.filter(([, closedAt]) => closedAt !== null);
  const nextClosedAt = closed[closedMax]?.[1] ?? null;
  const edge = nextClosedAt === null ? null : idAbove(nextClosedAt);
  const here = rows.filter(([, closedAt]) => closedAt === null || closedAt !== nextClosedAt);
  const ids = here.map(([id]) => id);
  const known = { ...filters, listenerIds: ids, lport: null, protocol: null };
  return {
    query:
      ids.length === 0
        ? null
        : { ...query, filters: known, range: { ...range, from: edge ?? range.from } },
    earlier: edge === null ? null : { ...query, range: { ...range, below: edge } },
  };
}

/** All that were there at the end of the time asked for; of those closed before, one more than is taken. */
function listenersStatement(query: HistoryQuery) {
  const { filters, times, range } = query;
  const { acceptedAfter } = times;
  const { below } = range;
  const parameters = new Parameters();
  const [earliest, latest] =
    below === null ? [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER] : acceptTimes(below);
  const end = parameters.add(earliest, 'bigint');
  const asked = [projectCondition(query, parameters), ...listenerConditions(filters, parameters)];
  // Only of those that may be many it counts when they were made: that clock may have been ahead.
  const wasThere = `(c.closed_at IS NULL OR (c.closed_at >= ${end}
    AND (c.created_at <= ${parameters.add(latest, 'bigint')} OR c.created_at > c.closed_at)))`;
  const closed = [
    `c.closed_at < ${end}`,
    ...(acceptedAfter === null
      ? []
      : [`c.closed_at >= ${parameters.add(acceptTimes(idBelow(acceptedAfter))[0], 'bigint')}`]),
  ];
  return parameters.statement(`SELECT c.id, NULL::bigint FROM listeners c
    ${whereSql([...asked, wasThere])}
    UNION ALL (SELECT c.id, c.closed_at FROM listeners c ${whereSql([...asked, ...closed])}
    ORDER BY c.closed_at DESC LIMIT ${closedMax + 1})`);
}

function listenerConditions(
  { listenerIds, lport, protocol }: HistoryQuery['filters'],
  parameters: Parameters,
): readonly string[] {
  return [
    ...(listenerIds === null ? [] : [`c.id = ANY (${parameters.add(listenerIds, 'uuid[]')})`]),
    ...(lport === null ? [] : [`c.lport = ${parameters.add(lport, 'integer')}`]),
    ...(protocol === null ? [] : [`c.protocol = ${parameters.add(protocol, 'protocol')}`]),
  ];
}
