/** One fault of the list that is edited. */

import { useConsole } from './console-context.ts';
import type { DraftFault, FaultKind } from './fault-draft.ts';
import { FaultField, type ShownField } from './fault-field.tsx';

export interface FaultCardProps {
  readonly fault: DraftFault;
  readonly kind: FaultKind | undefined;
  readonly number: number;
  readonly isLast: boolean;
  readonly isDisabled: boolean;
  /** With the empty path, of the fault as a whole. */
  readonly issueAt: (path: string) => string | undefined;
  readonly onField: (path: string, value: unknown) => void;
  readonly onMove: (by: 1 | -1) => void;
  readonly onRemove: () => void;
}

/** What all faults have: which connections one is for, and how long. */
const shared: Readonly<Record<string, ShownField>> = {
  name: { kind: 'line', about: 'Unique in the list.' },
  probability: { kind: 'number', about: '0 to 1.' },
  seed: { kind: 'number', about: 'The same seed gives the same run.' },
  'match.cidr': { kind: 'line', about: 'Only connections from this network.' },
  'match.everyNth': { kind: 'number', about: 'Only every nth connection.' },
  'match.firstN': { kind: 'number', about: 'Only the first n connections.' },
  'match.afterN': { kind: 'number', about: 'Only connections after the first n.' },
  expiresAt: { kind: 'line', about: 'The fault ends by itself at this time.' },
};

export function FaultCard(props: FaultCardProps) {
  const { fault, kind, number, isLast, isDisabled, issueAt, onField, onMove, onRemove } = props;
  const { words } = useConsole();
  const { faults } = words.listener;
  const { value } = fault;
  const name = String(value.name ?? value.type);
  const valueAt = (path: string) =>
    path.split('.').reduce<unknown>((of, part) => (of as Fields | undefined)?.[part], value);
  const field = (path: string, shown: Parameters<typeof FaultField>[0]['field']) => (
    <FaultField
      key={path}
      name={path}
      field={shown}
      value={valueAt(path)}
      issue={issueAt(path)}
      isDisabled={isDisabled}
      onChange={(given) => onField(path, given)}
    />
  );
  const isOn = value.enabled !== false;
  const whole = issueAt('') ?? issueAt('type');
  const isAnyShared = Object.keys(shared).some((path) => issueAt(path) !== undefined);
  return (
    <li class={isOn ? 'fault' : 'fault off'}>
      <div class="fault-head">
        <span class="badge">{number}</span>
        <strong class="mono">{name}</strong>
        <span class="soft">{kind && (faults.about[kind.type] ?? kind.about)}</span>
        <span class="fault-tools">
          <label class="switch">
            <input
              type="checkbox"
              checked={isOn}
              disabled={isDisabled}
              aria-label={`${name}: ${faults.on}`}
              onChange={(event) => onField('enabled', event.currentTarget.checked)}
            />
            {faults.on}
          </label>
          <Tool
            label={faults.up(name)}
            mark="↑"
            isOff={isDisabled || number === 1}
            onClick={() => onMove(-1)}
          />
          <Tool
            label={faults.down(name)}
            mark="↓"
            isOff={isDisabled || isLast}
            onClick={() => onMove(1)}
          />
          <Tool label={faults.remove(name)} mark="×" isOff={isDisabled} onClick={onRemove} />
        </span>
      </div>
      {whole !== undefined && (
        <p class="bad" role="alert">
          {whole}
        </p>
      )}
      <div class="fault-fields">
        {Object.entries(kind?.fields ?? {}).map(([path, shown]) => field(path, shown))}
      </div>
      <details open={isAnyShared}>
        <summary>
          {faults.which} <span class="soft mono">{summaryOf(value)}</span>
        </summary>
        <div class="fault-fields">
          {Object.entries(shared).map(([path, shown]) => field(path, shown))}
        </div>
      </details>
    </li>
  );
}

type Fields = Readonly<Record<string, unknown>>;

/** Such as `p 0.3 · firstN 2`, where it is not for all. */
function summaryOf({ probability = 1, match, seed }: Fields): string {
  const parts = Object.entries((match ?? {}) as Fields).map(([name, one]) => `${name} ${one}`);
  if (probability !== 1) parts.unshift(`p ${probability}`);
  if (seed != null) parts.push(`seed ${seed}`);
  return parts.join(' · ');
}

interface ToolProps {
  readonly label: string;
  readonly mark: string;
  readonly isOff: boolean;
  readonly onClick: () => void;
}

function Tool({ label, mark, isOff, onClick }: ToolProps) {
  return (
    <button
      type="button"
      class="quiet"
      aria-label={label}
      title={label}
      disabled={isOff}
      onClick={onClick}
    >
      {mark}
    </button>
  );
}
