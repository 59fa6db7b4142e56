/** The dialogs of nodes: the join token of a new one, the lines for its host, and the end of one. */
import { useEffect, useState } from 'preact/hooks';
import { joinLines } from '../join-lines.ts';
import { plainText } from '../plain-text.ts';
import { Actions, Choice, Refusal, useCall } from './call-form.tsx';
import { useConsole } from './console-context.ts';
import { CommandLine, CopyButton } from './copy-button.tsx';
import { Dialog } from './dialog.tsx';
import { isOwnHostOnly, labelsOf, type NodeView, type ToldJoinTokenView } from './node-states.ts';
import type { NodesWords } from './nodes-words-english.ts';
import { dateText } from './spans.ts';
import { useCurl } from './use-curl.ts';
import { useSecret } from './use-secret.ts';

export type NodeAct =
  | { readonly kind: 'add' }
  | { readonly kind: 'remove'; readonly node: NodeView };

interface Given {
  readonly said: NodesWords;
  /** The list is another one now. */
  readonly read: () => void;
  readonly onClose: () => void;
}

export interface NodeDialogProps extends Given {
  readonly act: NodeAct;
  readonly nodes: readonly NodeView[];
}

export function NodeDialog({ act, nodes, ...given }: NodeDialogProps) {
  const [told, setTold] = useState<ToldJoinTokenView | null>(null);
  if (act.kind === 'remove') return <RemoveDialog node={act.node} {...given} />;
  if (told === null) return <AddDialog onTold={setTold} {...given} />;
  if (told.joinUrl === null) return <OffDialog key="off" token={told} {...given} />;
  return <LinesDialog key="lines" token={told} joinUrl={told.joinUrl} nodes={nodes} {...given} />;
}

const usesMax = 100;

function AddDialog({
  said,
  onTold,
  onClose,
}: Given & { readonly onTold: (token: ToldJoinTokenView) => void }) {
  const { caller, router } = useConsole();
  const { add } = said;
  const curl = useCurl();
  const [uses, setUses] = useState('1');
  const [labelText, setLabelText] = useState('');
  const [ttl, setTtl] = useState('3600000');
  const [shared, setShared] = useState(false);
  const { call, isBusy, refusal } = useCall(onTold);
  const labels = labelsOf(labelText);
  // Shared nodes are of the project `default`.
  const mayShare =
    caller.may('operator') && [null, 'default'].includes(router.query.value.get('project'));
  const body = {
    ...{ uses: Number(uses), ttlMs: Number(ttl), labels: labels ?? {} },
    ...(shared && mayShare && { shared }),
  };
  return (
    <Dialog title={add.title} onClose={onClose} isWide>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (labels !== null) void call('POST', '/v1/join-tokens', body);
        }}
      >
        <p>{add.about}</p>
        <div class="form-fields">
          <label>
            {add.labels}
            <input
              type="text"
              value={labelText}
              placeholder={add.labelsHint}
              autocomplete="off"
              spellcheck={false}
              aria-invalid={labels === null}
              onInput={({ currentTarget }) => setLabelText(currentTarget.value)}
            />
          </label>
          <label>
            {add.uses}
            <input
              type="number"
              value={uses}
              min={1}
              max={usesMax}
              required
              onInput={({ currentTarget }) => setUses(currentTarget.value)}
            />
          </label>
          <Choice label={add.ttl} value={ttl} options={add.ttls} onChange={setTtl} />
        </div>
        {labels === null && <p class="bad">{add.labelsWrong}</p>}
        {mayShare && (
          <label class="switch">
            <input
              type="checkbox"
              checked={shared}
              onChange={({ currentTarget }) => setShared(currentTarget.checked)}
            />
            {add.shared}
          </label>
        )}
        <Refusal problem={refusal} />
        <CommandLine text={curl('POST', '/v1/join-tokens', body)} />
        <Actions cancel={said.cancel} submit={add.submit} isBusy={isBusy} onClose={onClose} />
      </form>
    </Dialog>
  );
}

const lookMs = 2000;

interface LinesDialogProps extends Given {
  readonly token: ToldJoinTokenView;
  readonly joinUrl: string;
  readonly nodes: readonly NodeView[];
}

/** It closes by its buttons only: nobody sees the token again. */
function LinesDialog({ token, joinUrl, nodes, said, read, onClose }: LinesDialogProps) {
  useSecret();
  const { lines } = said;
  const [before] = useState(() => new Set(nodes.map(({ id }) => id)));
  const { call, isBusy, refusal } = useCall(onClose);
  useEffect(() => {
    const timer = setInterval(read, lookMs);
    return () => clearInterval(timer);
  }, [read]);
  const text = joinLines(token).join('\n');
  const joined = nodes.filter(({ id }) => !before.has(id));
  return (
    <Dialog title={lines.title} onClose={null} isWide>
      <div class="secret">
        <p>{lines.about(token.uses, dateText(token.expiresAt))}</p>
        <pre class="command">
          <code>{text}</code>
          <CopyButton text={text} label={lines.copy} />
        </pre>
        {isOwnHostOnly(joinUrl) && <p class="soft">{lines.ownHost}</p>}
        <div role="status">
          {joined.length === 0 && <p class="soft">{lines.waiting}</p>}
          {joined.map((node) => (
            <p key={node.id}>
              {lines.joined(plainText(node.name), said.state[node.state] ?? node.state)}
            </p>
          ))}
        </div>
        <Refusal problem={refusal} />
      </div>
      <p class="actions">
        <button
          type="button"
          class="danger"
          disabled={isBusy}
          onClick={() => void call('DELETE', `/v1/join-tokens/${token.id}`)}
        >
          {lines.revoke}
        </button>
        <button type="button" class="main" onClick={onClose}>
          {lines.done}
        </button>
      </p>
    </Dialog>
  );
}

/** A token by which nobody can join is good for nothing, and is not left. */
function OffDialog({ token, said, onClose }: Given & { readonly token: ToldJoinTokenView }) {
  const { lines } = said;
  const [isRevoked, setRevoked] = useState(false);
  const { call, refusal } = useCall(() => setRevoked(true));
  useEffect(() => void call('DELETE', `/v1/join-tokens/${token.id}`), [token.id]);
  return (
    <Dialog title={said.add.title} onClose={onClose} isWide>
      <div class="secret">
        <p role="alert">{lines.off}</p>
        {isRevoked && <p class="soft">{lines.offDone}</p>}
        <Refusal problem={refusal} />
      </div>
      <p class="actions">
        <button type="button" class="main" onClick={onClose}>
          {lines.done}
        </button>
      </p>
    </Dialog>
  );
}

function RemoveDialog({ node, said, read, onClose }: Given & { readonly node: NodeView }) {
  const { remove } = said;
  const curl = useCurl();
  const { call, isBusy, refusal } = useCall(() => {
    onClose();
    read();
  });
  const path = `/v1/nodes/${node.id}`;
  return (
    <Dialog title={remove.title(plainText(node.name))} onClose={onClose} isWide>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void call('DELETE', path);
        }}
      >
        <p>{remove.about(node.listeners, node.openConnections)}</p>
        <p>{remove.again}</p>
        <Refusal problem={refusal} />
        <CommandLine text={curl('DELETE', path)} />
        <Actions
          cancel={said.cancel}
          submit={remove.submit}
          isFinal
          isBusy={isBusy}
          onClose={onClose}
        />
      </form>
    </Dialog>
  );
}
