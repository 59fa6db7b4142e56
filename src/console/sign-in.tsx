/** Asks for a key, once a call was refused for want of one. The page stays as it is behind it. */
import { useRef, useState } from 'preact/hooks';
import { CallFailure, type Problem } from './api.ts';
import { useConsole } from './console-context.ts';
import { Dialog } from './dialog.tsx';
import type { Words } from './words-english.ts';

export function SignIn() {
  const { api, words } = useConsole();
  const field = useRef<HTMLInputElement>(null);
  const { trying, refusal, tryKey } = useTrial();
  // Of the one that was just tried, or of one that was taken until now.
  const problem = refusal ?? api.refusal.value;
  const wrong = problem === null ? null : reasonOf(problem, words);
  return (
    <Dialog title={words.signIn.title} onClose={null}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          const key = field.current?.value.trim() ?? '';
          if (key !== '') void tryKey(key);
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
            aria-describedby={wrong === null ? undefined : 'key-refused'}
          />
        </label>
        {wrong !== null && (
          <p id="key-refused" class="bad" role="alert">
            {wrong}
          </p>
        )}
        <p class="actions">
          <button type="submit" class="main" disabled={trying}>
            {words.signIn.submit}
          </button>
        </p>
      </form>
    </Dialog>
  );
}

function reasonOf({ status, code, detail }: Problem, { problem, signIn }: Words): string {
  if (code === 'unreachable') return problem.unreachable;
  return status === 401 ? `${signIn.wrong} (${detail})` : detail;
}

/** A key is kept once it was found good: any key may ask what it is. */
function useTrial() {
  const { api } = useConsole();
  const [trying, setTrying] = useState(false);
  const [refusal, setRefusal] = useState<Problem | null>(null);
  const tryKey = async (key: string) => {
    setTrying(true);
    try {
      await api.call('GET', '/v1/projects/self', { key });
      api.signIn(key);
    } catch (error) {
      if (!(error instanceof CallFailure)) throw error;
      setRefusal(error.problem);
    } finally {
      setTrying(false);
    }
  };
  return { trying, refusal, tryKey };
}
