/**
 * The connections at one seq, by listener: those that are open, and the last of those that have closed. At the head of the
 * log it is kept as each event comes, so that no drawing looks through the window.
 */
import type { ConnectionView } from '../http/resources.ts';
import { OpenConnections } from './open-connections.ts';

export interface OfListener {
  /** Or half-closed. */
  readonly open: OpenConnections;
  /** Of the window. */
  readonly closedCount: number;
  /** The newest last; at least the last `lastClosedMax` of the window. */
  readonly lastClosed: readonly ConnectionView[];
}

interface Kept extends OfListener {
  closedCount: number;
  readonly lastClosed: ConnectionView[];
}

/** Beyond them nobody looks for whose descriptor is used again. */
export const lastClosedMax = 200;

const none: OfListener = { open: new OpenConnections(), closedCount: 0, lastClosed: [] };

export class StandingConnections {
  readonly #byListener = new Map<string, Kept>();
  #openCount = 0;

  get openCount(): number {
    return this.#openCount;
  }

  of(listenerId: string): OfListener {
    return this.#byListener.get(listenerId) ?? none;
  }

  /** As it is from now on. A connection closes once. */
  put(connection: ConnectionView): void {
    const { id, listenerId, state } = connection;
    const kept = this.#byListener.get(listenerId) ?? this.#add(listenerId);
    const before = kept.open.all.size;
    if (state === 'closed') {
      kept.open.delete(id);
      kept.closedCount++;
      kept.lastClosed.push(connection);
      // As many again may gather, so that they are cut off in one piece.
      if (kept.lastClosed.length > 2 * lastClosedMax)
        kept.lastClosed.splice(0, kept.lastClosed.length - lastClosedMax);
    } else kept.open.put(connection);
    this.#openCount += kept.open.all.size - before;
  }

  /** It has left the window, or can not be kept. Of the closed ones the oldest leaves first. */
  forget({ id, listenerId, state }: ConnectionView): void {
    const kept = this.#byListener.get(listenerId);
    if (kept === undefined) return;
    if (state === 'closed') {
      kept.closedCount--;
      if (kept.lastClosed[0]?.id === id) kept.lastClosed.shift();
    } else {
      this.#openCount -= Number(kept.open.all.has(id));
      kept.open.delete(id);
    }
    if (kept.open.all.size === 0 && kept.closedCount === 0) this.#byListener.delete(listenerId);
  }

  #add(listenerId: string): Kept {
    const made: Kept = { open: new OpenConnections(), closedCount: 0, lastClosed: [] };
    this.#byListener.set(listenerId, made);
    return made;
  }
}
