/** The textbook's picture, of what is really running. */
import { useConsole } from './console-context.ts';

export function LivePage() {
  const { state, words } = useConsole();
  return (
    <section class="page">
      <h1>{words.live.title}</h1>
      <p>{state.value.open.length}</p>
    </section>
  );
}
