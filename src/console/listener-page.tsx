/** One listener: its faults, its limits, and how its connections ended. */
import { useConsole } from './console-context.ts';

export interface ListenerPageProps {
  /** Its name or its id. */
  readonly listenerKey: string;
}

export function ListenerPage({ listenerKey }: ListenerPageProps) {
  const { words } = useConsole();
  return (
    <section class="page">
      <h1>{words.listener.title(listenerKey)}</h1>
    </section>
  );
}
