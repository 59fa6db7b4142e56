/** What an answer says, of a kodama, of a proxy before it, or of something else. */
import { otherSpeech } from './broken-call.ts';
import { type CommandFailure, failed, type ProblemLike, Refused, Unreachable } from './failure.ts';

export function refusal(status: number, text: string, url: string): Error {
  const problem = parsed(text);
  if (isProblem(problem)) return new Refused(problem);
  const other = otherSpeech(text);
  if (other !== null) return new Unreachable(url, other, { code: 'EPROTO' });
  // So a proxy tells that kodama does not answer, as while that restarts.
  if (status >= 502 && status <= 504) return new Unreachable(url, `who is there says ${status}`);
  return notKodama(status, url);
}

export function notKodama(status: number, url: string): CommandFailure {
  return failed(`${url} answers ${status}, and not as a kodama does: is it one?`);
}

export function parseJson(text: string, url: string): unknown {
  const value = parsed(text);
  if (value === undefined) throw failed(`${url} answers no JSON: is it a kodama?`);
  return value;
}

/** Undefined where it is no JSON. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isProblem(value: unknown): value is ProblemLike {
  const { code, detail } = (value ?? {}) as Partial<ProblemLike>;
  return typeof code === 'string' && typeof detail === 'string';
}
