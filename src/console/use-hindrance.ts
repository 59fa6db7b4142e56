/** Why a control of the page is not for its reader now. */
import type { Scope } from './caller.ts';
import { useConsole } from './console-context.ts';

/** Of what wants the scope and changes what is so now; null where nothing is in the way. */
export function useHindrance(scope: Scope): string | null {
  const { caller, playhead, words } = useConsole();
  if (caller.lacks(scope)) return words.session.lacks(scope);
  return playhead.seq.value === null ? null : words.live.pastNote;
}
