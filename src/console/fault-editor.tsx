/** The faults of a listener, edited as a whole and applied by one change, while connections live. */
import { useState } from 'preact/hooks';
import type { ListenerView } from '../http/resources.ts';
import { CallFailure, type Problem } from './api.ts';
import { useConsole } from './console-context.ts';
import { CommandLine, CopyButton } from './copy-button.tsx';
import { FaultCard } from './fault-card.tsx';
import {
  bodyOf,
  countChanges,
  type Draft,
  draftOf,
  type FaultValue,
  issueAt,
  type PresetName,
  presets,
  suits,
  touchesLiving,
  withAdded,
  withField,
  withMoved,
} from './fault-draft.ts';
import { faultKinds, kindOf } from './fault-kinds.ts';
import { useCurl } from './use-curl.ts';

export interface FaultEditorProps {
  readonly listener: ListenerView;
  readonly isDisabled: boolean;
}

export function FaultEditor({ listener, isDisabled }: FaultEditorProps) {
  const { words } = useConsole();
  const { faults } = words.listener;
  const edit = useEdit(listener);
  const { draft, setDraft, problem } = edit;
  const errors = problem?.errors ?? [];
  const elsewhere = errors.filter(({ path }) => !path.startsWith('faults['));
  return (
    <section class="panel faults">
      <h2>{faults.title}</h2>
      {draft.length === 0 && <p class="soft">{faults.none}</p>}
      <ol>
        {draft.map((fault, index) => (
          <FaultCard
            key={fault.key}
            fault={fault}
            kind={kindOf(fault.value.type)}
            number={index + 1}
            isLast={index === draft.length - 1}
            isDisabled={isDisabled}
            issueAt={(path) => issueAt(errors, index, path)}
            onField={(path, value) => setDraft(withField(draft, fault.key, path, value))}
            onMove={(by) => setDraft(withMoved(draft, fault.key, by))}
            onRemove={() => setDraft(draft.filter(({ key }) => key !== fault.key))}
          />
        ))}
      </ol>
      {!isDisabled && (
        <Adders
          protocol={listener.protocol}
          onAdd={(values) => setDraft(withAdded(draft, values))}
        />
      )}
      {problem !== null && (errors.length === 0 || elsewhere.length > 0) && (
        <p class="bad" role="alert">
          {problem.detail}
        </p>
      )}
      {!isDisabled && <ApplyLine listener={listener} edit={edit} />}
      <AsText listener={listener} draft={draft} />
    </section>
  );
}

interface Edit {
  /** What the draft began with. */
  readonly base: Draft;
  readonly draft: Draft;
  readonly setDraft: (draft: Draft) => void;
  readonly problem: Problem | null;
  readonly isChangedElsewhere: boolean;
  readonly revert: () => void;
  readonly apply: () => Promise<void>;
}

function useEdit({ id, faults }: ListenerView): Edit {
  const { api, log } = useConsole();
  const [started, start] = useState(() => ({
    text: JSON.stringify(faults),
    base: draftOf(faults),
  }));
  const [given, setDraft] = useState<Draft | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const begin = (now: readonly FaultValue[]) => {
    start({ text: JSON.stringify(now), base: draftOf(now) });
    setDraft(null);
    setProblem(null);
  };
  const { base, text } = started;
  const draft = given ?? base;
  const isOther = JSON.stringify(faults) !== text;
  // Who has changed nothing sees what others change.
  if (isOther && countChanges(base, draft) === 0) begin(faults);
  const apply = async () => {
    try {
      const body = { faults: bodyOf(draft) };
      const after = await api.call<ListenerView>('PATCH', `/v1/listeners/${id}`, { body });
      begin(after.faults);
      await log.refresh();
    } catch (error) {
      if (!(error instanceof CallFailure)) throw error;
      setProblem(error.problem);
    }
  };
  return {
    ...{ base, draft, problem, apply, setDraft },
    isChangedElsewhere: isOther,
    revert: () => begin(faults),
  };
}

function Adders({
  protocol,
  onAdd,
}: {
  readonly protocol: string;
  readonly onAdd: (values: readonly FaultValue[]) => void;
}) {
  const { words } = useConsole();
  const { faults } = words.listener;
  const offered = (Object.keys(presets) as PresetName[]).filter((name) =>
    presets[name].every(({ type }) => suits(kindOf(type), protocol)),
  );
  return (
    <div class="adders">
      <select
        aria-label={faults.add}
        value=""
        onChange={(event) => {
          onAdd([{ type: event.currentTarget.value }]);
          event.currentTarget.value = '';
        }}
      >
        <option value="">+ {faults.add}</option>
        {faultKinds
          .filter((kind) => suits(kind, protocol))
          .map(({ type, about }) => (
            <option key={type} value={type}>
              {type}: {about}
            </option>
          ))}
      </select>
      <span class="soft">{faults.preset}</span>
      {offered.map((name) => (
        <button key={name} type="button" onClick={() => onAdd(presets[name])}>
          {faults.presets[name]}
        </button>
      ))}
    </div>
  );
}

function ApplyLine({ listener, edit }: { readonly listener: ListenerView; readonly edit: Edit }) {
  const { words } = useConsole();
  const { faults } = words.listener;
  const { base, draft, isChangedElsewhere } = edit;
  const changes = countChanges(base, draft);
  const [isApplying, setApplying] = useState(false);
  if (changes === 0) return null;
  const { openConnections } = listener;
  return (
    <div class="apply">
      <p class="soft" role="status">
        {isChangedElsewhere && <span class="bad">{faults.changedMeanwhile} </span>}
        {touchesLiving(base, draft, kindOf)
          ? faults.touchesLiving(openConnections)
          : faults.touchesNew}
      </p>
      <span class="actions">
        <button type="button" onClick={edit.revert}>
          {faults.revert}
        </button>
        <button
          type="button"
          class="main"
          disabled={isApplying}
          onClick={async () => {
            setApplying(true);
            await edit.apply().finally(() => setApplying(false));
          }}
        >
          {faults.apply(changes)}
        </button>
      </span>
    </div>
  );
}

function AsText({ listener, draft }: { readonly listener: ListenerView; readonly draft: Draft }) {
  const { words } = useConsole();
  const { faults } = words.listener;
  const curl = useCurl();
  const path = `/v1/listeners/${listener.name ?? listener.id}`;
  const body = bodyOf(draft);
  return (
    <details>
      <summary>{faults.asJson}</summary>
      <CommandLine text={JSON.stringify(body)} />
      <CopyButton text={curl('PATCH', path, { faults: body })} label={faults.patchAsCurl} />
    </details>
  );
}
