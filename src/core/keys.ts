/** How a caller is known: by the key that it shows. */
import type { Identity } from './caller.ts';

/** What a caller shows of itself. */
export interface Shown {
  readonly secret: string | null;
  /** The project that it names. */
  readonly project: string | null;
  readonly sourceIp: string | null;
  readonly userAgent: string | null;
  readonly requestId: string;
  /** What it calls, as far as that can be told; null: nothing that has a name. */
  readonly operation: string | null;
}

/** Watches over a call that goes on for long. */
export interface KeyWatch extends Disposable {
  /** Aborts with `unauthenticated` once the key is known to have ended. */
  readonly signal: AbortSignal;
  /** Nothing while the key is known to be good; else a promise of it. @throws unauthenticated */
  good(): Promise<void> | null;
}

export interface Keys {
  /**
   * Names whoever shows a key, and the project that it is for.
   * @throws unauthenticated, resource_exhausted (too many that are none, from one address), not_found (another
   *   project), invalid_argument (no name of one), unavailable
   */
  identify(shown: Shown): Promise<Identity>;
  watch(identity: Identity): KeyWatch;
}
