/** Asks for a key, once a call was refused for want of one. The page stays as it is behind it. */
import { useRef } from 'preact/hooks';
import { useConsole } from './console-context.ts';
import { Dialog } from './dialog.tsx';

export function SignIn() {
  const { api, words } = useConsole();
  const field = useRef<HTMLInputElement>(null);
  const isRefused = api.key.value !== null;
  return (
    <Dialog title={words.signIn.title} onClose={null}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          const key = field.current?.value.trim() ?? '';
          if (key !== '') api.signIn(key);
        }}
      >
        <p>{words.signIn.why}</p>
        <label>
          {words.signIn.key}
          <input
            ref={field}
            type="password"
            autocomplete="current-password"
            required
            spellcheck={false}
            aria-describedby={isRefused ? 'key-refused' : undefined}
          />
        </label>
        {isRefused && (
          <p id="key-refused" class="bad" role="alert">
            {words.signIn.wrong}
          </p>
        )}
        <p class="actions">
          <button type="submit" class="main">
            {words.signIn.submit}
          </button>
        </p>
      </form>
    </Dialog>
  );
}
