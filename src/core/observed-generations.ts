/** Which generation a listener's node serves, where nothing else of it has changed: no event tells of that. */
import { hasCode } from './errors.ts';
import type { ListenerEntry } from './listener-set.ts';
import type { Logger } from './ports.ts';
import type { Store } from './store.ts';

const retryMs = 1000;

export interface ObservedGround {
  readonly store: Pick<Store, 'of'>;
  readonly logger: Logger;
}

export async function noteObserved(ground: ObservedGround, entry: ListenerEntry): Promise<void> {
  const { generation, observedGeneration } = entry.listener;
  if (entry.observed !== generation || observedGeneration === generation) return;
  entry.listener = { ...entry.listener, observedGeneration: generation };
  await write(ground, entry, generation);
}

/** The node serves it, whether the store is there or not: that is told once it is. */
async function write(ground: ObservedGround, entry: ListenerEntry, generation: number) {
  const { id, project, generation: newest } = entry.listener;
  if (newest !== generation || entry.ending !== null) return;
  try {
    await ground.store.of(project).listeners.observed(id, generation);
  } catch (error) {
    if (!hasCode(error, 'unavailable')) throw error;
    const tell = (err: unknown) => ground.logger.error({ err, listenerId: id }, 'a bug: not told');
    setTimeout(() => write(ground, entry, generation).catch(tell), retryMs).unref();
  }
}
