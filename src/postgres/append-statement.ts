/**
 * The append: one statement, one transaction, one round trip, with a part for each table that it writes to.
 *
 *   writer   this process still has its place, and the number was not done yet
 *   held     the listeners that are changed are at the revision before
 *   heads    of the projects' logs; these take as many seqs as there are events. The lock of a head's row puts the
 *            appends of all writers to that log in one order
 *   …        the rows, whose seqs count from their head's base
 *
 * It does nothing at all unless all of these were found, and no project has more listeners than its quota. Locks are
 * taken in one order everywhere: writers, listeners, heads, each in the order of their keys; so no two appends wait for
 * each other.
 *
 * A reader that sees a head sees all up to it: the next append gets past the lock only after this one is visible.
 */

import type { AppendBatch } from './append-batch.ts';
import { type AppendHeads, appendHeads } from './append-heads.ts';
import { appendParts, changedListenersSql } from './append-parts.ts';
import type { Statement } from './database.ts';
import { rowsLiteral } from './row-literal.ts';

export interface Fence {
  /** The writer's number in the rows. */
  readonly writer: number;
  readonly epoch: number;
  readonly number: number;
}

/** Gives one AppendRow. */
export function appendStatement(batch: AppendBatch, fence: Fence): Statement {
  const { logs, changedListeners, newListeners } = batch;
  const hasChanges = changedListeners.length > 0;
  const heads = appendHeads(logs, { hasChanges, hasNew: newListeners.length > 0 });
  const values: unknown[] = [fence.writer, fence.epoch, fence.number, ...heads.values];
  if (hasChanges) values.push(rowsLiteral(changedListeners));
  const parts = appendParts(batch);
  const sqls = parts.map(({ sql, value }) => {
    values.push(value);
    return sql(`$${values.length}`, heads);
  });
  const fences = hasChanges ? [writerSql, heldSql(heads)] : [writerSql];
  const changes = hasChanges ? [changedListenersSql] : [];
  return {
    name: `append ${heads.letter}${hasChanges ? 'l' : ''}${parts.map(({ letter }) => letter).join('')}`,
    text: `WITH ${[...fences, heads.sql, doneSql, ...changes, ...sqls].join(',\n')}\n${answerSql(heads, hasChanges)}`,
    values,
  };
}

/** `bases` is null where nothing was done; `held` is how many of the listeners were as they were to be. */
export type AppendRow = readonly [
  bases: readonly number[] | null,
  isWriter: boolean,
  held: number,
  hasOthers: boolean,
  /** The quota of listeners that a project would be beyond. */
  listenersMax: number | null,
];

const writerSql = `writer AS MATERIALIZED (
  SELECT ref FROM writers
  WHERE ref = $1::integer AND epoch = $2::bigint AND append_number = $3::bigint - 1 FOR UPDATE
)`;

const heldSql = ({ project }: AppendHeads): string => `held AS MATERIALIZED (
  SELECT l.id FROM unnest($9::listeners[]) r JOIN listeners l
    ON l.id = r.id AND l.project = ${project} AND l.revision = r.revision - 1
  WHERE EXISTS (SELECT FROM writer) ORDER BY l.id FOR UPDATE OF l
)`;

const doneSql = `done AS (
  UPDATE writers SET append_number = $3::bigint, first_seqs = pairs FROM head
  WHERE ref = $1::integer
)`;

const answerSql = (
  { listenersMax }: AppendHeads,
  hasChanges: boolean,
) => `SELECT array_to_json(head.bases), EXISTS (SELECT FROM writer),
  ${hasChanges ? '(SELECT count(*) FROM held)' : '0'}, EXISTS (SELECT FROM writers w WHERE w.ref <> $1::integer),
  ${listenersMax}
FROM (SELECT) one LEFT JOIN head ON true`;
