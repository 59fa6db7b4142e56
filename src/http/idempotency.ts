/**
 * One effect for one key: a POST that is repeated under its `Idempotency-Key` gets the answer of the first.
 * A failure that may pass (a limit, the store away) leaves the key free. A run that was lost between its effect
 * and its answer, since its process died, is run again under the same ids: it finds what it made.
 */
import { createHash } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';
import { AppError, invalidField } from '../core/errors.ts';
import type { Clock, IdempotentAnswer, Logger, Store } from '../core/ports.ts';

export type IdempotencyKeys = Pick<
  Store,
  'takeIdempotencyKey' | 'keepIdempotentAnswer' | 'releaseIdempotencyKey'
>;

export interface Answer {
  readonly status: number;
  /** JSON. */
  readonly body: string;
  readonly isReplayed: boolean;
}

export interface IdempotentCall {
  /** As the caller sent it. */
  readonly key: string | undefined;
  /** Keys of different calls have nothing to do with each other: method and path. */
  readonly scope: string;
  readonly body: unknown;
  /** The answer of a failure that is thrown, to be kept. */
  readonly refuse: (error: unknown) => { readonly status: number; readonly body: string };
  readonly run: (run: Run | null) => Promise<{ readonly status: number; readonly body: unknown }>;
}

/** Null where the call has no key. */
export interface Run {
  /** For what the run makes: the same ids in every run of the key. */
  readonly ids: (count: number) => readonly string[];
  /** An earlier run was lost: what it was to make may be there. */
  readonly isResumed: boolean;
}

export interface IdempotencyOptions {
  readonly keys: IdempotencyKeys;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly ttlMs: number;
  /** A run without an answer for so long is lost. */
  readonly runTimeoutMs: number;
  readonly keysMax: number;
  readonly answerBytesMax: number;
}

/**
 * @throws invalid_argument for a key that is none, idempotency_mismatch for one of another body,
 *   failed_precondition while the first call is under way, resource_exhausted when too many keys are kept, and
 *   what the call throws
 */
export async function answerOnce(
  options: IdempotencyOptions,
  call: IdempotentCall,
): Promise<Answer> {
  if (call.key === undefined) return fresh(await call.run(null));
  if (!/^[\x21-\x7e]{1,255}$/.test(call.key)) {
    throw invalidField('Idempotency-Key', 'must be 1 to 255 visible ASCII characters');
  }
  const { keys, clock, ttlMs, runTimeoutMs, keysMax, answerBytesMax } = options;
  const key = sha256(`${call.scope} ${call.key}`);
  const bodyHash = sha256(JSON.stringify(call.body));
  const seed = uuidv7();
  const before = (ms: number) => clock.now() - ms * 1000;
  const times = { expiresBefore: before(ttlMs), lostBefore: before(runTimeoutMs) };
  const take = { key, bodyHash, seed, ...times, keysMax, answerBytesMax };
  const taken = await keys.takeIdempotencyKey(take);
  if (!('seed' in taken)) return replay(taken, bodyHash);
  const ids = (count: number) => Array.from({ length: count }, (_, at) => idAfter(taken.seed, at));
  return await runOnce(options, key, call, { ids, isResumed: taken.seed !== seed });
}

/** The UUID that lies so far behind: only its last, random bits are another's. */
function idAfter(seed: string, distance: number): string {
  const last = (Number.parseInt(seed.slice(-8), 16) + distance) % 2 ** 32;
  return seed.slice(0, -8) + last.toString(16).padStart(8, '0');
}

function replay({ bodyHash, status, body }: IdempotentAnswer, wanted: string): Answer {
  if (bodyHash !== wanted) {
    throw new AppError(
      'idempotency_mismatch',
      'Idempotency-Key: it was used with another body; a new request needs a new key',
    );
  }
  if (status === null || body === null) {
    throw new AppError(
      'failed_precondition',
      'Idempotency-Key: the first request with it is still running',
    );
  }
  return { status, body, isReplayed: true };
}

async function runOnce(
  { keys, logger }: IdempotencyOptions,
  key: string,
  call: IdempotentCall,
  run: Run,
): Promise<Answer> {
  const warn = (err: unknown) => logger.warn({ err }, 'an idempotency key was not settled');
  try {
    const answer = fresh(await call.run(run));
    await keys.keepIdempotentAnswer(key, answer.status, answer.body).catch(warn);
    return answer;
  } catch (error) {
    const { status, body } = call.refuse(error);
    const settled =
      status >= 500 || status === 429
        ? keys.releaseIdempotencyKey(key)
        : keys.keepIdempotentAnswer(key, status, body);
    await settled.catch(warn);
    throw error;
  }
}

function fresh({ status, body }: { status: number; body: unknown }): Answer {
  return { status, body: JSON.stringify(body), isReplayed: false };
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}
