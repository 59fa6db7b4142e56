/**
 * Deletes the oldest of a project's log, a bounded piece at a time. The bound moves first, in a statement of its own that
 * holds the head for no longer than an append does; what lies below it is then read by nobody, and deleted at leisure.
 */
import type { LogBounds, PurgeRequest } from '../core/log-keeping.ts';
import type { ProjectRef } from '../core/project.ts';
import type { Database } from './database.ts';
import { noLog } from './event-reader.ts';
import { seqOfBytes } from './log-ages.ts';
import { ofProjectBySeq } from './rows.ts';

/** The seq up to which the log is due, and the bounds before. */
const dueSql = `SELECT h.seq, h.oldest_seq, greatest(
    (SELECT max(seq) FROM log_ages WHERE project = h.project AND time <= $1::bigint), h.seq - $2::bigint, ${seqOfBytes('(h.bytes - $3::bigint)')}
  ) FROM log_heads h WHERE h.project = $4::integer`;

const moveBoundSql = `UPDATE log_heads SET oldest_seq = greatest(oldest_seq, $2::bigint + 1)
  WHERE project = $1::integer RETURNING seq, oldest_seq`;

/**
 * A closed listener goes with the last that tells of it: before that is deleted, so that whoever is cut off in between
 * finds it again.
 */
const deleteListenersSql = `WITH told AS MATERIALIZED (
  SELECT listener_id AS id FROM closed_connections
    WHERE ${ofProjectBySeq('closed_seq', '$3::integer')} AND closed_seq > $1::bigint AND closed_seq <= $2::bigint
  UNION SELECT listener_id FROM events WHERE project = $3::integer AND seq > $1::bigint AND seq <= $2::bigint
), gone AS (
  DELETE FROM listeners l USING told WHERE l.id = told.id AND l.project = $3::integer AND l.state = 'closed'
    AND (SELECT true FROM events e
      WHERE e.listener_id = l.id AND e.seq > 0 AND e.seq > $2::bigint LIMIT 1) IS NULL
    AND (SELECT true FROM closed_connections c WHERE c.listener_id = l.id AND c.closed_seq > $2::bigint LIMIT 1) IS NULL
    AND (SELECT true FROM open_connections o WHERE o.listener_id = l.id LIMIT 1) IS NULL
  RETURNING l.id
), gone_specs AS (
  DELETE FROM listener_specs s USING gone WHERE s.listener_id = gone.id
)
DELETE FROM listener_counts c USING gone WHERE c.listener_id = gone.id`;

/**
 * A spec goes with the last event that names it, unless it is its listener's. Of the ages the newest below the bound
 * stays: from there on is counted.
 */
const deleteSql = `WITH gone_connections AS (
  DELETE FROM closed_connections
    WHERE ${ofProjectBySeq('closed_seq', '$3::integer')} AND closed_seq > $1::bigint AND closed_seq <= $2::bigint
), gone_events AS (
  DELETE FROM events WHERE project = $3::integer AND seq > $1::bigint AND seq <= $2::bigint
  RETURNING listener_id, generation
), gone_specs AS (
  DELETE FROM listener_specs s USING (
    SELECT DISTINCT listener_id, generation FROM gone_events WHERE generation IS NOT NULL
  ) g
  WHERE s.listener_id = g.listener_id AND s.generation = g.generation
    AND NOT EXISTS (SELECT FROM events e
      WHERE e.listener_id = s.listener_id AND e.generation = s.generation AND e.seq > $2::bigint)
    AND NOT EXISTS (SELECT FROM listeners l WHERE l.id = s.listener_id AND l.generation = s.generation)
), gone_ages AS (
  DELETE FROM log_ages WHERE project = $3::integer
    AND seq < (SELECT max(seq) FROM log_ages WHERE project = $3::integer AND seq <= $2::bigint)
)
DELETE FROM log_marks WHERE project = $3::integer AND seq > $1::bigint AND seq <= $2::bigint`;

/** Of all projects. */
export class Purges {
  readonly #database: Database;
  /** Whose last purge by this process ended whole: of others something may lie below the bound. */
  readonly #whole = new Set<ProjectRef>();
  readonly #projectsMax: number;

  constructor(database: Database, { projectsMax }: { readonly projectsMax: number }) {
    this.#database = database;
    this.#projectsMax = projectsMax;
  }

  /** @throws not_found where the project has no log */
  async purge(
    project: ProjectRef,
    { before, eventsMax, bytesMax, limit }: PurgeRequest,
  ): Promise<LogBounds & { readonly hasMore: boolean }> {
    const isWhole = this.#whole.delete(project);
    const values = [before, eventsMax, bytesMax, project];
    const [due] = await this.#database.query({ text: dueSql, values });
    if (due === undefined) throw noLog();
    const [head, oldest, target] = due as readonly [number, number, number];
    // A crash or a time-out may have left it, and nothing more may ever be due.
    if (!isWhole && oldest > 1) await this.#delete(project, 0, oldest - 1);
    const cut = Math.min(target, oldest - 1 + limit);
    if (cut < oldest) {
      this.#ended(project);
      return { headSeq: head, oldestSeq: oldest, hasMore: false };
    }
    const [moved] = await this.#database.query({ text: moveBoundSql, values: [project, cut] });
    if (moved === undefined) throw noLog();
    const [headSeq, oldestSeq] = moved as readonly [number, number];
    const hasMore = cut < target;
    // Each piece looks at itself only, past the entries of what is gone; the last one at what another process may have left.
    await this.#delete(project, hasMore ? oldest - 1 : 0, cut);
    this.#ended(project);
    return { headSeq, oldestSeq, hasMore };
  }

  #ended(project: ProjectRef): void {
    // More than there are: some of them were deleted.
    if (this.#whole.size >= this.#projectsMax) this.#whole.clear();
    this.#whole.add(project);
  }

  /** What lies between the two, after the first and up to the second. */
  async #delete(project: ProjectRef, after: number, upTo: number): Promise<void> {
    const values = [after, upTo, project];
    await this.#database.query({ text: deleteListenersSql, values });
    await this.#database.query({ text: deleteSql, values });
  }
}
