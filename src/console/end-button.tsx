/** Closes a listener: at once, or after its connections had time to end by themselves. */
import { useState } from 'preact/hooks';
import type { ListenerView } from '../http/resources.ts';
import { CallFailure } from './api.ts';
import { useConsole } from './console-context.ts';
import { Dialog } from './dialog.tsx';
import { listenerName } from './listener-text.ts';
import { spanText } from './spans.ts';
import { useHindrance } from './use-hindrance.ts';

const drains = [0, 10_000, 60_000, 600_000];

export function EndButton({ listener }: { readonly listener: ListenerView }) {
  const { words } = useConsole();
  const [isAsked, setAsked] = useState(false);
  const why = useHindrance('listeners:write');
  return (
    <>
      <button
        type="button"
        class="danger"
        disabled={why !== null}
        title={why ?? undefined}
        onClick={() => setAsked(true)}
      >
        {words.listener.end}
      </button>
      {isAsked && <EndDialog listener={listener} onClose={() => setAsked(false)} />}
    </>
  );
}

interface EndDialogProps {
  readonly listener: ListenerView;
  readonly onClose: () => void;
}

function EndDialog({ listener, onClose }: EndDialogProps) {
  const { api, log, words } = useConsole();
  const [drainMs, setDrainMs] = useState(0);
  const [isEnding, setEnding] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const end = async () => {
    setEnding(true);
    try {
      await api.call('DELETE', `/v1/listeners/${listener.id}`, { query: { drainMs } });
      onClose();
      await log.refresh();
    } catch (error) {
      if (!(error instanceof CallFailure)) throw error;
      setProblem(error.problem.detail);
    } finally {
      setEnding(false);
    }
  };
  return (
    <Dialog title={`${words.listener.end}: ${listenerName(listener)}`} onClose={onClose}>
      <fieldset class="choices">
        {drains.map((ms) => (
          <label key={ms} class="switch">
            <input
              type="radio"
              name="drain"
              checked={ms === drainMs}
              onChange={() => setDrainMs(ms)}
            />
            {ms === 0 ? words.listener.endNow : words.listener.endDrain(spanText(ms))}
          </label>
        ))}
      </fieldset>
      {problem !== null && (
        <p class="bad" role="alert">
          {problem}
        </p>
      )}
      <p class="actions">
        <button type="button" onClick={onClose}>
          {words.live.closeNo}
        </button>
        <button type="button" class="main danger" disabled={isEnding} onClick={end}>
          {words.live.closeYes}
        </button>
      </p>
    </Dialog>
  );
}
