/** A list of faults that is edited, of a listener that is there or of one that is to be made. */
import type { Problem } from './api.ts';
import { useConsole } from './console-context.ts';
import { FaultCard } from './fault-card.tsx';
import {
  type Draft,
  type FaultValue,
  issueAt,
  type PresetName,
  presets,
  suits,
  withAdded,
  withField,
  withMoved,
} from './fault-draft.ts';
import { faultKinds, kindOf } from './fault-kinds.ts';

/** What the API said of a request, and the faults that were in it: since then they may have moved. */
export interface FaultRefusal {
  readonly problem: Problem;
  readonly draft: Draft;
}

/** Whether all that is wrong stands at fields of faults. */
export function isToldAtFields({ problem }: FaultRefusal): boolean {
  const { errors = [] } = problem;
  return errors.length > 0 && errors.every(({ path }) => path.startsWith('faults['));
}

export interface FaultListProps {
  /** What it may be given depends on it. */
  readonly protocol: string;
  readonly draft: Draft;
  readonly setDraft: (draft: Draft) => void;
  readonly refusal: FaultRefusal | null;
  readonly isDisabled: boolean;
}

export function FaultList(props: FaultListProps) {
  const { protocol, draft, setDraft, refusal, isDisabled } = props;
  const { words } = useConsole();
  const { faults } = words.listener;
  return (
    <>
      {draft.length === 0 && <p class="soft">{faults.none}</p>}
      <ol class="fault-list">
        {draft.map((fault, index) => (
          <FaultCard
            key={fault.key}
            fault={fault}
            kind={kindOf(fault.value.type)}
            number={index + 1}
            isLast={index === draft.length - 1}
            isDisabled={isDisabled}
            issueAt={(path) => issueOf(refusal, fault.key, path)}
            onField={(path, value) => setDraft(withField(draft, fault.key, path, value))}
            onMove={(by) => setDraft(withMoved(draft, fault.key, by))}
            onRemove={() => setDraft(draft.filter(({ key }) => key !== fault.key))}
          />
        ))}
      </ol>
      {!isDisabled && (
        <Adders protocol={protocol} onAdd={(values) => setDraft(withAdded(draft, values))} />
      )}
    </>
  );
}

function issueOf(refusal: FaultRefusal | null, key: number, path: string): string | undefined {
  const index = refusal?.draft.findIndex((one) => one.key === key) ?? -1;
  return issueAt(refusal?.problem.errors ?? [], index, path);
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
              {type}: {faults.about[type] ?? about}
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
