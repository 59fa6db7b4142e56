/** What is done to a database that lacks what was committed to it, brought back from a backup or by a failover. */
import type { Database } from './database.ts';
import { tellChangeSql } from './wakes.ts';

/** A place that was taken in what is lacking is ahead of its row, by less than this: it is nobody's any more, too. */
const epochsAhead = 1_000_000;

/** Each log has a new id, and nobody has a place. Two parts of a statement; `renewed` has the heads of the logs. */
export const renewalSql = (condition: string): string => `displaced AS (
  UPDATE writers SET epoch = epoch + ${epochsAhead}, append_number = 0 WHERE ${condition} RETURNING ref
), renewed AS (
  UPDATE log_heads SET log_id = gen_random_uuid() WHERE (SELECT count(*) FROM displaced) >= 0 AND ${condition}
  RETURNING project, seq, log_id
)`;

/**
 * Mostly another process has taken the place, and nothing is locked: no append waits. Else locks come in the order of an
 * append's, and what was seen before them is looked at again. Whoever is second finds a place that is no longer its own. Other processes know
 * the ids of before, and look then whether they still have their places.
 */
const isBackSql = `ref = $1::integer
    AND (epoch < $2::bigint OR (epoch = $2::bigint AND append_number < $3::bigint))`;
const renewWhereLostSql = `WITH places AS MATERIALIZED (
  SELECT ref, epoch, append_number FROM writers
  WHERE EXISTS (SELECT FROM writers WHERE ${isBackSql}) ORDER BY ref FOR UPDATE
), lost AS MATERIALIZED (
  SELECT append_number FROM places WHERE ${isBackSql}
), ${renewalSql('EXISTS (SELECT FROM lost)')}
SELECT append_number, ${tellChangeSql} FROM lost`;

/** A place in the logs, as who has it knows it. */
export interface KnownPlace {
  readonly ref: number;
  readonly epoch: number;
  /** Of the last append whose outcome it was told. */
  readonly number: number;
}

/** Resolves with whether the database lacks what it has told of this place. @throws unavailable */
export async function renewIfBack(
  database: Pick<Database, 'queryAsWriter'>,
  { ref, epoch, number }: KnownPlace,
): Promise<boolean> {
  const values = [ref, epoch, number];
  return (await database.queryAsWriter({ text: renewWhereLostSql, values })).length > 0;
}
