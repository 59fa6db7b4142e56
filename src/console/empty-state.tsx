/** What a kodama shows in which nothing listens: one button, and two lines for who prefers a terminal. */
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { CallFailure } from './api.ts';
import { listenLine } from './connect-lines.ts';
import { useConsole } from './console-context.ts';
import { CommandLine } from './copy-button.tsx';
import { useCurl } from './use-curl.ts';
import { useHindrance } from './use-hindrance.ts';

/** The children are what is said before it. */
export function EmptyState({ children }: { readonly children: ComponentChildren }) {
  const { caller, log, router, words } = useConsole();
  const { live } = words;
  const isWithoutNode = log.status.value?.nodeId === null && caller.may('nodes:read');
  const why = useHindrance('listeners:write');
  const curl = useCurl();
  return (
    <section class="page empty">
      {children}
      <h1>{live.emptyTitle}</h1>
      <p class="soft">{live.emptyText}</p>
      {isWithoutNode && (
        <p>
          {live.withoutNode} <a href={router.href('/nodes')}>{words.pages.nodes}</a>
        </p>
      )}
      {why === null ? <OpenButton /> : <p class="soft">{why}</p>}
      {why === null && (
        <div class="lines">
          <h2>{live.fromTerminal}</h2>
          <CommandLine text={listenLine(location.origin, router.query.value.get('project'))} />
          <CommandLine text={curl('POST', '/v1/listeners')} />
        </div>
      )}
      {log.problem.value !== null && <p class="bad">{log.problem.value.detail}</p>}
    </section>
  );
}

function OpenButton() {
  const { api, log, router, words } = useConsole();
  const [isOpening, setOpening] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const open = async () => {
    setOpening(true);
    setProblem(null);
    try {
      await api.call('POST', '/v1/listeners', { body: { host: '127.0.0.1' } });
      router.change({ listener: null });
      await log.refresh();
    } catch (error) {
      if (!(error instanceof CallFailure)) throw error;
      setProblem(error.problem.detail);
    } finally {
      setOpening(false);
    }
  };
  return (
    <>
      <p class="first">
        <button type="button" class="main large" disabled={isOpening} onClick={open}>
          {words.live.open}
        </button>
        <span class="soft">{words.live.openHint}</span>
      </p>
      {problem !== null && (
        <p class="bad" role="alert">
          {problem}
        </p>
      )}
    </>
  );
}
