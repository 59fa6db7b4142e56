/** What a new key may do, of what its giver may. */
import type { ScopeChoice } from './key-states.ts';
import type { KeysWords } from './keys-words-english.ts';

export interface KeyScopesProps extends ScopeChoice {
  readonly said: KeysWords;
  readonly scopes: ReadonlySet<string>;
  readonly setScopes: (scopes: ReadonlySet<string>) => void;
  readonly isMissing: boolean;
}

export function KeyScopes({ said, usual, parts, scopes, setScopes, isMissing }: KeyScopesProps) {
  const { create } = said;
  const boxes = (some: readonly string[]) =>
    some.map((scope) => (
      <label key={scope} class="switch">
        <input
          type="checkbox"
          checked={scopes.has(scope)}
          onChange={({ currentTarget: { checked } }) => {
            const others = [...scopes].filter((one) => one !== scope);
            setScopes(new Set(checked ? [...others, scope] : others));
          }}
        />
        <span class="mono">{scope}</span>
      </label>
    ));
  return (
    <fieldset class="choices scopes">
      <legend>{create.scopes}</legend>
      {boxes(usual)}
      {parts.length > 0 && (
        <details>
          <summary>{create.parts}</summary>
          {boxes(parts)}
        </details>
      )}
      {isMissing && (
        <p class="bad" role="alert">
          {create.noScopes}
        </p>
      )}
    </fieldset>
  );
}
