/** The listener whose picture is drawn: what it is, how it is, and what can be done with it. */
import { useState } from 'preact/hooks';
import type { ListenerView } from '../http/resources.ts';
import { CallFailure } from './api.ts';
import { connectLines } from './connect-lines.ts';
import { useConsole } from './console-context.ts';
import { CopyButton } from './copy-button.tsx';
import { Dialog } from './dialog.tsx';
import { listenerName, whereText } from './listener-text.ts';
import { useHindrance } from './use-hindrance.ts';

const marks: Readonly<Record<string, string>> = {
  listening: '●',
  failed: '✕',
  draining: '◐',
};

export function ListenerState({ listener }: { readonly listener: ListenerView }) {
  const { words } = useConsole();
  const { state, reason } = listener;
  return (
    <span class={`state ${state}`} title={reason?.message}>
      <span aria-hidden="true">{marks[state] ?? '○'}</span> {words.live.state[state] ?? state}
    </span>
  );
}

/** Before the name of one: where all of them are. */
export function AllListeners() {
  const { router, words } = useConsole();
  return (
    <span class="above soft">
      <a href={router.href('/listeners')}>{words.live.listeners}</a> /
    </span>
  );
}

export interface ListenerLineProps {
  readonly listener: ListenerView;
  readonly openCount: number;
  /** As far as the page knows: what the list of listeners counts is some seconds old. */
  readonly knownCount: number;
}

export function ListenerLine({ listener, openCount, knownCount }: ListenerLineProps) {
  const { playhead, router, words } = useConsole();
  const { live } = words;
  const [isAsked, setAsked] = useState(false);
  const everCount = Math.max(listener.totalConnections, knownCount);
  const [connect] = connectLines(listener, location.hostname);
  const isLive = playhead.seq.value === null;
  const why = useHindrance('listeners:write');
  return (
    <header class="listener-line">
      <AllListeners />
      <h2>{listenerName(listener)}</h2>
      <span class="mono">{whereText(listener)}</span>
      <ListenerState listener={listener} />
      <span class="number">
        {live.openCount(openCount)}
        {isLive && ` · ${live.everCount(everCount)}`}
      </span>
      {listener.reason !== null && <span class="bad">{listener.reason.message}</span>}
      <span class="line-actions">
        <a class="button" href={router.href(`/listeners/${listener.name ?? listener.id}`)}>
          {live.faults(listener.faults.length)}
        </a>
        {connect !== undefined && <CopyButton text={connect.text} label={live.copyConnect} />}
        <button
          type="button"
          class="danger"
          disabled={why !== null}
          title={why ?? undefined}
          onClick={() => setAsked(true)}
        >
          {live.close}
        </button>
      </span>
      {isAsked && <CloseDialog listener={listener} onClose={() => setAsked(false)} />}
    </header>
  );
}

interface CloseDialogProps {
  readonly listener: ListenerView;
  readonly onClose: () => void;
}

function CloseDialog({ listener, onClose }: CloseDialogProps) {
  const { api, log, words } = useConsole();
  const [problem, setProblem] = useState<string | null>(null);
  const close = async () => {
    try {
      await api.call('DELETE', `/v1/listeners/${listener.id}`);
      onClose();
      await log.refresh();
    } catch (error) {
      if (!(error instanceof CallFailure)) throw error;
      setProblem(error.problem.detail);
    }
  };
  return (
    <Dialog title={`${words.live.close}: ${listenerName(listener)}`} onClose={onClose}>
      <p>{words.live.closeSure}</p>
      {problem !== null && (
        <p class="bad" role="alert">
          {problem}
        </p>
      )}
      <p class="actions">
        <button type="button" onClick={onClose}>
          {words.live.closeNo}
        </button>
        <button type="button" class="main" onClick={close}>
          {words.live.closeYes}
        </button>
      </p>
    </Dialog>
  );
}
