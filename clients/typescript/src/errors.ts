/** What a call ends with when it is not done. */
import type { Connection, Problem } from './types.ts';

/** kodama refused the call, or failed: `code` is for programs, the message for people. */
export class KodamaError extends Error {
  readonly problem: Problem;

  constructor(problem: Problem, options?: ErrorOptions) {
    super(problem.detail ?? problem.title, options);
    this.name = new.target.name;
    this.problem = problem;
  }

  /** Words may be added: take one that you do not know. */
  get code(): string {
    return this.problem.code;
  }

  get status(): number {
    return this.problem.status;
  }
}

/** What was waited for is not on record: the message shows what is, and what nearly matched. */
export class NotMetError extends KodamaError {
  constructor(problem: Problem) {
    super({ ...problem, detail: notMetText(problem) });
  }

  /** `timeout`, `exceeded` or `over`. */
  get why(): string {
    return this.problem.why ?? '';
  }

  get count(): number {
    return this.problem.count ?? 0;
  }

  get near(): NonNullable<Problem['near']> {
    return this.problem.near ?? [];
  }
}

/** Nobody answered at the URL. */
export class UnreachableError extends Error {
  override readonly name = 'UnreachableError';
}

export function errorOf(problem: Problem): KodamaError {
  return problem.code === 'not_met' ? new NotMetError(problem) : new KodamaError(problem);
}

function notMetText({ detail, connections = [], near = [] }: Problem): string {
  const matched = connections.map((connection) => `  matched  ${textOf(connection)}`);
  const nearly = near.map(
    (one) => `  near     ${textOf(one as Told)}  (${one.differs.join(', ')})`,
  );
  return [detail, ...matched, ...nearly].join('\n');
}

type Told = Partial<Connection> & { readonly type?: unknown };

/** Of a connection; of what is none, what it is. */
function textOf(one: Told): string {
  const { raddr, state, closeReason, bytesIn, bytesOut } = one;
  if (state === undefined) return String(one.type);
  const from = raddr ? `${raddr.ip}:${raddr.port}` : 'an address that is not known';
  return `${from}  ${closeReason ?? state}  in ${bytesIn} out ${bytesOut}`;
}
