/** Opens the dialog for a new listener, on every page. */
import { useState } from 'preact/hooks';
import { useConsole } from './console-context.ts';
import { LaterPart } from './later-part.tsx';
import { useKeys } from './use-keys.ts';

export function CreateButton() {
  const { caller, playhead, words } = useConsole();
  const [isOpen, setOpen] = useState(false);
  const isPast = playhead.moment.value.kind === 'past';
  const why = caller.lacks('listeners:write')
    ? words.session.lacks('listeners:write')
    : isPast
      ? words.live.pastNote
      : null;
  const open = () => setOpen(why === null);
  useKeys({ n: open });
  if (caller.isReader.value)
    return (
      <span class="read-only" title={words.session.readOnlyHint}>
        {words.session.readOnly}
      </span>
    );
  return (
    <>
      <button
        type="button"
        class="create"
        disabled={why !== null}
        title={why ?? undefined}
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
