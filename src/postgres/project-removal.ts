/** Deletes all that is on record of a project, a piece at a time: the audit alone stays. */
import { type ProjectRef, projectRef } from '../core/project.ts';
import type { ProjectRemoval as Port } from '../tenancy/store.ts';
import type { Database } from './database.ts';

const quietSql = `SELECT h.listeners = 0
  AND NOT EXISTS (SELECT FROM listeners l WHERE l.project = h.project AND l.is_live)
  AND NOT EXISTS (SELECT FROM open_connections o WHERE o.project = h.project)
FROM log_heads h WHERE h.project = $1::integer`;

/** A piece of each table, by the key that finds one. A listener goes once it has no specs, of which it may have any number. */
const piecesSql: readonly string[] = [
  ...[
    ['events', 'seq'],
    ['closed_connections', 'id'],
    ['log_marks', 'seq'],
    ['log_ages', 'seq'],
    ['idempotency_keys', 'key'],
    ['api_keys', 'id'],
    ['join_tokens', 'id'],
    // Of what other projects' nodes had of it.
    ['node_streams', 'node'],
  ].map(
    ([table, key]) => `DELETE FROM ${table} WHERE project = $1::integer AND ${key} IN (
      SELECT ${key} FROM ${table} WHERE project = $1::integer ORDER BY ${key} LIMIT $2::bigint) RETURNING 1`,
  ),
  `DELETE FROM listener_specs WHERE (listener_id, generation) IN (
    SELECT s.listener_id, s.generation FROM listeners l JOIN listener_specs s ON s.listener_id = l.id
      WHERE l.project = $1::integer AND NOT l.is_live ORDER BY l.name, l.id LIMIT $2::bigint) RETURNING 1`,
  `WITH gone AS (
    DELETE FROM listeners WHERE project = $1::integer AND id IN (
      SELECT id FROM (
        SELECT id FROM listeners WHERE project = $1::integer AND NOT is_live ORDER BY name, id LIMIT $2::bigint
      ) l WHERE NOT EXISTS (SELECT FROM listener_specs s WHERE s.listener_id = l.id))
    RETURNING id
  ), counts AS (
    DELETE FROM listener_counts c USING gone WHERE c.listener_id = gone.id
  ), secrets AS (
    DELETE FROM listener_secrets s USING gone WHERE s.listener_id = gone.id
  ) SELECT id FROM gone`,
  `WITH gone AS (
    DELETE FROM nodes WHERE project = $1::integer AND ref IN (
      SELECT ref FROM nodes WHERE project = $1::integer ORDER BY ref LIMIT $2::bigint)
    RETURNING ref
  ), places AS (
    DELETE FROM writers w USING gone WHERE w.ref = gone.ref
  ), streams AS (
    DELETE FROM node_streams s USING gone WHERE s.node = gone.ref
  ) SELECT ref FROM gone`,
];

/** An append that finds no head leaves that project's part out: from then on nothing is written of it. */
const endLogSql = `DELETE FROM log_heads WHERE project = $1::integer AND listeners = 0 AND EXISTS (
  SELECT FROM projects WHERE ref = $1::integer AND state = 'deleting')`;
const removeSql = `DELETE FROM projects WHERE ref = $1::integer AND state = 'deleting'
  AND NOT EXISTS (SELECT FROM log_heads WHERE project = $1::integer) RETURNING 1`;

export class ProjectRemoval implements Port {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async deleting() {
    const text = "SELECT ref, name FROM projects WHERE state = 'deleting' ORDER BY ref";
    const rows = await this.#database.query({ text });
    return rows.map(([ref, name]) => ({ ref: projectRef(ref as number), name: name as string }));
  }

  async isQuiet(project: ProjectRef): Promise<boolean> {
    const [row] = await this.#database.query({ text: quietSql, values: [project] });
    // Another node has taken the head.
    return row === undefined || row[0] === true;
  }

  async purge(project: ProjectRef, limit: number): Promise<boolean> {
    let hasMore = false;
    for (const text of piecesSql) {
      const gone = await this.#database.query({ text, values: [project, limit] });
      if (gone.length === limit) hasMore = true;
    }
    return hasMore;
  }

  async endLog(project: ProjectRef): Promise<void> {
    await this.#database.query({ text: endLogSql, values: [project] });
  }

  async remove(project: ProjectRef): Promise<boolean> {
    const gone = await this.#database.query({ text: removeSql, values: [project] });
    return gone.length === 1;
  }
}
