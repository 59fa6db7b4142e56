/** How to connect to a listener, to be copied. */
import type { ListenerView } from '../http/resources.ts';
import { connectLines } from './connect-lines.ts';
import { useConsole } from './console-context.ts';
import { CommandLine } from './copy-button.tsx';

export function ConnectPanel({ listener }: { readonly listener: ListenerView }) {
  const { words } = useConsole();
  const lines = connectLines(listener, location.hostname);
  if (lines.length === 0) return null;
  return (
    <section class="panel connect">
      <h2>{words.live.connectTitle}</h2>
      <p class="soft">{words.live.connectText}</p>
      <dl>
        {lines.map(({ kind, text }) => (
          <div key={text}>
            <dt>{words.live.connect[kind]}</dt>
            <dd>
              <CommandLine text={text} />
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
