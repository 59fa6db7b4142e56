/** A list of the API as it is for the key and the project of now. */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { CallFailure, type Problem, type Query } from './api.ts';
import { useConsole } from './console-context.ts';

export interface ReadList<Page> {
  /** Null until it was read. */
  readonly page: Page | null;
  readonly problem: Problem | null;
  /** Anew, once what is being read is there. */
  readonly read: () => void;
}

/** `query` is one object for as long as the component is there. What failed is read anew once the status could be. */
export function useList<Page>(path: string, query: Query): ReadList<Page> {
  const { api, log, router } = useConsole();
  const session = api.session.value;
  const project = router.query.value.get('project');
  const [page, setPage] = useState<Page | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const reader = useRef<(() => void) | null>(null);
  useEffect(() => {
    const end = new AbortController();
    setPage(null);
    reader.current = oneAtATime(async () => {
      try {
        setPage(await api.get<Page>(path, query, end.signal));
        setProblem(null);
      } catch (error) {
        if (end.signal.aborted) return;
        if (!(error instanceof CallFailure)) throw error;
        setProblem(error.problem);
      }
    });
    reader.current();
    return () => end.abort();
  }, [api, path, query, session, project]);
  const status = log.status.value;
  useEffect(() => {
    if (problem !== null) reader.current?.();
  }, [status]);
  const read = useCallback(() => reader.current?.(), []);
  return { page, problem, read };
}

/** Whatever is asked for while it runs is one more run after it: who asks often waits for no answer in vain. */
function oneAtATime(run: () => Promise<void>): () => void {
  let isAsked = false;
  let isRunning = false;
  const start = async () => {
    isAsked = true;
    if (isRunning) return;
    isRunning = true;
    try {
      while (isAsked) {
        isAsked = false;
        await run();
      }
    } finally {
      isRunning = false;
    }
  };
  return () => void start();
}
