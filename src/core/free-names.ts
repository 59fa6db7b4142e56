/** Whether a name is free in its project: on this node, and by the store on the others. */
import { AppError, nameTaken } from './errors.ts';
import type { ListenerSet } from './listener-set.ts';
import type { ProjectRef } from './project.ts';
import type { Store } from './store.ts';

interface Ground {
  readonly nodeId: string;
  readonly set: ListenerSet;
  readonly store: Pick<Store, 'of'>;
}

const undoneRetryMs = 1000;

/** For the listener of this id. @throws already_exists, unavailable */
export async function assertNameFree(
  { nodeId, set, store }: Ground,
  project: ProjectRef,
  name: string | null,
  id: string,
): Promise<void> {
  if (name === null) return;
  if (set.hasName(project, name) && set.findId(project, name) !== id) throw nameTaken(name);
  const owner = await store.of(project).listeners.find(name);
  // Its create failed, and landed late.
  const isUndone = owner?.nodeId === nodeId && set.get(owner.id) === null;
  if (isUndone) {
    throw new AppError('unavailable', 'it is being undone', { retryAfterMs: undoneRetryMs });
  }
  if (owner !== null) throw nameTaken(name);
}
