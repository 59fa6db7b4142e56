/** Answers kept under the keys of their requests: a key is taken by exactly one of those who try at once. */
import { type AppError, idempotencyFull } from '../core/errors.ts';
import type {
  IdempotencyKeys,
  IdempotencyRun,
  IdempotencyTake,
  IdempotentAnswer,
} from '../core/idempotency-keys.ts';
import type { Clock } from '../core/ports.ts';
import type { Micros } from '../core/time.ts';
import type { Fence } from './append-statement.ts';
import type { Database } from './database.ts';

/** An expired key is as good as none; one whose run was lost goes on under the seed of that run. */
const takeSql = `INSERT INTO idempotency_keys AS k (key, body_hash, created_at, seed, node, epoch)
SELECT $1, $2, $3::bigint, $6::uuid, $7::smallint, $8::bigint
WHERE NOT $9::boolean OR EXISTS (SELECT FROM idempotency_keys WHERE key = $1)
ON CONFLICT (key) DO UPDATE SET body_hash = excluded.body_hash, created_at = excluded.created_at,
  body = NULL, node = excluded.node, epoch = excluded.epoch,
  seed = CASE WHEN k.created_at < $4::bigint THEN excluded.seed ELSE coalesce(k.seed, excluded.seed) END
WHERE k.created_at < $4::bigint OR (k.body IS NULL AND k.body_hash = excluded.body_hash AND (
  k.created_at < $5::bigint OR EXISTS (SELECT FROM nodes n WHERE n.ref = k.node AND n.epoch > k.epoch)))
RETURNING seed`;

const findSql = 'SELECT body_hash, body FROM idempotency_keys WHERE key = $1';

const purgeSql = `DELETE FROM idempotency_keys WHERE key IN (
  SELECT key FROM idempotency_keys WHERE created_at < $1::bigint ORDER BY created_at LIMIT $2)
RETURNING 1`;

/** The length of a text is known without reading it. */
const countSql = `SELECT count(*)::integer, coalesce(sum(octet_length(body)), 0)::bigint
  FROM idempotency_keys`;

type AnswerRow = readonly [bodyHash: string, body: string | null];

/** The process that takes a key, as the log knows it. */
type Place = Pick<Fence, 'node' | 'epoch'>;

export class PostgresIdempotencyKeys implements IdempotencyKeys {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #ownPlace: () => Place | null;
  /** What is kept: counted at each purge, and followed between two. Other nodes' part is as old as that. */
  #kept: { count: number; bytes: number } | null = null;

  constructor(database: Database, clock: Clock, ownPlace: () => Place | null) {
    this.#database = database;
    this.#clock = clock;
    this.#ownPlace = ownPlace;
  }

  async take({
    key,
    bodyHash,
    seed,
    expiresBefore,
    lostBefore,
    ...limits
  }: IdempotencyTake): Promise<IdempotencyRun | IdempotentAnswer> {
    const { node = null, epoch = null } = this.#ownPlace() ?? {};
    const kept = this.#kept ?? (await this.#count());
    for (;;) {
      const full = fullness(kept, limits);
      const times = [this.#clock.now(), expiresBefore, lostBefore];
      const values = [key, bodyHash, ...times, seed, node, epoch, full !== null];
      const [taken] = await this.#database.query({ text: takeSql, values });
      if (taken !== undefined) {
        kept.count += 1;
        return { seed: taken[0] as string };
      }
      const [row] = await this.#database.query({ text: findSql, values: [key] });
      if (row === undefined && full !== null) throw full;
      if (row === undefined) continue; // Released meanwhile: take it.
      const [hash, body] = row as AnswerRow;
      return { bodyHash: hash, body };
    }
  }

  async keep(key: string, body: string): Promise<void> {
    const text = 'UPDATE idempotency_keys SET body = $2 WHERE key = $1';
    await this.#database.query({ text, values: [key, body] });
    if (this.#kept !== null) this.#kept.bytes += Buffer.byteLength(body);
  }

  /** One that has its answer stays. */
  async release(key: string): Promise<void> {
    const text = 'DELETE FROM idempotency_keys WHERE key = $1 AND body IS NULL';
    await this.#database.query({ text, values: [key] });
    if (this.#kept !== null) this.#kept.count -= 1;
  }

  /** Of those that have expired. Resolves with whether there may be more. */
  async purge(expiresBefore: Micros, limit: number): Promise<boolean> {
    const values = [expiresBefore, limit];
    const gone = await this.#database.query({ text: purgeSql, values });
    const hasMore = gone.length === limit;
    if (!hasMore) await this.#count();
    return hasMore;
  }

  async #count() {
    const [row] = await this.#database.query({ text: countSql, values: [] });
    const [count, bytes] = row as readonly [number, number];
    this.#kept = { count, bytes };
    return this.#kept;
  }
}

function fullness(
  { count, bytes }: { readonly count: number; readonly bytes: number },
  { keysMax, answerBytesMax }: Pick<IdempotencyTake, 'keysMax' | 'answerBytesMax'>,
): AppError | null {
  if (count >= keysMax) return idempotencyFull('idempotencyKeysMax', keysMax);
  if (bytes >= answerBytesMax) return idempotencyFull('idempotencyAnswerBytesMax', answerBytesMax);
  return null;
}
