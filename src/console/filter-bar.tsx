/** What is looked for: typed as `name:value`, shown as chips, and kept in the URL under the names of the API. */
import type { ComponentChildren } from 'preact';
import { useId, useRef, useState } from 'preact/hooks';
import { completions, filterOf, readTerms } from './connection-filter.ts';
import { useConsole } from './console-context.ts';
import { useKeys } from './use-keys.ts';

const offeredMax = 24;

/** The children are what else can be done with the filter. */
export function FilterBar({ children }: { readonly children: ComponentChildren }) {
  return (
    <div class="filter-bar">
      <FilterField />
      <div class="line-actions">{children}</div>
      <Chips />
    </div>
  );
}

function FilterField() {
  const { router, state, words } = useConsole();
  const { connections } = words;
  const field = useRef<HTMLInputElement>(null);
  const [text, setText] = useState('');
  const [unread, setUnread] = useState<readonly string[]>([]);
  const [listId, unreadId] = [useId(), useId()];
  const type = (typed: string) => {
    setText(typed);
    setUnread([]);
  };
  useKeys({ '/': () => field.current?.focus() });
  const names = state.value.listeners.flatMap(({ name }) => name ?? []);
  const offered = completions(text, names).slice(0, offeredMax);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        const read = readTerms(text);
        setUnread(read.unread);
        router.change(read.filter);
        setText(read.unread.join(' '));
      }}
    >
      <input
        ref={field}
        type="text"
        list={listId}
        value={text}
        placeholder={connections.filterHint}
        aria-label={connections.filter}
        aria-invalid={unread.length > 0}
        aria-describedby={unread.length > 0 ? unreadId : undefined}
        autocomplete="off"
        spellcheck={false}
        onInput={(event) => type(event.currentTarget.value)}
        // The keyboard of the page leaves the field.
        onKeyDown={({ key, isComposing }) => key === 'Escape' && !isComposing && type('')}
      />
      <datalist id={listId}>
        {offered.map((one) => (
          <option key={one} value={one} />
        ))}
      </datalist>
      <span class="key" aria-hidden="true">
        /
      </span>
      {unread.length > 0 && (
        <p id={unreadId} class="bad" role="alert">
          {connections.filterUnread(unread.join(' '))}
        </p>
      )}
    </form>
  );
}

function Chips() {
  const { router, words } = useConsole();
  const { connections } = words;
  const filter = Object.entries(filterOf(router.query.value));
  if (filter.length === 0) return null;
  const none = Object.fromEntries(filter.map(([name]) => [name, null]));
  return (
    <ul class="chips">
      {filter.map(([name, value]) => (
        <li key={name}>
          <button
            type="button"
            class="chip"
            aria-label={connections.without(`${name}:${value}`)}
            onClick={() => router.change({ [name]: null })}
          >
            <span class="soft">{name}</span> <span class="mono">{value}</span>{' '}
            <span aria-hidden="true">×</span>
          </button>
        </li>
      ))}
      {filter.length > 1 && (
        <li>
          <button type="button" class="quiet" onClick={() => router.change(none)}>
            {connections.clear}
          </button>
        </li>
      )}
    </ul>
  );
}
