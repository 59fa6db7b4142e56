/** A listener that a page is of, by its name or id. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { ListenerView } from '../http/resources.ts';
import { type Api, CallFailure, type Problem } from './api.ts';
import { useConsole } from './console-context.ts';
import { findListener } from './listener-lookup.ts';

export interface FoundListener {
  /** Null where there is none; undefined until that is known. */
  readonly listener: ListenerView | null | undefined;
  readonly problem: Problem | null;
}

/** At the playhead; one that is closed as its record tells. */
export function useListener(key: string): FoundListener {
  const { api, log, state } = useConsole();
  const [told, setTold] = useState<FoundListener>({ listener: undefined, problem: null });
  const listener = state.value.listeners.findLast(({ id, name }) => [id, name].includes(key));
  // The lists that the log reads have no more than the newest.
  const know = (one: ListenerView) => {
    log.timeline.knowListeners([one]);
    log.draw();
  };
  const isMissing = listener === undefined && log.link.value !== 'connecting';
  useEffect(() => {
    if (!isMissing) return undefined;
    const end = new AbortController();
    let timer: ReturnType<typeof setTimeout>;
    const look = async () => {
      const found = await lookUp(api, key, end.signal);
      if (end.signal.aborted) return;
      if (mayChange(found) && found.listener) know(found.listener);
      setTold(found);
      if (mayChange(found)) timer = setTimeout(look, againMs);
    };
    void look();
    return () => {
      end.abort();
      clearTimeout(timer);
    };
  }, [api, key, isMissing]);
  return listener === undefined ? told : { listener, problem: null };
}

interface LastListener {
  readonly listener: ListenerView;
  readonly project: string | null;
  /** The project of the key; null where that was not known yet. */
  readonly owner: string | null;
}

/**
 * For a page with something to lose, such as a draft: while the log is begun anew, as behind a new sign-in, the listener
 * that was there stays, unless another project is asked.
 */
export function useLastingListener(key: string): FoundListener {
  const { caller, log, router } = useConsole();
  const found = useListener(key);
  const project = router.query.value.get('project');
  const owner = caller.own.value?.id ?? null;
  const last = useRef<LastListener | null>(null);
  const before = last.current;
  if (found.listener) {
    last.current = { listener: found.listener, project, owner: owner ?? before?.owner ?? null };
    return found;
  }
  const isUnknown = found.listener === undefined && found.problem === null;
  if (before === null || (log.link.value === 'following' && !isUnknown)) return found;
  const isOfOthers = owner !== null && before.owner !== null && owner !== before.owner;
  if (isOfOthers || before.project !== project) return found;
  return { listener: before.listener, problem: null };
}

const againMs = 500;

/** Who may not ask is not helped by asking again. */
const finalCodes: readonly string[] = ['unauthenticated', 'permission_denied'];

/**
 * Its end is in the log a moment before whoever is asked for it knows of it; and who does not answer now, or has too
 * much to do, may later.
 */
function mayChange({ listener, problem }: FoundListener): boolean {
  if (problem !== null) return !finalCodes.includes(problem.code);
  return listener !== null && listener?.state !== 'closed';
}

async function lookUp(api: Api, key: string, signal: AbortSignal): Promise<FoundListener> {
  try {
    return { listener: await findListener(api, key, signal), problem: null };
  } catch (error) {
    if (signal.aborted) return { listener: undefined, problem: null };
    if (!(error instanceof CallFailure)) throw error;
    return { listener: undefined, problem: error.problem };
  }
}
