/**
 * The keys that metrics were read with. The metrics tell that the database is away, so these keys are taken as they were
 * last known while nobody can be asked about them: for a while, and for that alone.
 */
import type { Identity, Scope } from '../core/caller.ts';
import { hasCode } from '../core/errors.ts';
import type { FoundKey } from './api-key.ts';
import { assertGood, identityOf } from './good-key.ts';

export const metricsRead = { name: 'getMetrics', scope: 'metrics:read' } as const satisfies {
  readonly name: string;
  readonly scope: Scope;
};

export interface MetricsReaderLimits {
  /** How long after its last look-up a key is taken. */
  readonly metricsKeyTtlMs: number;
  readonly metricsKeysMax: number;
}

interface Reader {
  readonly key: FoundKey;
  /** Of a clock that never jumps. */
  readonly untilMs: number;
}

interface FoundReader {
  readonly key: FoundKey;
  readonly identity: Identity;
}

export class MetricsReaders {
  readonly #limits: MetricsReaderLimits;
  /** By digest; who read last is the last. */
  readonly #readers = new Map<string, Reader>();

  constructor(limits: MetricsReaderLimits) {
    this.#limits = limits;
  }

  get digests(): readonly string[] {
    return [...this.#readers.keys()];
  }

  /** Of a call that was let in, by a key or without one. */
  keep(digest: string | null, key: FoundKey | null, operation: string | null): void {
    if (digest === null || operation !== metricsRead.name) return;
    if (key === null || !key.scopes.includes(metricsRead.scope)) return;
    const reader = this.#readers.get(digest) ?? this.#reader(key);
    this.#readers.delete(digest);
    this.#readers.set(digest, reader);
    const [oldest = digest] = this.#readers.keys();
    if (this.#readers.size > this.#limits.metricsKeysMax) this.#readers.delete(oldest);
  }

  /** What the database says of a key, ended or not; null: it is nobody's. */
  learn(digest: string, key: FoundKey | null): void {
    if (!this.#readers.has(digest)) return;
    if (key === null) this.#readers.delete(digest);
    else this.#readers.set(digest, this.#reader(key));
  }

  /** Who it was when it was last looked up. @throws what kept it from being looked up, unauthenticated */
  insteadOf(error: unknown, digest: string, operation: string | null, now: number): FoundReader {
    const reader = operation === metricsRead.name ? this.#readers.get(digest) : undefined;
    if (!hasCode(error, 'unavailable') || reader === undefined) throw error;
    if (reader.untilMs <= performance.now()) throw error;
    const { key } = reader;
    assertGood(key, digest, now);
    return { key, identity: identityOf(key, digest) };
  }

  #reader(key: FoundKey): Reader {
    return { key, untilMs: performance.now() + this.#limits.metricsKeyTtlMs };
  }
}
