/** Answers kept under the keys of their requests: a key is taken by exactly one of those who try at once. */
import type { IdempotentAnswer } from '../core/ports.ts';
import type { Micros } from '../core/time.ts';
import type { Database } from './database.ts';

/** An expired key is as good as none. Each new key sweeps out a few that have expired. */
const takeSql = `WITH swept AS (
  DELETE FROM idempotency_keys WHERE key IN (
    SELECT key FROM idempotency_keys WHERE created_at < $4::bigint AND key <> $1 LIMIT 10)
)
INSERT INTO idempotency_keys AS k (key, body_hash, created_at) VALUES ($1, $2, $3::bigint)
ON CONFLICT (key) DO UPDATE SET body_hash = excluded.body_hash, created_at = excluded.created_at,
  status = NULL, body = NULL
WHERE k.created_at < $4::bigint RETURNING key`;

const findSql = 'SELECT body_hash, status, body FROM idempotency_keys WHERE key = $1';

type AnswerRow = readonly [bodyHash: string, status: number | null, body: string | null];

export class IdempotencyKeys {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async take(
    key: string,
    bodyHash: string,
    times: { readonly now: Micros; readonly expiresBefore: Micros },
  ): Promise<IdempotentAnswer | null> {
    const values = [key, bodyHash, times.now, times.expiresBefore];
    for (;;) {
      const taken = await this.#database.query({ text: takeSql, values });
      if (taken.length > 0) return null;
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
