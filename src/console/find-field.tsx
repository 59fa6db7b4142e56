/** Finds something by a part of what is told of it. The key of a filter, `/`, leads to it, and Esc out of it. */
import { useRef } from 'preact/hooks';
import { useKeys } from './use-keys.ts';

export interface FindFieldProps {
  readonly label: string;
  readonly text: string;
  readonly onText: (text: string) => void;
  /** It is not typed on: what is found stays so for a while. */
  readonly onDone?: (text: string) => void;
}

export function FindField({ label, text, onText, onDone }: FindFieldProps) {
  const field = useRef<HTMLInputElement>(null);
  useKeys({ '/': () => field.current?.focus() });
  return (
    <input
      ref={field}
      type="search"
      class="find"
      value={text}
      placeholder={label}
      aria-label={label}
      onInput={({ currentTarget }) => onText(currentTarget.value)}
      onChange={({ currentTarget }) => onDone?.(currentTarget.value)}
      // The browser would empty it too, but not once the keyboard of the page has left it.
      onKeyDown={({ key, isComposing }) => {
        if (key !== 'Escape' || isComposing) return;
        onText('');
        onDone?.('');
      }}
    />
  );
}
