/** Each listener as the events of the window told it, and as the list told it last. */
import type { ListenerView } from '../http/resources.ts';

interface Version {
  readonly seq: number;
  readonly view: ListenerView;
}

interface Versions {
  /** As the list told it last: with it come the counts of now. */
  listed: ListenerView | null;
  /** As it was when the window began, as far as an event told it. */
  before: ListenerView | null;
  readonly inside: Version[];
}

export class ListenerVersions {
  readonly #versions = new Map<string, Versions>();

  know(listeners: readonly ListenerView[]): void {
    for (const listener of listeners) this.#of(listener.id).listed = listener;
  }

  note(seq: number, view: ListenerView): void {
    this.#of(view.id).inside.push({ seq, view });
  }

  /** The event at seq leaves the window. */
  forget(seq: number, id: string): void {
    const versions = this.#of(id);
    const [first] = versions.inside;
    if (first?.seq !== seq) return;
    versions.inside.shift();
    versions.before = first.view;
    if (first.view.state === 'closed' && versions.inside.length === 0) this.#versions.delete(id);
  }

  /** Those that were not closed at seq, in order of creation; null is now. */
  at(seq: number | null): ListenerView[] {
    const found: ListenerView[] = [];
    for (const versions of this.#versions.values()) {
      const view = seq === null ? latest(versions) : viewAt(versions, seq);
      if (view !== null && view.state !== 'closed') found.push(view);
    }
    return found.sort((one, other) => (one.id < other.id ? -1 : 1));
  }

  #of(id: string): Versions {
    const versions = this.#versions.get(id) ?? { listed: null, before: null, inside: [] };
    this.#versions.set(id, versions);
    return versions;
  }
}

/** A list may be older than the newest event, or newer than the stream has come. */
function latest({ listed, before, inside }: Versions): ListenerView | null {
  const told = inside.at(-1)?.view ?? before;
  if (told === null || listed === null) return told ?? listed;
  if (told.updatedAt > listed.updatedAt || told.state === 'closed') return told;
  return listed;
}

function viewAt({ listed, before, inside }: Versions, seq: number): ListenerView | null {
  const told = inside.findLast((version) => version.seq <= seq)?.view ?? before;
  if (told !== null) return told;
  const [first] = inside;
  if (first === undefined) return listed;
  // One that is made later was not there yet; what else happens to it tells that it was.
  const { view } = first;
  if (view.createdAt === view.updatedAt && view.state !== 'closed') return null;
  return { ...view, state: 'listening', reason: null, closedAt: null };
}
