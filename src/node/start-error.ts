/** Why kodama cannot start as it is set up, in words that say what to change. Such an error needs no stack. */
import { hasCode } from '../core/errors.ts';

export class StartError extends Error {
  override readonly name = 'StartError';
}

/** Does one step of the start; what it fails of for reasons outside the program becomes a StartError. */
export async function orStartError<Result>(
  work: () => Promise<Result>,
  words: (reason: string) => string,
): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (isBug(error)) throw error;
    // The system names the file in its words, and ours may have before.
    const text = words(reasonOf(error)).replace(/(\((.+)\).*), \w+ '\2'$/, '$1');
    throw new StartError(text, { cause: error });
  }
}

/** An error of the language is ours, an abort is the caller's: neither is a matter of set-up. */
function isBug(error: unknown): boolean {
  return (
    !(error instanceof Error) ||
    error instanceof TypeError ||
    error instanceof RangeError ||
    error instanceof ReferenceError ||
    error.name === 'AbortError'
  );
}

/** The innermost words: `the database is away` alone helps nobody. A connect to a name has several reasons. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) {
    return [...new Set(error.errors.map(reasonOf))].join(', ');
  }
  if (hasCode(error, 'unavailable') && error instanceof Error && error.cause !== undefined) {
    return reasonOf(error.cause);
  }
  return error instanceof Error ? error.message : String(error);
}
