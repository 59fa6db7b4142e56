/** How the command ends, and what it says when it could not do what was asked. */

export const exitCodes = {
  done: 0,
  failed: 1,
  usage: 2,
  notMet: 3,
  unreachable: 4,
  /** As a shell has it: the signal comes on top. */
  signal: 128,
  interrupted: 130,
} as const;

/** What is known of a problem; what the API answers has more, such as `errors`, `owner` and `limit`. */
export interface ProblemLike {
  readonly code: string;
  readonly detail: string;
  readonly status?: number;
  /** The one that is reached, and its value. */
  readonly limit?: string;
  readonly limitValue?: number;
  /** Each field that is wrong; the detail tells the first. */
  readonly errors?: readonly { readonly path: string; readonly message: string }[];
}

/** A failure that can be expected: told in words, or as the problem itself. */
export class CommandFailure extends Error {
  override readonly name: string = 'CommandFailure';
  readonly exitCode: number;
  readonly problem: ProblemLike;
  /** What to do about it, for whoever sits at a terminal. */
  readonly hint: string | null;
  /** What to do about it, for whoever reads the log of a CI run, too. */
  readonly remedy: string | null = null;

  constructor(
    exitCode: number,
    problem: ProblemLike,
    { hint = null, cause }: { readonly hint?: string | null; readonly cause?: unknown } = {},
  ) {
    super(problem.detail, cause === undefined ? undefined : { cause });
    this.exitCode = exitCode;
    this.problem = problem;
    this.hint = hint;
  }
}

/** The API has refused it: its own problem. */
export class Refused extends CommandFailure {
  override readonly name = 'Refused';
  override readonly remedy: string | null;

  constructor(problem: ProblemLike) {
    super(problem.code === 'not_met' ? exitCodes.notMet : exitCodes.failed, problem);
    this.remedy =
      problem.code === 'unauthenticated'
        ? 'set KODAMA_API_TOKEN, or give --token-file FILE; kodama login tests it'
        : null;
  }

  /** It may pass by itself, so the same may be asked again. */
  get isPassing(): boolean {
    const { status = 0, code } = this.problem;
    return status >= 500 || code === 'unavailable' || code === 'resource_exhausted';
  }

  /** It came too soon after others, and was not begun. */
  get isTooFast(): boolean {
    const { limit, limitValue } = this.problem;
    return limit === 'requestsPerSecond' && limitValue !== 0;
  }
}

/** Nobody answered, or not to the end. */
export class Unreachable extends CommandFailure {
  override readonly name = 'Unreachable';
  /** Nobody listens there, nothing is known of the place, or who is there speaks something else. */
  readonly isNobodyThere: boolean;

  constructor(url: string, what: string, cause?: unknown) {
    const detail = `cannot reach kodama at ${url}: ${what}`;
    const { code } = (cause ?? {}) as { readonly code?: unknown };
    super(exitCodes.unreachable, { code: 'unreachable', detail }, { hint: hintOf(code), cause });
    this.isNobodyThere = /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN)$/.test(String(code)) || isOther(code);
  }
}

/** The same may be answered later. */
export function isPassing(error: unknown): error is CommandFailure {
  return error instanceof Unreachable || (error instanceof Refused && error.isPassing);
}

function hintOf(code: unknown): string {
  if (/CERT|VERIFY/.test(String(code)))
    return 'KODAMA_CA_CERT or --ca-cert names the authority of its certificate';
  return isOther(code)
    ? 'KODAMA_URL or --url says where REST is, by default http://127.0.0.1:8080'
    : 'kodama up starts it here; KODAMA_URL or --url says where else it is';
}

/** What Node's parsers of HTTP and TLS say where who answers speaks neither. */
function isOther(code: unknown): boolean {
  return /^HPE_|^EPROTO$/.test(String(code));
}

/** The command line asks for what cannot be. */
export function usageFailure(detail: string): CommandFailure {
  return new CommandFailure(exitCodes.usage, { code: 'usage', detail });
}

/** It could not be done, for a reason of this side. */
export function failed(detail: string, hint: string | null = null): CommandFailure {
  return new CommandFailure(exitCodes.failed, { code: 'failed', detail }, { hint });
}
