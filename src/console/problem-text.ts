/** What a call was refused for, in the words of the page where it has some, else in those of the API. */
import type { Problem } from './api.ts';
import type { Words } from './words-english.ts';

export function problemText({ code, detail, scope }: Problem, words: Words): string {
  if (code === 'unreachable') return words.problem.unreachable;
  if (code === 'permission_denied' && typeof scope === 'string') return words.session.lacks(scope);
  return detail;
}
