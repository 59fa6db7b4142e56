/** Where a time lies in a project's log. */
import { ofProjectBySeq } from './rows.ts';

/**
 * Of the few thousand events between two marks one has the latest time. The first that is not before the time lies in the
 * first such piece whose latest is not before it, or else in what came after the last mark.
 */
export const seqBeforeSql = `WITH mark AS MATERIALIZED (
  SELECT h.seq AS head, greatest(h.oldest_seq - 1, (
    SELECT seq FROM log_marks WHERE project = h.project AND seq < coalesce((
      SELECT seq FROM log_marks
      WHERE project = h.project AND seq >= h.oldest_seq AND max_time >= $2::bigint ORDER BY seq LIMIT 1
    ), h.seq + 1) ORDER BY seq DESC LIMIT 1
  )) AS seq FROM log_heads h WHERE h.project = $1::integer
)
SELECT coalesce(first.seq - 1, mark.head) FROM mark LEFT JOIN LATERAL (
  (SELECT opened_seq AS seq FROM open_connections
    WHERE ${ofProjectBySeq('opened_seq', '$1::integer')} AND opened_seq > mark.seq AND accepted_at >= $2::bigint ORDER BY opened_seq LIMIT 1)
  UNION ALL (SELECT opened_seq FROM closed_connections
    WHERE ${ofProjectBySeq('opened_seq', '$1::integer')} AND opened_seq > mark.seq AND accepted_at >= $2::bigint ORDER BY opened_seq LIMIT 1)
  UNION ALL (SELECT closed_seq FROM closed_connections
    WHERE ${ofProjectBySeq('closed_seq', '$1::integer')} AND closed_seq > mark.seq AND closed_at >= $2::bigint ORDER BY closed_seq LIMIT 1)
  UNION ALL (SELECT seq FROM events
    WHERE project = $1::integer AND seq > mark.seq AND time >= $2::bigint ORDER BY seq LIMIT 1)
  ORDER BY seq LIMIT 1
) first ON true`;
