/** Copies a text, and says whether it did. */
import { useEffect, useState } from 'preact/hooks';
import { useConsole } from './console-context.ts';

const shownMs = 2000;

export function CopyButton({ text, label }: { readonly text: string; readonly label?: string }) {
  const { words } = useConsole();
  const [said, setSaid] = useState<string | null>(null);
  useEffect(() => {
    if (said === null) return undefined;
    const timer = setTimeout(() => setSaid(null), shownMs);
    return () => clearTimeout(timer);
  }, [said]);
  return (
    <button
      type="button"
      class="copy"
      onClick={() => {
        // Without TLS and off loopback a page has no clipboard.
        const written = navigator.clipboard?.writeText(text) ?? Promise.reject(new Error('none'));
        written.then(
          () => setSaid(words.copy.copied),
          () => setSaid(words.copy.failed),
        );
      }}
    >
      <span role="status">{said ?? label ?? words.copy.copy}</span>
    </button>
  );
}

/** A line to run in a terminal. */
export function CommandLine({ text }: { readonly text: string }) {
  return (
    <div class="command">
      <code>{text}</code>
      <CopyButton text={text} />
    </div>
  );
}
