/** Callers who go away: what nobody waits for any more. */
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
