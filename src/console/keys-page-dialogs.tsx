/** The dialogs of keys: a new one, another secret, the end of one; and the secret itself, told this once. */
import { useState } from 'preact/hooks';
import { Actions, Choice, Refusal, useCall } from './call-form.tsx';
import { useConsole } from './console-context.ts';
import { CommandLine } from './copy-button.tsx';
import { curlLine } from './curl-line.ts';
import { Dialog } from './dialog.tsx';
import { KeyScopes } from './key-scopes.tsx';
import { type KeyView, scopeChoice, type ToldKeyView } from './key-states.ts';
import type { KeysWords } from './keys-words-english.ts';
import { useCurl } from './use-curl.ts';
import { useSecret } from './use-secret.ts';

export type KeyAct =
  | { readonly kind: 'create' }
  /** `isOwn`: it is the key of this tab. */
  | { readonly kind: 'rotate' | 'revoke'; readonly key: KeyView; readonly isOwn: boolean };

export interface KeyDialogProps {
  readonly act: KeyAct;
  readonly said: KeysWords;
  /** The list is another one now. */
  readonly onChange: () => void;
  readonly onClose: () => void;
}

export function KeyDialog({ act, said, onChange, onClose }: KeyDialogProps) {
  const { api } = useConsole();
  const [told, setTold] = useState<ToldKeyView | null>(null);
  const given = { said, onClose };
  const onTold = (key: ToldKeyView) => {
    setTold(key);
    // The former secret of the tab's own key may be good for nothing from here on.
    if (act.kind === 'rotate' && act.isOwn && key.secret !== null) api.signIn(key.secret);
    onChange();
  };
  if (told !== null) return <SecretDialog key="secret" told={told} {...given} />;
  switch (act.kind) {
    case 'create':
      return <CreateDialog onTold={onTold} {...given} />;
    case 'rotate':
      return <RotateDialog shown={act.key} onTold={onTold} {...given} />;
    case 'revoke':
      return (
        <RevokeDialog
          shown={act.key}
          isOwn={act.isOwn}
          onDone={() => {
            onClose();
            onChange();
          }}
          {...given}
        />
      );
  }
}

interface Given {
  readonly said: KeysWords;
  readonly onClose: () => void;
}
type Telling = Given & { readonly onTold: (key: ToldKeyView) => void };

function CreateDialog({ said, onTold, onClose }: Telling) {
  const { caller } = useConsole();
  const { create } = said;
  const curl = useCurl();
  const [name, setName] = useState('');
  const [ttl, setTtl] = useState('');
  const [scopes, setScopes] = useState<ReadonlySet<string>>(new Set(['read']));
  const [isTried, setTried] = useState(false);
  const { call, isBusy, refusal } = useCall(onTold);
  const { usual, parts } = scopeChoice(caller.own.value?.scopes ?? []);
  const chosen = [...usual, ...parts].filter((scope) => scopes.has(scope));
  const body = { name, scopes: chosen, ...(ttl !== '' && { ttlMs: Number(ttl) }) };
  return (
    <Dialog title={create.title} onClose={onClose} isWide>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          setTried(true);
          if (chosen.length > 0) void call('POST', '/v1/keys', body);
        }}
      >
        <div class="form-fields">
          <label>
            {create.name}
            <input
              type="text"
              value={name}
              required
              autocomplete="off"
              spellcheck={false}
              onInput={({ currentTarget }) => setName(currentTarget.value)}
            />
          </label>
          <Choice label={create.ttl} value={ttl} options={create.ttls} onChange={setTtl} />
        </div>
        <KeyScopes
          {...{ said, usual, parts, scopes, setScopes }}
          isMissing={isTried && chosen.length === 0}
        />
        <Refusal problem={refusal} />
        <CommandLine text={curl('POST', '/v1/keys', body)} />
        <Actions cancel={said.cancel} submit={create.submit} isBusy={isBusy} onClose={onClose} />
      </form>
    </Dialog>
  );
}

function RotateDialog({ shown, said, onTold, onClose }: Telling & { readonly shown: KeyView }) {
  const { rotate } = said;
  const curl = useCurl();
  const [overlap, setOverlap] = useState('3600000');
  const { call, isBusy, refusal } = useCall(onTold);
  const path = `/v1/keys/${shown.id}:rotate`;
  const body = { overlapMs: Number(overlap) };
  return (
    <Dialog title={rotate.title(shown.name)} onClose={onClose} isWide>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void call('POST', path, body);
        }}
      >
        <p>{rotate.about}</p>
        <Choice
          label={rotate.overlap}
          value={overlap}
          options={rotate.overlaps}
          onChange={setOverlap}
        />
        <Refusal problem={refusal} />
        <CommandLine text={curl('POST', path, body)} />
        <Actions cancel={said.cancel} submit={rotate.submit} isBusy={isBusy} onClose={onClose} />
      </form>
    </Dialog>
  );
}

interface RevokeDialogProps extends Given {
  readonly shown: KeyView;
  readonly isOwn: boolean;
  readonly onDone: () => void;
}

function RevokeDialog({ shown, isOwn, said, onDone, onClose }: RevokeDialogProps) {
  const { revoke } = said;
  const curl = useCurl();
  const { call, isBusy, refusal } = useCall(onDone);
  const path = `/v1/keys/${shown.id}`;
  return (
    <Dialog title={revoke.title(shown.name)} onClose={onClose} isWide>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void call('DELETE', path);
        }}
      >
        <p>{revoke.about}</p>
        {isOwn && <p class="bad">{revoke.own}</p>}
        <Refusal problem={refusal} />
        <CommandLine text={curl('DELETE', path)} />
        <Actions
          cancel={said.cancel}
          submit={revoke.submit}
          isFinal
          isBusy={isBusy}
          onClose={onClose}
        />
      </form>
    </Dialog>
  );
}

/** It closes by its button only: nobody sees the secret again. */
function SecretDialog({ told, said, onClose }: Given & { readonly told: ToldKeyView }) {
  useSecret();
  const { secret } = said;
  const url = `${location.origin}/v1/projects/self`;
  return (
    <Dialog title={secret.title(told.name)} onClose={null} isWide>
      <div class="secret">
        <p>{secret.once}</p>
        <CommandLine text={told.secret ?? ''} />
        <h3>{secret.use}</h3>
        <CommandLine text={`export KODAMA_API_TOKEN=${told.secret}`} />
        <CommandLine text={curlLine({ url, isKeyed: true, project: null })} />
      </div>
      <p class="actions">
        <button type="button" class="main" onClick={onClose}>
          {secret.done}
        </button>
      </p>
    </Dialog>
  );
}
