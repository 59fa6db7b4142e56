/** The table of connections, live and past; beside it the one that is selected. */
import { useConsole } from './console-context.ts';

export interface ConnectionsPageProps {
  /** The connection whose panel is open. */
  readonly selectedId: string | null;
}

export function ConnectionsPage({ selectedId }: ConnectionsPageProps) {
  const { words } = useConsole();
  return (
    <section class="page">
      <h1>{words.connections.title}</h1>
      <p>{selectedId}</p>
    </section>
  );
}
