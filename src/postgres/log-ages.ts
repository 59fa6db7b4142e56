/**
 * The log's own time and size: how old and how large what lies between two seqs is, told by marks that are made now
 * and then. See src/core/retention.ts for why, and prisma/migrations for the tables.
 */

import type { LogAge, LogAgeing } from '../core/log-keeping.ts';
import type { ProjectRef } from '../core/project.ts';
import type { Database } from './database.ts';
import { noLog } from './event-reader.ts';

/** The mark at or before a place, and the next one or the head: what lies between them counts as all alike. */
const around = (condition: string) => `(
    SELECT seq, bytes FROM log_ages WHERE project = h.project AND ${condition} ORDER BY seq DESC LIMIT 1
  ) p, LATERAL (
    SELECT seq, bytes FROM log_ages WHERE project = h.project AND seq > p.seq
    UNION ALL SELECT h.seq, h.bytes ORDER BY seq LIMIT 1
  ) n`;

/** The bytes of all that was appended up to the seq. Both are within a row of log_heads that is named h. */
const bytesOfSeq = (seq: string) => `(
  SELECT p.bytes + (n.bytes - p.bytes)::numeric * (${seq} - p.seq) / greatest(1, n.seq - p.seq)
  FROM ${around(`seq <= ${seq}`)}
)::bigint`;

/** The seq up to which all that was appended has these bytes at least. */
export const seqOfBytes = (bytes: string) => `(
  SELECT p.seq + ceil((n.seq - p.seq)::numeric * (${bytes} - p.bytes) / greatest(1, n.bytes - p.bytes))
  FROM ${around(`bytes <= ${bytes}`)}
)::bigint`;

/** The clock is that of all logs; the mark is this one's. */
const ageSql = `WITH clock AS MATERIALIZED (
  SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS now
), moved AS (
  UPDATE log_clock c SET time = greatest(c.time, $1::bigint, least(k.now, greatest(c.time, $2::bigint,
    $3::bigint, CASE WHEN k.now - c.time <= $4::bigint THEN k.now END)))
  FROM clock k RETURNING c.time, k.now
), mark AS (
  INSERT INTO log_ages (seq, time, bytes, project) SELECT h.seq, m.time, h.bytes, h.project
  FROM log_heads h, moved m, (
    SELECT seq, time, bytes FROM log_ages WHERE project = $7::integer ORDER BY seq DESC LIMIT 1
  ) last
  WHERE h.project = $7::integer
    AND h.seq > last.seq AND (m.time - last.time >= $5::bigint OR h.bytes - last.bytes >= $6::bigint)
  ON CONFLICT (project, seq) DO NOTHING
)
SELECT m.time, m.now, h.bytes - ${bytesOfSeq('(h.oldest_seq - 1)')}
FROM moved m, log_heads h WHERE h.project = $7::integer`;

/** @throws not_found where the project has no log */
export async function age(
  database: Database,
  project: ProjectRef,
  ageing: LogAgeing,
): Promise<LogAge> {
  const { timeMin, timeMax, confirmedTime, leapMaxMs, markMs, markBytes } = ageing;
  const micros = (ms: number) => Math.round(ms * 1000);
  const spans = [micros(leapMaxMs), micros(markMs)];
  const values = [timeMin, timeMax, confirmedTime, ...spans, markBytes, project];
  const [row] = await database.query({ text: ageSql, values });
  if (row === undefined) throw noLog();
  const [time, clock, bytes] = row as readonly [number, number, number];
  return { time, clock, bytes };
}
