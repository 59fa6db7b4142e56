/** Answers kept under the keys of their requests: a key is taken by exactly one of those who try at once. */
import type { IdempotencyRun, IdempotencyTake, IdempotentAnswer } from '../core/ports.ts';
import type { Micros } from '../core/time.ts';
import type { Fence } from './append-statement.ts';
import type { Database } from './database.ts';

/**
 * An expired key is as good as none; one whose run was lost goes on under the seed of that run. Each new key
 * sweeps out a few that have expired.
 */
const takeSql = `WITH swept AS (
  DELETE FROM idempotency_keys WHERE key IN (
    SELECT key FROM idempotency_keys WHERE created_at < $4::bigint AND key <> $1 LIMIT 10)
)
INSERT INTO idempotency_keys AS k (key, body_hash, created_at, seed, node, epoch)
VALUES ($1, $2, $3::bigint, $6::uuid, $7::smallint, $8::bigint)
ON CONFLICT (key) DO UPDATE SET body_hash = excluded.body_hash, created_at = excluded.created_at,
  status = NULL, body = NULL, node = excluded.node, epoch = excluded.epoch,
  seed = CASE WHEN k.created_at < $4::bigint THEN excluded.seed ELSE coalesce(k.seed, excluded.seed) END
WHERE k.created_at < $4::bigint OR (k.status IS NULL AND k.body_hash = excluded.body_hash AND (
  k.created_at < $5::bigint OR EXISTS (SELECT FROM nodes n WHERE n.ref = k.node AND n.epoch > k.epoch)))
RETURNING seed`;

const findSql = 'SELECT body_hash, status, body FROM idempotency_keys WHERE key = $1';

type AnswerRow = readonly [bodyHash: string, status: number | null, body: string | null];

/** The process that takes a key, as the log knows it. */
type Place = Pick<Fence, 'node' | 'epoch'>;

export class IdempotencyKeys {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async take(
    { key, bodyHash, seed, expiresBefore, lostBefore }: IdempotencyTake,
    now: Micros,
    place: Place | null,
  ): Promise<IdempotencyRun | IdempotentAnswer> {
    const { node = null, epoch = null } = place ?? {};
    const values = [key, bodyHash, now, expiresBefore, lostBefore, seed, node, epoch];
    for (;;) {
      const [taken] = await this.#database.query({ text: takeSql, values });
      if (taken !== undefined) return { seed: taken[0] as string };
      const [row] = await this.#database.query({ text: findSql, values: [key] });
      if (row === undefined) continue; // Released meanwhile: take it.
      const [hash, status, body] = row as AnswerRow;
      return { bodyHash: hash, status, body };
    }
  }

  async keep(key: string, status: number, body: string): Promise<void> {
    const text = 'UPDATE idempotency_keys SET status = $2::integer, body = $3 WHERE key = $1';
    await this.#database.query({ text, values: [key, status, body] });
  }

  /** One that has its answer stays. */
  async release(key: string): Promise<void> {
    const text = 'DELETE FROM idempotency_keys WHERE key = $1 AND status IS NULL';
    await this.#database.query({ text, values: [key] });
  }
}
