/** The listeners of this node that are not closed: by id, by name, and the order of work on each. */
import { AppError } from './errors.ts';
import type { Listener, ListenerSecrets } from './listener.ts';

export interface ListenerEntry {
  listener: Listener;
  readonly secrets: ListenerSecrets;
  /** The end of what was last begun on this listener. */
  turn: Promise<unknown>;
  expiry: NodeJS.Timeout | null;
}

export class ListenerSet {
  readonly #entries = new Map<string, ListenerEntry>();
  readonly #ids = new Map<string, string>();

  get size(): number {
    return this.#entries.size;
  }

  all(): readonly Listener[] {
    return [...this.#entries.values()].map((entry) => entry.listener);
  }

  get(id: string): ListenerEntry | null {
    return this.#entries.get(id) ?? null;
  }

  findId(idOrName: string): string | null {
    return this.#entries.has(idOrName) ? idOrName : (this.#ids.get(idOrName) ?? null);
  }

  hasName(name: string): boolean {
    return this.#ids.has(name);
  }

  add(listener: Listener, secrets: ListenerSecrets): ListenerEntry {
    const entry: ListenerEntry = { listener, secrets, turn: Promise.resolve(), expiry: null };
    this.#entries.set(listener.id, entry);
    if (listener.name !== null) this.#ids.set(listener.name, listener.id);
    return entry;
  }

  rename(id: string, from: string | null, to: string | null): void {
    if (from !== null) this.#ids.delete(from);
    if (to !== null) this.#ids.set(to, id);
  }

  remove(id: string): void {
    const entry = this.#entries.get(id);
    if (entry === undefined) return;
    if (entry.expiry !== null) clearTimeout(entry.expiry);
    this.#entries.delete(id);
    if (entry.listener.name !== null) this.#ids.delete(entry.listener.name);
  }

  /**
   * Does the work after all that was begun on this listener before.
   * @throws not_found when the listener is gone by the time its turn comes
   */
  inTurn<Result>(id: string, work: (entry: ListenerEntry) => Promise<Result>): Promise<Result> {
    const entry = this.#entries.get(id);
    const gone = () => new AppError('not_found', `no open listener ${id} on this node`);
    if (entry === undefined) return Promise.reject(gone());
    const result = entry.turn.then(() => {
      if (this.#entries.get(id) !== entry) throw gone();
      return work(entry);
    });
    entry.turn = result.catch(() => undefined);
    return result;
  }
}
