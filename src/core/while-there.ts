/** Callers who go away: what nobody waits for any more, and what goes on all the same. */
import type { Caller } from './caller.ts';
import { AppError } from './errors.ts';

/** What a caller's signal is aborted with. Nobody is there to read it. */
export function callerGone(): AppError {
  return new AppError('unavailable', 'the caller went away');
}

/** Waits no longer than the caller does; the work itself goes on. @throws what the signal was aborted with */
export async function whileThere<Result>(
  { signal }: Pick<Caller, 'signal'>,
  work: Promise<Result>,
): Promise<Result> {
  if (signal.aborted) {
    work.catch(() => undefined);
    throw signal.reason;
  }
  const { promise: gone, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([work, gone]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

export interface LeftCallLimits {
  /** Of one project, that go on without their callers. */
  readonly leftCallsPerProjectMax: number;
  /** Of all projects. */
  readonly leftCallsMax: number;
}

/** As the log tells of it. */
export interface LeftCall {
  readonly requestId: string;
  readonly route: string;
  readonly isLeft: true;
}

type LeavingCaller = Pick<Caller, 'project' | 'signal' | 'requestId' | 'operation'>;

export interface LeftCallsOptions {
  readonly limits: LeftCallLimits;
  /** Told of what fails once its caller has left: nobody else hears of it. */
  readonly onFailed: (error: unknown, of: LeftCall) => void;
}

/**
 * Calls that go on without their callers: what has begun to change something is brought to its end. Who is there has a
 * connection, of which there are only so many; who has left may call again at once.
 */
export class LeftCalls {
  readonly #limits: LeftCallLimits;
  readonly #onFailed: LeftCallsOptions['onFailed'];
  readonly #counts = new Map<string, number>();
  #count = 0;

  constructor({ limits, onFailed }: LeftCallsOptions) {
    this.#limits = limits;
    this.#onFailed = onFailed;
  }

  /**
   * Waits no longer than the caller does.
   * @throws what it throws, what the signal was aborted with; before it is begun resource_exhausted where too many of its
   *   project's go on, or of all
   */
  async whileThere<Result>(caller: LeavingCaller, begin: () => Promise<Result>): Promise<Result> {
    caller.signal.throwIfAborted();
    this.#assertRoom(caller.project);
    return await whileThere(caller, this.#counted(caller, begin));
  }

  async #counted<Result>(caller: LeavingCaller, begin: () => Promise<Result>): Promise<Result> {
    const { project, signal, requestId, operation: route } = caller;
    let hasLeft = false;
    const leave = () => {
      hasLeft = true;
      this.#add(project, 1);
    };
    signal.addEventListener('abort', leave, { once: true });
    try {
      return await begin();
    } catch (error) {
      if (hasLeft) this.#onFailed(error, { requestId, route, isLeft: true });
      throw error;
    } finally {
      signal.removeEventListener('abort', leave);
      if (hasLeft) this.#add(project, -1);
    }
  }

  #assertRoom(project: string): void {
    const { leftCallsPerProjectMax, leftCallsMax } = this.#limits;
    const own = this.#counts.get(project) ?? 0;
    if (own < leftCallsPerProjectMax && this.#count < leftCallsMax) return;
    const message = 'too many calls go on whose callers have left: ask again when they are done';
    const limit = own >= leftCallsPerProjectMax ? 'leftCallsPerProjectMax' : 'leftCallsMax';
    const details = { limit, limitValue: this.#limits[limit], retryAfterMs: 1000 };
    throw new AppError('resource_exhausted', message, details);
  }

  #add(project: string, change: 1 | -1): void {
    this.#count += change;
    const count = (this.#counts.get(project) ?? 0) + change;
    if (count === 0) this.#counts.delete(project);
    else this.#counts.set(project, count);
  }
}
