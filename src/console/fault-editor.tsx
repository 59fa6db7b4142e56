/** The faults of a listener, edited as a whole and applied by one change, while connections live. */
import { useState } from 'preact/hooks';
import type { ListenerView } from '../http/resources.ts';
import { CallFailure } from './api.ts';
import { useConsole } from './console-context.ts';
import { CommandLine, CopyButton } from './copy-button.tsx';
import {
  bodyOf,
  countChanges,
  type Draft,
  draftOf,
  isChangedSince,
  touchesLiving,
} from './fault-draft.ts';
import { kindOf } from './fault-kinds.ts';
import { FaultList, type FaultRefusal, isToldAtFields } from './fault-list.tsx';
import { useCurl } from './use-curl.ts';
import { useHindrance } from './use-hindrance.ts';

export interface FaultEditorProps {
  readonly listener: ListenerView;
  /** Whether it is no more to be changed by anybody. */
  readonly isOver: boolean;
}

export function FaultEditor({ listener, isOver }: FaultEditorProps) {
  const { words } = useConsole();
  const why = useHindrance('listeners:write');
  const isDisabled = isOver || why !== null;
  const edit = useEdit(listener);
  const { draft, setDraft, refusal } = edit;
  return (
    <section class="panel faults">
      <h2>{words.listener.faults.title}</h2>
      <FaultList protocol={listener.protocol} {...{ draft, setDraft, refusal, isDisabled }} />
      {refusal !== null && !isToldAtFields(refusal) && (
        <p class="bad" role="alert">
          {refusal.problem.detail}
        </p>
      )}
      {!isOver && why !== null && <p class="soft">{why}</p>}
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
  readonly refusal: FaultRefusal | null;
  readonly isChangedElsewhere: boolean;
  readonly revert: () => void;
  readonly apply: () => Promise<void>;
}

const startOf = ({ faults, updatedAt }: ListenerView) => ({
  ...{ text: JSON.stringify(faults), updatedAt, base: draftOf(faults) },
});

function useEdit(listener: ListenerView): Edit {
  const { api, log } = useConsole();
  const [started, start] = useState(() => startOf(listener));
  const [given, setDraft] = useState<Draft | null>(null);
  const [refusal, setRefusal] = useState<FaultRefusal | null>(null);
  const begin = (now = started) => {
    start(now);
    setDraft(null);
    setRefusal(null);
  };
  const { base } = started;
  const draft = given ?? base;
  const isOther = isChangedSince(started, listener);
  // Who has changed nothing sees what others change.
  if (isOther && countChanges(base, draft) === 0) begin(startOf(listener));
  const apply = async () => {
    try {
      const body = { faults: bodyOf(draft) };
      const after = await api.call<ListenerView>('PATCH', `/v1/listeners/${listener.id}`, { body });
      begin(startOf(after));
      await log.refresh();
    } catch (error) {
      if (!(error instanceof CallFailure)) throw error;
      setRefusal({ problem: error.problem, draft });
    }
  };
  return {
    ...{ base, draft, refusal, apply, setDraft },
    isChangedElsewhere: isOther,
    revert: () => begin(isOther ? startOf(listener) : started),
  };
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
