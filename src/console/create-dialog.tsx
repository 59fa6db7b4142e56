/** Makes a listener, and shows the request that it makes it with. */
import { useId, useRef, useState } from 'preact/hooks';
import { listenerModes, protocols } from '../core/listener.ts';
import type { ListenerView } from '../http/resources.ts';
import { CallFailure, type Problem } from './api.ts';
import { useConsole } from './console-context.ts';
import { CommandLine, CopyButton } from './copy-button.tsx';
import { Dialog } from './dialog.tsx';
import { bodyOf, type Draft } from './fault-draft.ts';
import { FaultList, type FaultRefusal } from './fault-list.tsx';
import {
  emptyForm,
  type ListenerBody,
  type ListenerForm,
  listenerBody,
  listenerYaml,
  randomKey,
} from './new-listener.ts';
import type { NodeView } from './node-states.ts';
import { useCurl } from './use-curl.ts';
import { useList } from './use-list.ts';

export interface CreateDialogProps {
  readonly onClose: () => void;
}

export function CreateDialog({ onClose }: CreateDialogProps) {
  const { words } = useConsole();
  const { create } = words.listener;
  const [form, setForm] = useState<ListenerForm>(emptyForm);
  const [draft, setDraft] = useState<Draft>([]);
  const body = listenerBody(form, bodyOf(draft));
  const { submit, isCreating, refusal } = useCreate(body, draft, onClose);
  const places = usePlaces();
  const paths = refusal?.problem.errors?.map(({ path }) => path) ?? [];
  const field = (name: keyof ListenerForm, label: string, more: FieldMore = {}) => (
    <FormField
      label={label}
      value={form[name]}
      issue={refusal?.problem.errors?.find(({ path }) => path === (more.path ?? name))?.message}
      onChange={(value) => setForm({ ...form, [name]: value })}
      {...more}
    />
  );
  const ttls = Object.entries(create.ttls);
  return (
    <Dialog title={create.title} onClose={onClose} isWide>
      <form onSubmit={submit}>
        <div class="form-fields">
          {field('protocol', create.protocol, { options: protocols.map((one) => [one, one]) })}
          {field('port', create.port, { hint: create.portHint })}
          {field('name', create.name, { hint: create.nameHint })}
          {field('mode', create.mode, { options: listenerModes.map((one) => [one, one]) })}
          {field('ttlMs', create.ttl, { options: [['', create.ttlNone], ...ttls] })}
          {places.length > 1 &&
            field('node', create.node, {
              path: 'placement.node',
              options: [['', create.nodeAny], ...places.map((name) => [name, name] as const)],
            })}
        </div>
        <details open={draft.length > 0 || paths.some((path) => path.startsWith('faults'))}>
          <summary>{create.faults(draft.length)}</summary>
          <div class="faults">
            <FaultList
              protocol={form.protocol}
              isDisabled={isCreating}
              {...{ draft, setDraft, refusal }}
            />
          </div>
        </details>
        <details open={paths.some((path) => morePaths.test(path))}>
          <summary>{create.more}</summary>
          <div class="form-fields">
            {field('host', create.host, { hint: create.hostHint })}
            {field('maxConnections', create.maxConnections, { path: 'limits.maxConnections' })}
            {field('idleTimeoutMs', create.idleTimeoutMs, { path: 'limits.idleTimeoutMs' })}
            {field('proxy', create.proxy, { options: proxyModes, path: 'proxyProtocol' })}
            {field('recording', create.recording, { options: recordings })}
            {form.protocol === 'tls' && (
              <>
                {field('cert', create.cert, {
                  path: 'tls.cert',
                  hint: create.certHint,
                  isLong: true,
                })}
                {field('key', create.key, { path: 'tls.key', isLong: true })}
              </>
            )}
          </div>
        </details>
        {refusal !== null && <Refusal problem={refusal.problem} />}
        <Request body={body} />
        <p class="actions">
          <button type="button" onClick={onClose}>
            {create.cancel}
          </button>
          <button type="submit" class="main" disabled={isCreating}>
            {create.submit}
          </button>
        </p>
      </form>
    </Dialog>
  );
}

type Options = readonly (readonly [value: string, name: string])[];
const proxyModes: Options = ['off', 'optional', 'required'].map((one) => [one, one] as const);
const recordings: Options = ['batched', 'durable'].map((one) => [one, one] as const);

const placesQuery = { state: 'ready', pageSize: 1000 };

/** The nodes that take a new listener, by their names. */
function usePlaces(): readonly string[] {
  const { page } = useList<{ readonly nodes: readonly NodeView[] }>('/v1/nodes', placesQuery);
  return (page?.nodes ?? []).filter(({ cordoned }) => !cordoned).map(({ name }) => name);
}

/** Of what is in sight only once it is asked for. */
const morePaths = /^(host|limits|proxyProtocol|recording|tls)\b/;

function useCreate(body: ListenerBody, draft: Draft, onClose: () => void) {
  const { api, log, router } = useConsole();
  const [isCreating, setCreating] = useState(false);
  const [refusal, setRefusal] = useState<FaultRefusal | null>(null);
  // The same request, sent twice by a double click or after a cut, makes one listener. What was refused is asked anew.
  const sent = useRef({ text: '', key: '' });
  const submit = async (event: Event) => {
    event.preventDefault();
    const text = JSON.stringify(body);
    if (sent.current.text !== text) sent.current = { text, key: randomKey() };
    setCreating(true);
    try {
      const ask = { body, idempotencyKey: sent.current.key };
      const made = await api.call<ListenerView>('POST', '/v1/listeners', ask);
      onClose();
      await log.refresh();
      router.go(router.href(`/listeners/${made.name ?? made.id}`));
    } catch (error) {
      if (!(error instanceof CallFailure)) throw error;
      if (!isNoAnswer(error.problem)) sent.current.text = '';
      setRefusal({ problem: error.problem, draft });
    } finally {
      setCreating(false);
    }
  };
  return { submit, isCreating, refusal };
}

/** What a proxy says in the place of kodama tells nothing of what kodama has done. */
function isNoAnswer({ code }: Problem): boolean {
  return code === 'unreachable' || code === 'unknown';
}

/** Who has a port or a name is told, and found where it is one of ours. */
function Refusal({ problem }: { readonly problem: Problem }) {
  const { router, words } = useConsole();
  const { create } = words.listener;
  const { code, detail, owner, limit } = problem;
  const isOurs = typeof owner === 'string' && !['foreign', 'resting'].includes(owner);
  return (
    <p class="bad" role="alert">
      {detail} {code === 'resource_exhausted' && limit === 'listeners' && words.session.full}
      {owner === 'foreign' && create.foreign}
      {isOurs && <a href={router.href(`/listeners/${owner}`)}>{create.owner}</a>}
    </p>
  );
}

function Request({ body }: { readonly body: ListenerBody }) {
  const { words } = useConsole();
  const { create } = words.listener;
  const curl = useCurl();
  const yaml = listenerYaml(body);
  return (
    <div class="request">
      <CommandLine text={curl('POST', '/v1/listeners', body)} />
      {'name' in body ? (
        <details>
          <summary>{create.asYaml}</summary>
          <pre class="command">
            <code>{yaml}</code>
            <CopyButton text={yaml} />
          </pre>
        </details>
      ) : (
        <p class="soft">{create.yamlWantsName}</p>
      )}
    </div>
  );
}

interface FieldMore {
  readonly options?: Options;
  readonly hint?: string;
  /** Of its error, where that is not its own name. */
  readonly path?: string;
  readonly isLong?: boolean;
}

interface FormFieldProps extends FieldMore {
  readonly label: string;
  readonly value: string;
  readonly issue: string | undefined;
  readonly onChange: (value: string) => void;
}

function FormField({ label, value, issue, options, hint, isLong, onChange }: FormFieldProps) {
  const [fieldId, issueId] = [useId(), useId()];
  const common = {
    id: fieldId,
    value,
    'aria-invalid': issue !== undefined,
    'aria-describedby': issue === undefined ? undefined : issueId,
  };
  return (
    <div class={isLong ? 'wide' : undefined}>
      <label for={fieldId}>{label}</label>
      {options !== undefined ? (
        <select {...common} onChange={(event) => onChange(event.currentTarget.value)}>
          {options.map(([one, name]) => (
            <option key={one} value={one}>
              {name}
            </option>
          ))}
        </select>
      ) : isLong ? (
        <textarea
          {...common}
          rows={3}
          placeholder={hint}
          spellcheck={false}
          onInput={(event) => onChange(event.currentTarget.value)}
        />
      ) : (
        <input
          {...common}
          type="text"
          placeholder={hint}
          autocomplete="off"
          spellcheck={false}
          onInput={(event) => onChange(event.currentTarget.value)}
        />
      )}
      {issue !== undefined && (
        <span id={issueId} class="bad">
          {issue}
        </span>
      )}
    </div>
  );
}
