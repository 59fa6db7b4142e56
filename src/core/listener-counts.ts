/** How many connections each listener of a node has and had, as reported: a moment ahead of what is committed. */
import type { Listener } from './listener.ts';
import type { ProjectRef } from './project.ts';

export interface ConnectionCounts {
  readonly open: number;
  readonly total: number;
}

/** What tells whose the listener is. */
type OfProject = Pick<Listener, 'id' | 'project'>;

interface Counted extends ConnectionCounts {
  readonly project: ProjectRef;
}

export class ListenerCounts {
  readonly #counts = new Map<string, Counted>();

  start({ id, project }: OfProject, { open, total }: ConnectionCounts): void {
    this.#counts.set(id, { open, total, project });
  }

  end(listenerId: string): void {
    this.#counts.delete(listenerId);
  }

  /** Whose it is; null of one that is not counted. */
  projectOf(listenerId: string): ProjectRef | null {
    return this.#counts.get(listenerId)?.project ?? null;
  }

  of(listenerId: string): ConnectionCounts {
    const { open = 0, total = 0 } = this.#counts.get(listenerId) ?? {};
    return { open, total };
  }

  /** The listener with its counts as they are now. */
  counted(listener: Listener): Listener {
    const { open, total } = this.of(listener.id);
    return { ...listener, openConnections: open, totalConnections: total };
  }

  /** One more is open, or one less. */
  change(listenerId: string, by: 1 | -1): void {
    const counts = this.#counts.get(listenerId);
    if (counts === undefined) return;
    const { open, total, project } = counts;
    this.#counts.set(listenerId, { project, open: open + by, total: total + (by === 1 ? 1 : 0) });
  }
}
