/** Opens the dialog for a new listener, on every page. */
import { useState } from 'preact/hooks';
import { useConsole } from './console-context.ts';
import { LaterPart } from './later-part.tsx';
import { useKeys } from './use-keys.ts';

export function CreateButton() {
  const { playhead, words } = useConsole();
  const [isOpen, setOpen] = useState(false);
  const isLive = playhead.moment.value.kind !== 'past';
  const open = () => setOpen(isLive);
  useKeys({ n: open });
  return (
    <>
      <button
        type="button"
        class="create"
        disabled={!isLive}
        title={isLive ? undefined : words.live.pastNote}
        onClick={open}
      >
        + <span class="word">{words.listener.create.open}</span>
      </button>
      {isOpen && <LaterPart load={loadDialog} onClose={() => setOpen(false)} />}
    </>
  );
}

async function loadDialog() {
  return (await import('./create-dialog.tsx')).CreateDialog;
}
