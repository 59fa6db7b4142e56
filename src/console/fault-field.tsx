/** One field of a fault, by what its schema says of it, with what the API says is wrong with it. */
import { useId } from 'preact/hooks';
import type { Field } from '../faults/fields.ts';
import { fieldValue } from './fault-draft.ts';

export interface FaultFieldProps {
  /** As the API has it, such as `match.firstN`. */
  readonly name: string;
  readonly field: Field | ShownField;
  readonly value: unknown;
  readonly issue: string | undefined;
  readonly isDisabled: boolean;
  readonly onChange: (value: unknown) => void;
}

/** Fields that all faults have. */
export interface ShownField {
  readonly kind: 'number' | 'line';
  readonly about: string;
}

export function FaultField({ name, field, value, issue, isDisabled, onChange }: FaultFieldProps) {
  const [fieldId, issueId] = [useId(), useId()];
  const { kind, about } = field;
  const isText = kind === 'text' || kind === 'base64' || kind === 'line';
  const common = {
    id: fieldId,
    title: about,
    disabled: isDisabled,
    'aria-invalid': issue !== undefined,
    'aria-describedby': issue === undefined ? undefined : issueId,
  };
  return (
    <div class={kind === 'text' ? 'fault-field wide' : 'fault-field'}>
      <label for={fieldId} class="mono">
        {name}
      </label>
      {kind === 'word' ? (
        <select
          {...common}
          value={String(value ?? field.default)}
          onChange={(event) => onChange(event.currentTarget.value)}
        >
          {field.words.map((word) => (
            <option key={word} value={word}>
              {word}
            </option>
          ))}
        </select>
      ) : (
        <input
          {...common}
          type="text"
          inputMode={isText ? 'text' : 'decimal'}
          value={String(value ?? '')}
          placeholder={'default' in field ? String(field.default) : undefined}
          onInput={({ currentTarget: { value: text } }) =>
            onChange(isText ? text : fieldValue(text))
          }
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
