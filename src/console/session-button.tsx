/** Whose things the page shows, on every page, and what its key is. */
import { useState } from 'preact/hooks';
import { useConsole } from './console-context.ts';
import { LaterPart } from './later-part.tsx';

export function SessionButton() {
  const { caller, words } = useConsole();
  const [isOpen, setOpen] = useState(false);
  if (!caller.isHosted.value) return null;
  return (
    <>
      <button type="button" class="quiet" onClick={() => setOpen(true)}>
        {words.session.open}
      </button>
      {isOpen && <LaterPart load={loadDialog} onClose={() => setOpen(false)} />}
    </>
  );
}

async function loadDialog() {
  return (await import('./session-dialog.tsx')).SessionDialog;
}
