/** What the key of this tab is, and what its project may have. */
import { useConsole } from './console-context.ts';
import { Dialog } from './dialog.tsx';
import { ProjectSwitch } from './project-switch.tsx';
import { QuotaList } from './quota-list.tsx';

export function SessionDialog({ onClose }: { readonly onClose: () => void }) {
  const { api, caller, words } = useConsole();
  const { session } = words;
  const own = caller.own.value;
  const quotas = caller.quotas.value;
  return (
    <Dialog title={session.open} onClose={onClose}>
      <dl class="record session">
        <dt>{words.header.project}</dt>
        <dd>
          <ProjectSwitch /> {own?.displayName}
        </dd>
        <dt>{session.key}</dt>
        <dd class="mono">
          {own?.keyHint ?? (api.key.value === null ? session.noKey : session.ofNode)}
        </dd>
        <dt>{session.scopes}</dt>
        <dd class="mono">{own?.scopes.join(' ') ?? session.unknown}</dd>
      </dl>
      <h3>{session.quotasTitle}</h3>
      {quotas.length === 0 ? <p class="soft">{session.noQuotas}</p> : <QuotaList quotas={quotas} />}
      <p class="actions">
        {api.key.value !== null && (
          <button
            type="button"
            onClick={() => {
              onClose();
              api.signOut();
            }}
          >
            {words.header.signOut}
          </button>
        )}
        <button type="button" class="main" onClick={onClose}>
          {words.keys.close}
        </button>
      </p>
    </Dialog>
  );
}
