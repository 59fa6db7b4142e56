/**
 * One effect for one key: a call that is repeated under its `Idempotency-Key` gets the answer of the first, through
 * either edge. Input that is not valid, and a failure that may pass (a limit, the store away), leave the key free. A run
 * that was lost between its effect and its answer, since its process died, is run again under the same ids: it finds
 * what it made.
 */
import { createHash } from 'node:crypto';
import type { Caller } from '../core/caller.ts';
import { canonicalJson } from '../core/canonical-json.ts';
import {
  AppError,
  type ErrorCode,
  type ErrorDetails,
  hasCode,
  invalidField,
  Unsettled,
  unsettled,
} from '../core/errors.ts';
import type {
  IdempotencyKeys,
  IdempotencyRun,
  IdempotentAnswer,
} from '../core/idempotency-keys.ts';
import type { Clock, Logger } from '../core/ports.ts';
import { idAt } from '../tenancy/id-at.ts';

export interface IdempotencyLimits {
  readonly idempotencyTtlMs: number;
  /** A call under a key that has no answer after so long was lost. */
  readonly idempotencyRunTimeoutMs: number;
  /** Keys that are kept, of all nodes; beyond it a new one is refused, for none that was promised is forgotten. */
  readonly idempotencyKeysMax: number;
  /** Of the answers kept under them. */
  readonly idempotencyAnswerBytesMax: number;
}

export interface IdempotencyOptions {
  /** Those of the project. */
  readonly keysOf: (caller: Pick<Caller, 'project'>) => Promise<IdempotencyKeys>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits: IdempotencyLimits;
}

interface IdempotentCall<Output> {
  readonly caller: Pick<Caller, 'project'>;
  /** As the caller sent it. */
  readonly key: string;
  /** Keys of different calls have nothing to do with each other. */
  readonly scope: readonly string[];
  /** What it asks for. */
  readonly given: unknown;
  readonly run: (run: Run) => Promise<Output>;
  /** What is kept of its answer: not a secret. */
  readonly kept: (output: Output) => unknown;
}

/** One try of a call that has a key. */
export interface Run {
  /** For what the run makes: the same ids in every run of the key. */
  readonly ids: (count: number) => readonly string[];
  /** An earlier run was lost: what it was to make may be there. */
  readonly isResumed: boolean;
}

export interface Answer<Output> {
  readonly output: Output;
  readonly isReplayed: boolean;
}

/** What is kept under a key. */
type Outcome =
  | { readonly output: unknown }
  | {
      readonly error: ErrorDetails & { readonly code: ErrorCode; readonly message: string };
    };

/**
 * @throws invalid_argument for a key that is none, idempotency_mismatch for one of another request,
 *   failed_precondition while the first call is under way, resource_exhausted when too many keys are kept, and
 *   what the call throws, or threw
 */
export async function answerOnce<Output>(
  options: IdempotencyOptions,
  call: IdempotentCall<Output>,
): Promise<Answer<Output>> {
  if (!/^[\x21-\x7e]{1,255}$/.test(call.key)) {
    throw invalidField('Idempotency-Key', 'must be 1 to 255 visible ASCII characters');
  }
  const { keysOf, clock, limits } = options;
  const keys = await keysOf(call.caller);
  const key = sha256(JSON.stringify([...call.scope, call.key]));
  const bodyHash = sha256(canonicalJson(call.given));
  const seed = idAt(clock.now());
  const before = (ms: number) => clock.now() - ms * 1000;
  const taken = await keys.take({
    key,
    bodyHash,
    seed,
    expiresBefore: before(limits.idempotencyTtlMs),
    lostBefore: before(limits.idempotencyRunTimeoutMs),
    keysMax: limits.idempotencyKeysMax,
    answerBytesMax: limits.idempotencyAnswerBytesMax,
  });
  if (!('seed' in taken)) {
    // What is taken was kept as the answer of this very call.
    return { output: replay(taken, bodyHash) as Output, isReplayed: true };
  }
  const ids = (count: number) => Array.from({ length: count }, (_, at) => idAfter(taken.seed, at));
  const run = { ids, isResumed: taken.seed !== seed };
  const output = await runOnce({ keys, logger: options.logger, key, taken }, { run, call });
  return { output, isReplayed: false };
}

/**
 * What a lost run made, or else makes: that may have been on its way still, and be what stands in the way now. Where it
 * can not be looked for, nothing is made. @throws Unsettled then, and what `make` throws
 */
export async function foundOrMade<Made>(
  run: Run | null,
  find: () => Promise<Made | null>,
  make: () => Promise<Made>,
): Promise<Made> {
  const unknown = (error: unknown) => Promise.reject(unsettled(error));
  const found = async () => (run?.isResumed ? await find().catch(unknown) : null);
  const late = async (error: unknown) => {
    // What is there after this one may be undone yet.
    const made = hasCode(error, 'unavailable') ? null : await found();
    return made ?? Promise.reject(error);
  };
  return (await found()) ?? (await make().catch(late));
}

/** The UUID that lies so far behind: only its last, random bits are another's. */
function idAfter(seed: string, distance: number): string {
  const last = (Number.parseInt(seed.slice(-8), 16) + distance) % 2 ** 32;
  return seed.slice(0, -8) + last.toString(16).padStart(8, '0');
}

function replay({ bodyHash, body }: IdempotentAnswer, wanted: string): unknown {
  if (bodyHash !== wanted) {
    const message = 'it was used with another body; a new request needs a new key';
    throw new AppError('idempotency_mismatch', `Idempotency-Key: ${message}`);
  }
  if (body === null) {
    const message = 'the first request with it is still running';
    throw new AppError('failed_precondition', `Idempotency-Key: ${message}`);
  }
  const outcome: Outcome = JSON.parse(body);
  if ('output' in outcome) return outcome.output;
  const { code, message, ...details } = outcome.error;
  throw new ReplayedError(code, message, details);
}

/** The failure of the first call, told again. */
export class ReplayedError extends AppError {}

interface Taken {
  readonly keys: IdempotencyKeys;
  readonly key: string;
  readonly taken: IdempotencyRun;
  readonly logger: Logger;
}

async function runOnce<Output>(
  { keys, logger, key, taken }: Taken,
  { run, call }: { readonly run: Run; readonly call: IdempotentCall<Output> },
): Promise<Output> {
  const warn = (err: unknown) => logger.warn({ err }, 'an idempotency key was not settled');
  const keep = (outcome: Outcome) => keys.keep(key, taken, JSON.stringify(outcome));
  try {
    // A call without an answer has one all the same: null, as JSON has it.
    const output = await call.run(run);
    await keep({ output: call.kept(output) ?? null }).catch(warn);
    return output;
  } catch (error) {
    if (error instanceof Unsettled || run.isResumed) {
      // What this run, or a lost one, makes may be there all the same: the next looks for it under the same ids.
      await keys.leave(key, taken).catch(warn);
    } else if (isLasting(error)) {
      const { code, message, details } = error;
      await keep({ error: { code, message, ...details } }).catch(warn);
    } else {
      await keys.release(key, taken).catch(warn);
    }
    throw error;
  }
}

const leavesFree: ReadonlySet<ErrorCode> = new Set([
  ...(['invalid_argument', 'internal', 'unavailable', 'resource_exhausted'] as const),
]);

/** Who is told when to try again is not answered the same then. */
function isLasting(error: unknown): error is AppError {
  if (!(error instanceof AppError) || leavesFree.has(error.code)) return false;
  return error.details.retryAfterMs === undefined;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}
