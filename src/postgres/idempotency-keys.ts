/** Answers kept under the keys of their requests: a key is taken by exactly one of those who try at once. */
import {
  fullness,
  type IdempotencyKeeping,
  type IdempotencyKeys,
  type IdempotencyRun,
  type IdempotencyTake,
  type IdempotentAnswer,
  type KeptAnswers,
} from '../core/idempotency-keys.ts';
import type { Clock } from '../core/ports.ts';
import { type ProjectRef, projectRef } from '../core/project.ts';
import type { Micros } from '../core/time.ts';
import type { Database, Rows } from './database.ts';
import type { NodePlace } from './node-place.ts';

/** What was made by a clock that was ahead is expired, too, once it is as much too young. */
const isExpiredSql = (before: string, after: string): string =>
  `created_at NOT BETWEEN ${before}::bigint AND ${after}::bigint`;

/** By this process, which knows that the run is over. */
const isLeftSql = `(k.created_at BETWEEN $11::bigint AND $13::bigint
    AND (k.writer, k.epoch) IS NOT DISTINCT FROM ($7::integer, $8::bigint))`;

/** An expired key is as good as none; one whose run was lost, or left (epoch 0), goes on under the seed of that run. */
const takeSql = `INSERT INTO idempotency_keys AS k (project, key, body_hash, created_at, seed, writer, epoch)
SELECT $10::integer, $1, $2, $3::bigint, $6::uuid, $7::integer, $8::bigint
WHERE NOT $9::boolean OR EXISTS (SELECT FROM idempotency_keys WHERE project = $10::integer AND key = $1)
ON CONFLICT (project, key) DO UPDATE SET body_hash = excluded.body_hash, created_at = excluded.created_at,
  body = NULL, writer = excluded.writer, epoch = excluded.epoch,
  seed = CASE WHEN k.${isExpiredSql('$4', '$12')} THEN excluded.seed ELSE coalesce(k.seed, excluded.seed) END
WHERE k.${isExpiredSql('$4', '$12')} OR (k.body IS NULL AND k.body_hash = excluded.body_hash AND (
  k.created_at < $5::bigint OR ${isLeftSql} OR k.epoch = 0
  OR EXISTS (SELECT FROM writers w WHERE w.ref = k.writer AND w.epoch > k.epoch)))
RETURNING seed, created_at`;

const findSql = `SELECT body_hash, body FROM idempotency_keys
  WHERE project = $2::integer AND key = $1`;

const purgeSql = `DELETE FROM idempotency_keys WHERE (project, key) IN (
  SELECT project, key FROM idempotency_keys WHERE ${isExpiredSql('$1', '$3')}
  ORDER BY created_at LIMIT $2)
RETURNING 1`;

/** The length of a text is known without reading it. */
const countSql = `SELECT project, count(*)::integer, coalesce(sum(octet_length(body)), 0)::bigint
  FROM idempotency_keys GROUP BY project`;

type TakenRow = readonly [seed: string, takenAt: number];
type AnswerRow = readonly [bodyHash: string, body: string | null];

/** The process that takes a key, as the log knows it. */
type Place = Pick<NodePlace, 'ref' | 'epoch'>;

export interface IdempotencyKeyOptions {
  readonly database: Database;
  readonly clock: Clock;
  readonly ownPlace: () => Place | null;
  /** Keys of runs that are over, of which the store could not be told. */
  readonly unsettledKeysMax: number;
}

interface Kept extends KeptAnswers {
  count: number;
  bytes: number;
}

/** Of a run that is over, though its key may be taken still: the store was away when it was to hear of that. */
interface Left extends IdempotencyRun {
  /** Nothing is to come of it: its key is free. Else what it made may be there, to be found under its seed. */
  readonly isFree: boolean;
  /** When the first was taken of those that may be there: takes since then have failed, or landed. */
  readonly since: Micros;
}

/** Of all projects: what they keep counts together. */
export class IdempotencyKeyRows implements IdempotencyKeeping {
  readonly #options: IdempotencyKeyOptions;
  /** What is kept: counted at each purge, and followed between two. Other nodes' part is as old as that. */
  #kept: Map<ProjectRef, Kept> | null = null;
  /** By project and key; of too many the oldest is forgotten, and taken for lost in time. */
  readonly #left = new Map<string, Left>();

  constructor(options: IdempotencyKeyOptions) {
    this.#options = options;
  }

  of(project: ProjectRef): IdempotencyKeys {
    return {
      take: (take) => this.#take(project, take),
      keep: (key, run, body) => this.#keep(project, key, run, body),
      release: (key, run) => this.#release(project, key, run),
      leave: (key, run) => this.#leave(project, key, run),
    };
  }

  async #take(
    project: ProjectRef,
    { key, bodyHash, seed, expiresBefore, lostBefore, ...limits }: IdempotencyTake,
  ): Promise<IdempotencyRun | IdempotentAnswer> {
    const { ref = null, epoch = null } = this.#options.ownPlace() ?? {};
    const kept = this.#kept ?? (await this.#count());
    const name = nameOf(project, key);
    const left = this.#left.get(name);
    if (left?.isFree) await this.#release(project, key, left);
    for (;;) {
      const full = fullness(keptOf(kept, project), kept.values(), project, limits);
      const run = { seed, takenAt: this.#options.clock.now() };
      const times = [run.takenAt, expiresBefore, lostBefore];
      const place = [ref, epoch, full !== null, project, left?.since];
      const expiresAfter = 2 * run.takenAt - expiresBefore;
      const values = [key, bodyHash, ...times, seed, ...place, expiresAfter, left?.takenAt];
      const taking = this.#options.database.query({ text: takeSql, values });
      // Whether it was taken is not known. What was left to be found under its seed is, still.
      const own = left?.isFree === false ? left : { ...run, isFree: true, since: run.takenAt };
      const unknown = { ...own, takenAt: run.takenAt, since: left?.since ?? run.takenAt };
      const [taken] = await this.#orLeft(name, unknown, taking);
      if (taken !== undefined) {
        if (this.#left.get(name) === left) this.#left.delete(name);
        const [ownSeed, takenAt] = taken as TakenRow;
        // That of a run before counts already.
        if (ownSeed === seed) keptOf(kept, project).count += 1;
        return { seed: ownSeed, takenAt };
      }
      const [row] = await this.#options.database.query({ text: findSql, values: [key, project] });
      if (row === undefined && full !== null) throw full;
      if (row === undefined) continue; // Released meanwhile: take it.
      const [hash, body] = row as AnswerRow;
      return { bodyHash: hash, body };
    }
  }

  async #keep(project: ProjectRef, key: string, run: IdempotencyRun, body: string): Promise<void> {
    const text = `UPDATE idempotency_keys SET body = $2
      WHERE project = $3::integer AND key = $1 AND created_at = $4::bigint RETURNING 1`;
    const values = [key, body, project, run.takenAt];
    const keeping = this.#options.database.query({ text, values });
    const kept = await this.#orLeft(nameOf(project, key), leftOf(run, false), keeping);
    if (kept.length === 0 || this.#kept === null) return;
    keptOf(this.#kept, project).bytes += Buffer.byteLength(body);
  }

  /** Under another seed it is a lost run's, of which something may be there. */
  async #release(project: ProjectRef, key: string, run: IdempotencyRun): Promise<void> {
    const text = `DELETE FROM idempotency_keys WHERE project = $2::integer AND key = $1
      AND created_at = $3::bigint AND seed = $4::uuid AND body IS NULL RETURNING 1`;
    const values = [key, project, run.takenAt, run.seed];
    const releasing = this.#options.database.query({ text, values });
    const gone = await this.#orLeft(nameOf(project, key), leftOf(run, true), releasing);
    if (this.#kept !== null) keptOf(this.#kept, project).count -= gone.length;
  }

  async #leave(project: ProjectRef, key: string, run: IdempotencyRun): Promise<void> {
    const text = `UPDATE idempotency_keys SET epoch = 0
      WHERE project = $2::integer AND key = $1 AND created_at = $3::bigint AND body IS NULL`;
    const values = [key, project, run.takenAt];
    const leaving = this.#options.database.query({ text, values });
    await this.#orLeft(nameOf(project, key), leftOf(run, false), leaving);
  }

  /** The run is over whatever becomes of the query: where that fails, the next call under the key begins with what is left. */
  async #orLeft(name: string, left: Left, query: Promise<Rows>): Promise<Rows> {
    try {
      return await query;
    } catch (error) {
      this.#left.delete(name);
      this.#left.set(name, left);
      const [oldest = name] = this.#left.keys();
      if (this.#left.size > this.#options.unsettledKeysMax) this.#left.delete(oldest);
      throw error;
    }
  }

  /** The last piece counts what is kept. */
  async purge(expiresBefore: Micros, limit: number): Promise<boolean> {
    const values = [expiresBefore, limit, 2 * this.#options.clock.now() - expiresBefore];
    const gone = await this.#options.database.query({ text: purgeSql, values });
    const hasMore = gone.length === limit;
    if (!hasMore) await this.#count();
    return hasMore;
  }

  async #count(): Promise<Map<ProjectRef, Kept>> {
    const rows = await this.#options.database.query({ text: countSql, values: [] });
    this.#kept = new Map(
      (rows as readonly (readonly [number, number, number])[]).map(([project, count, bytes]) => [
        projectRef(project),
        { count, bytes },
      ]),
    );
    return this.#kept;
  }
}

function nameOf(project: ProjectRef, key: string): string {
  return `${project} ${key}`;
}

function leftOf(run: IdempotencyRun & { readonly since?: Micros }, isFree: boolean): Left {
  return { ...run, isFree, since: run.since ?? run.takenAt };
}

function keptOf(kept: Map<ProjectRef, Kept>, project: ProjectRef): Kept {
  const own = kept.get(project) ?? { count: 0, bytes: 0 };
  kept.set(project, own);
  return own;
}
