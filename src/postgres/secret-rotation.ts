/**
 * Brings the secrets of a database under the current key, behind its use: those under the key before, and those of
 * before there was one, a few at a time, of all nodes. It ends when none is left, and says so.
 *
 * A row is replaced only as it was read, and never waited for: whoever holds it has closed its listener, or does the
 * same. So it stands in nobody's way, and whatever it passed by is looked at again.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../core/ports.ts';
import type { Database, Rows } from './database.ts';
import { type SecretCipher, SecretRefused } from './secret-cipher.ts';
import { openTlsKey, type SecretColumns } from './secret-rows.ts';

export interface SecretRotationLimits {
  /** Rows that are re-encrypted in one transaction. */
  readonly rotationRowsMax: number;
  /** How long it waits before it looks again at what it could not do. */
  readonly rotationRetryMs: number;
}

export interface SecretRotationOptions {
  readonly database: Database;
  readonly cipher: SecretCipher;
  readonly log: Logger;
  readonly limits: SecretRotationLimits;
}

const pieceText = `SELECT s.listener_id, l.project, s.tls_key, s.key_id, s.sealed_tls_key
  FROM listener_secrets s JOIN listeners l ON l.id = s.listener_id
  WHERE s.key_id IS DISTINCT FROM $1 AND ($2::uuid IS NULL OR s.listener_id > $2::uuid)
  ORDER BY s.listener_id LIMIT $3::bigint`;

const replaceText = `WITH held AS MATERIALIZED (
  SELECT s.listener_id, r.sealed
  FROM unnest($2::uuid[], $3::bytea[], $4::bytea[]) r(listener_id, before, sealed)
    JOIN listener_secrets s ON s.listener_id = r.listener_id
      AND coalesce(s.sealed_tls_key, convert_to(s.tls_key, 'UTF8')) = r.before
  FOR UPDATE OF s SKIP LOCKED
)
UPDATE listener_secrets s SET tls_key = NULL, key_id = $1, sealed_tls_key = held.sealed
FROM held WHERE s.listener_id = held.listener_id RETURNING s.listener_id`;

const countText = `SELECT s.key_id, count(*) FROM listener_secrets s
  JOIN listeners l ON l.id = s.listener_id GROUP BY s.key_id`;

type Piece = readonly [listenerId: string, project: number, ...SecretColumns];

/** Rows by the key that they are under. */
interface Counts {
  current: number;
  old: number;
  plain: number;
  unknown: number;
}

/** Of what a pass met. */
interface Pass {
  reencrypted: number;
  /** Changed since they were written: no key opens them. */
  tampered: number;
}

export class SecretRotation implements AsyncDisposable {
  readonly #options: SecretRotationOptions;
  readonly #stop = new AbortController();
  #reencrypted = 0;
  /** Resolves, never rejects, when it is done or stopped. */
  readonly ended: Promise<void>;

  constructor(options: SecretRotationOptions) {
    this.#options = options;
    this.ended = options.cipher.currentId === null ? Promise.resolve() : this.#run();
  }

  async #run(): Promise<void> {
    const { log, limits } = this.#options;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        if (await this.#isDone()) return;
      } catch (err) {
        log.warn({ err }, 'the TLS keys of listeners are not re-encrypted yet: it is tried again');
      }
      await delay(limits.rotationRetryMs, undefined, { signal }).catch(() => undefined);
    }
  }

  async #isDone(): Promise<boolean> {
    const pass = await this.#pass();
    this.#reencrypted += pass.reencrypted;
    if (this.#stop.signal.aborted) return true;
    const counts = await this.#count();
    if (counts.old + counts.plain > pass.tampered) return false;
    this.#tell({ reencrypted: this.#reencrypted, ...counts });
    return true;
  }

  /** Over all rows that are not under the current key. */
  async #pass(): Promise<Pass> {
    const { database, cipher, limits } = this.#options;
    const pass: Pass = { reencrypted: 0, tampered: 0 };
    for (let after: string | null = null; !this.#stop.signal.aborted; ) {
      const values = [cipher.currentId, after, limits.rotationRowsMax];
      const rows: Rows = await database.query({ text: pieceText, values });
      pass.reencrypted += await this.#replace(rows as readonly unknown[] as readonly Piece[], pass);
      const last = rows.at(-1);
      if (last === undefined) break;
      after = last[0] as string;
    }
    return pass;
  }

  /** Resolves to the number of those that now are under the current key. */
  async #replace(pieces: readonly Piece[], pass: Pass): Promise<number> {
    const { database, cipher } = this.#options;
    const ids: string[] = [];
    const before: Buffer[] = [];
    const after: Buffer[] = [];
    for (const [listenerId, project, ...columns] of pieces) {
      const place = { project, listenerId };
      try {
        const sealed = cipher.seal(openTlsKey(columns, place, cipher), place);
        if (sealed === null) continue;
        ids.push(listenerId);
        before.push(columns[2] ?? Buffer.from(columns[0] ?? ''));
        after.push(sealed.bytes);
      } catch (error) {
        if (!(error instanceof SecretRefused)) throw error;
        if (error.code === 'secret_tampered') pass.tampered += 1;
      }
    }
    if (ids.length === 0) return 0;
    const values = [cipher.currentId, ids, before, after];
    return (await database.query({ text: replaceText, values })).length;
  }

  /** Of the rows of listeners that are not closed: which key they are under. */
  async #count(): Promise<Counts> {
    const { database, cipher } = this.#options;
    const counts = { current: 0, old: 0, plain: 0, unknown: 0 };
    for (const [keyId, count] of await database.query({ text: countText })) {
      if (keyId === null) counts.plain += Number(count);
      else if (keyId === cipher.currentId) counts.current += Number(count);
      else if (keyId === cipher.oldId) counts.old += Number(count);
      else counts.unknown += Number(count);
    }
    return counts;
  }

  #tell(counts: Counts & { readonly reencrypted: number }): void {
    const { log, cipher } = this.#options;
    if (counts.old + counts.plain + counts.unknown > 0) {
      log.warn(counts, 'TLS keys of listeners stay under a key that is not there, or were changed');
    } else if (cipher.oldId !== null) {
      log.info(counts, 'no TLS key needs KODAMA_SECRET_KEY_OLD any more: it can be dropped');
    } else if (counts.reencrypted > 0) {
      log.info(counts, 'all TLS keys of listeners are encrypted under KODAMA_SECRET_KEY');
    }
  }

  /** Idempotent. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.ended;
  }
}
