/** Which generation a listener's node serves, where nothing else of it has changed: no event tells of that. */
import { hasCode } from './errors.ts';
import type { ListenerEntry } from './listener-set.ts';
import type { Store } from './store.ts';

export async function noteObserved(store: Pick<Store, 'of'>, entry: ListenerEntry): Promise<void> {
  const { id, project, generation, observedGeneration } = entry.listener;
  if (entry.observed !== generation || observedGeneration === generation) return;
  entry.listener = { ...entry.listener, observedGeneration: generation };
  try {
    await store.of(project).listeners.observed(id, generation);
  } catch (error) {
    // The next event of the listener writes it, too.
    if (!hasCode(error, 'unavailable')) throw error;
  }
}
