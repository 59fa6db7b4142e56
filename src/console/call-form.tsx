/** What dialogs that make one call have in common: the call, why it was refused, a choice, and how it ends. */
import { useState } from 'preact/hooks';
import { CallFailure, type Problem } from './api.ts';
import { useConsole } from './console-context.ts';

/** One call at a time; why it was refused. */
export function useCall<Answer>(onAnswer: (answer: Answer) => void) {
  const { api } = useConsole();
  const [isBusy, setBusy] = useState(false);
  const [refusal, setRefusal] = useState<Problem | null>(null);
  const call = async (method: string, path: string, body?: unknown) => {
    setBusy(true);
    try {
      const answer = await api.call<Answer>(method, path, body === undefined ? {} : { body });
      setRefusal(null);
      onAnswer(answer);
    } catch (error) {
      if (!(error instanceof CallFailure)) throw error;
      setRefusal(error.problem);
    } finally {
      setBusy(false);
    }
  };
  return { call, isBusy, refusal };
}

/** A quota that is used up is told as such. */
export function Refusal({ problem }: { readonly problem: Problem | null }) {
  const { words } = useConsole();
  if (problem === null) return null;
  const { code, detail, limit } = problem;
  const isQuota = typeof limit === 'string' && limit in words.session.quotas;
  return (
    <p class="bad" role="alert">
      {code === 'unreachable' ? words.problem.unreachable : detail}
      {code === 'resource_exhausted' && isQuota && ` ${words.session.full}`}
    </p>
  );
}

export interface ChoiceProps {
  readonly label: string;
  readonly value: string;
  /** By their values. */
  readonly options: Readonly<Record<string, string>>;
  readonly onChange: (value: string) => void;
}

export function Choice({ label, value, options, onChange }: ChoiceProps) {
  const known = Object.entries(options).toSorted(([a], [b]) => Number(a) - Number(b));
  return (
    <label>
      {label}
      <select value={value} onChange={({ currentTarget }) => onChange(currentTarget.value)}>
        {known.map(([one, name]) => (
          <option key={one} value={one}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}

export interface ActionsProps {
  readonly cancel: string;
  readonly submit: string;
  readonly isBusy: boolean;
  /** What it does can not be undone. */
  readonly isFinal?: boolean;
  readonly onClose: () => void;
}

export function Actions({ cancel, submit, isBusy, isFinal = false, onClose }: ActionsProps) {
  return (
    <p class="actions">
      <button type="button" onClick={onClose}>
        {cancel}
      </button>
      <button type="submit" class={isFinal ? 'main danger' : 'main'} disabled={isBusy}>
        {submit}
      </button>
    </p>
  );
}
