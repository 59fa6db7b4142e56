/** The keys and join tokens that are good in a database as it is, those that were ended since its backup too. No secrets. */
import type { Client } from 'pg';

export interface RestoredKey {
  readonly id: string;
  /** The name of its project; null: a key of none. */
  readonly project: string | null;
  readonly name: string;
}

export interface RestoredJoinToken {
  readonly id: string;
  readonly project: string;
  readonly usesLeft: number;
}

/** The first of them, and how many there are. */
export interface Restored<Item> {
  readonly count: number;
  readonly first: readonly Item[];
}

export interface RestoredKeys {
  readonly keys: Restored<RestoredKey>;
  readonly joinTokens: Restored<RestoredJoinToken>;
}

/** Micros, as all times are. */
const nowSql = '(extract(epoch FROM clock_timestamp()) * 1e6)';

/** What is of a project that is being deleted is refused. */
const keysSql = `SELECT k.id, p.name AS project, k.name, count(*) OVER ()::float8 AS count
FROM api_keys k LEFT JOIN projects p ON p.ref = k.project
WHERE k.revoked_at IS NULL AND coalesce(k.expires_at > ${nowSql}, true)
  AND (k.project IS NULL OR p.state = 'active')
ORDER BY k.project NULLS FIRST, k.id LIMIT $1`;

const joinTokensSql = `SELECT t.id, p.name AS project, t.uses_max - t.uses AS "usesLeft",
  count(*) OVER ()::float8 AS count
FROM join_tokens t JOIN projects p ON p.ref = t.project
WHERE t.revoked_at IS NULL AND t.expires_at > ${nowSql} AND t.uses < t.uses_max AND p.state = 'active'
ORDER BY t.project, t.id LIMIT $1`;

export async function restoredKeys(client: Client, shownMax: number): Promise<RestoredKeys> {
  return {
    keys: await firstOf(client, keysSql, shownMax),
    joinTokens: await firstOf(client, joinTokensSql, shownMax),
  };
}

async function firstOf<Item extends object>(
  client: Client,
  text: string,
  shownMax: number,
): Promise<Restored<Item>> {
  const { rows } = await client.query<Item & { count: number }>(text, [shownMax]);
  return { count: rows[0]?.count ?? 0, first: rows };
}
