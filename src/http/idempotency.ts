/**
 * One effect for one key: a POST that is repeated under its `Idempotency-Key` gets the answer of the first.
 * A failure that may pass (a limit, the store away) leaves the key free.
 */
import { createHash } from 'node:crypto';
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
  readonly run: () => Promise<{ readonly status: number; readonly body: unknown }>;
}

export interface IdempotencyOptions {
  readonly keys: IdempotencyKeys;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly ttlMs: number;
}

/**
 * @throws invalid_argument for a key that is none, idempotency_mismatch for one of another body,
 *   failed_precondition while the first call is under way, and what the call throws
 */
export async function answerOnce(
  options: IdempotencyOptions,
  call: IdempotentCall,
): Promise<Answer> {
  if (call.key === undefined) return fresh(await call.run());
  if (!/^[\x21-\x7e]{1,255}$/.test(call.key)) {
    throw invalidField('Idempotency-Key', 'must be 1 to 255 visible ASCII characters');
  }
  const { keys, clock, ttlMs } = options;
  const key = sha256(`${call.scope} ${call.key}`);
  const bodyHash = sha256(JSON.stringify(call.body));
  const kept = await keys.takeIdempotencyKey(key, bodyHash, clock.now() - ttlMs * 1000);
  return kept === null ? await runOnce(options, key, call) : replay(kept, bodyHash);
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
): Promise<Answer> {
  const warn = (err: unknown) => logger.warn({ err }, 'an idempotency key was not settled');
  try {
    const answer = fresh(await call.run());
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
