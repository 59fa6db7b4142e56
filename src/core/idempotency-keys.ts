import { type AppError, idempotencyFull } from './errors.ts';
import { defaultProject, type ProjectRef } from './project.ts';
import type { Micros } from './time.ts';

/** Answers kept under the keys of their calls. All methods throw `unavailable` as all of the store does. */
export interface IdempotencyKeys {
  /**
   * Takes a key that is new or has expired, or whose run was lost: with the same body, its process gone or the
   * run older than `lostBefore`. Else what is known under the key.
   * @throws resource_exhausted for a new key while `keysMax` keys, or `answerBytesMax` of answers, are kept
   */
  take(take: IdempotencyTake): Promise<IdempotencyRun | IdempotentAnswer>;
  /** Nothing where another run has taken the key over, as of a run that was taken for lost. */
  keep(key: string, run: IdempotencyRun, body: string): Promise<void>;
  /** As keep; one that has its answer stays. */
  release(key: string, run: IdempotencyRun): Promise<void>;
  /** As keep; the next call under the key is told its seed, as that of a run that was lost. */
  leave(key: string, run: IdempotencyRun): Promise<void>;
}

/** Of all projects. */
export interface IdempotencyKeeping {
  /** Deletes at most `limit` keys that have expired; resolves with whether there may be more. @throws unavailable */
  purge(expiresBefore: Micros, limit: number): Promise<boolean>;
}

export interface IdempotencyTake {
  readonly key: string;
  readonly seed: string;
  readonly bodyHash: string;
  /** What a clock that was ahead made expires, too: once it is as much later than now. */
  readonly expiresBefore: Micros;
  readonly lostBefore: Micros;
  readonly keysMax: number;
  readonly answerBytesMax: number;
}

/** The ids of what a run makes follow from its seed, a UUID. A lost run's seed is that of the run after it. */
export interface IdempotencyRun {
  readonly seed: string;
  /** Which of the runs of its key it is. */
  readonly takenAt: Micros;
}

/** The body is null while the first call is under way. */
export interface IdempotentAnswer {
  readonly bodyHash: string;
  readonly body: string | null;
}

export interface KeptAnswers {
  readonly count: number;
  readonly bytes: number;
}

/** What refuses a new key, if anything: all have one bound, and a project but the first at most half of it. */
export function fullness(
  own: KeptAnswers,
  all: Iterable<KeptAnswers>,
  project: ProjectRef,
  { keysMax, answerBytesMax }: Pick<IdempotencyTake, 'keysMax' | 'answerBytesMax'>,
): AppError | null {
  const kept = [...all];
  const share = project === defaultProject ? 1 : 1 / 2;
  const reached = (of: keyof KeptAnswers, max: number): number | null => {
    const ownMax = Math.ceil(max * share);
    if (own[of] >= ownMax) return ownMax;
    return kept.reduce((sum, each) => sum + each[of], 0) >= max ? max : null;
  };
  const keys = reached('count', keysMax);
  if (keys !== null) return idempotencyFull('idempotencyKeysMax', keys);
  const bytes = reached('bytes', answerBytesMax);
  return bytes === null ? null : idempotencyFull('idempotencyAnswerBytesMax', bytes);
}
