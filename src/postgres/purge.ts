/**
 * Deletes the oldest of the log, a bounded piece at a time. The bound moves first, in a statement of its own that
 * holds the head for no longer than an append does; what lies below it is then read by nobody, and deleted at leisure.
 */
import type { LogBounds } from '../core/ports.ts';
import type { Micros } from '../core/time.ts';
import type { Database } from './database.ts';
import { readBounds, seqBefore } from './event-reader.ts';

export interface PurgeRequest {
  readonly before: Micros;
  readonly eventsMax: number;
  readonly limit: number;
}

const moveBoundSql = `UPDATE log_head SET oldest_seq = greatest(oldest_seq, $1::bigint + 1)
  RETURNING seq, oldest_seq`;

/** A closed listener goes with the last that tells of it. */
const deleteSql = `WITH gone_connections AS (
  DELETE FROM closed_connections WHERE closed_seq > $1::bigint AND closed_seq <= $2::bigint RETURNING listener_id
), gone_events AS (
  DELETE FROM events WHERE seq > $1::bigint AND seq <= $2::bigint RETURNING listener_id
), gone_marks AS (
  DELETE FROM log_marks WHERE seq > $1::bigint AND seq <= $2::bigint
)
SELECT listener_id FROM gone_connections UNION SELECT listener_id FROM gone_events`;

const deleteListenersSql = `WITH gone AS (
  DELETE FROM listeners l WHERE l.id = ANY ($1::uuid[]) AND l.state = 'closed'
    AND (SELECT true FROM events e WHERE e.listener_id = l.id LIMIT 1) IS NULL
    AND (SELECT true FROM closed_connections c WHERE c.listener_id = l.id LIMIT 1) IS NULL
    AND (SELECT true FROM open_connections o WHERE o.listener_id = l.id LIMIT 1) IS NULL
  RETURNING l.id
)
DELETE FROM listener_counts c USING gone WHERE c.listener_id = gone.id`;

export async function purge(
  database: Database,
  { before, eventsMax, limit }: PurgeRequest,
): Promise<LogBounds & { readonly hasMore: boolean }> {
  const bounds = await readBounds(database);
  const target = Math.max(await seqBefore(database, before), bounds.headSeq - eventsMax);
  const cut = Math.min(target, bounds.oldestSeq - 1 + limit);
  if (cut < bounds.oldestSeq) return { ...bounds, hasMore: false };
  const [moved] = await database.query({ text: moveBoundSql, values: [cut] });
  const [headSeq, oldestSeq] = moved as readonly [number, number];
  const hasMore = cut < target;
  // Each piece looks at itself only, past the entries of what is gone; the last one at what a crash may have left.
  const from = hasMore ? bounds.oldestSeq - 1 : 0;
  const rows = await database.query({ text: deleteSql, values: [from, cut] });
  const listenerIds = rows.map(([id]) => id);
  if (listenerIds.length > 0) {
    await database.query({ text: deleteListenersSql, values: [listenerIds] });
  }
  return { headSeq, oldestSeq, hasMore };
}
