/** The listeners of this node that are not closed: by id, by name, and the order of work on each. */
import { AppError, limitReached } from './errors.ts';
import { Latch } from './latch.ts';
import type { Listener, ListenerSecrets } from './listener.ts';
import type { ProjectRef } from './project.ts';
import type { AskedEnd } from './resource-audit.ts';
import { heldBytes } from './sizes.ts';

export interface ListenerEntry {
  listener: Listener;
  readonly secrets: ListenerSecrets;
  /** The end of what was last begun on this listener. */
  turn: Promise<unknown>;
  /** Of all that its specs were given, also of one whose commit failed: that may land yet. */
  newest: number;
  /** The generation of what the data plane was told last; 0 before the first wish. */
  wished: number;
  /** The newest generation of which the data plane has told how it is; 0: of none. */
  observed: number;
  /** Opens when it listens no more, and its end is being committed. */
  readonly gone: Latch;
  ending: Promise<void> | null;
  /** Opens when that is committed. */
  readonly ended: Latch;
  /** When its connections are to end at the latest, by performance.now. */
  drainEndsAt: number;
  /** Whose delete its end is; null: nobody's. */
  endedBy: AskedEnd | null;
  expiry: NodeJS.Timeout | null;
  /** What is held for it: see sizes.ts. */
  bytes: number;
}

export interface RoomLimits {
  readonly listenersMax: number;
  /** Bytes of all listeners' specs. */
  readonly specBytesMax: number;
}

export class ListenerSet {
  readonly #entries = new Map<string, ListenerEntry>();
  /** By project and name. */
  readonly #ids = new Map<string, string>();
  #bytes = 0;
  #ended: AppError | null = null;

  get size(): number {
    return this.#entries.size;
  }

  /** @throws resource_exhausted where there is no room for so many more listeners, or bytes */
  assertRoom(more: { readonly count: number; readonly bytes: number }, limits: RoomLimits): void {
    const { listenersMax, specBytesMax } = limits;
    if (this.size + more.count > listenersMax) {
      const message = `this node holds at most ${listenersMax} listeners`;
      throw limitReached('listenersMax', listenersMax, message);
    }
    if (more.bytes > 0 && this.#bytes + more.bytes > specBytesMax) {
      const message = `the specs of this node's listeners hold at most ${specBytesMax} bytes`;
      throw limitReached('specBytesMax', specBytesMax, message);
    }
  }

  all(): readonly Listener[] {
    return [...this.each()];
  }

  /** As all, for who looks at them at once: it makes no list of them. */
  each(): Iterable<Listener> {
    return this.#entries.values().map((entry) => entry.listener);
  }

  get(id: string): ListenerEntry | null {
    return this.#entries.get(id) ?? null;
  }

  /** Of one that is the project's. */
  findId(project: ProjectRef, idOrName: string): string | null {
    if (this.#entries.get(idOrName)?.listener.project === project) return idOrName;
    return this.#ids.get(nameKey(project, idOrName)) ?? null;
  }

  hasName(project: ProjectRef, name: string): boolean {
    return this.#ids.has(nameKey(project, name));
  }

  /** What is done with it in its turn waits for `turn` first. */
  add(
    listener: Listener,
    secrets: ListenerSecrets,
    turn: Promise<unknown> = Promise.resolve(),
  ): ListenerEntry {
    const entry: ListenerEntry = {
      ...{ listener, secrets, turn, bytes: heldBytes(listener, secrets), expiry: null },
      ...{ newest: listener.generation, wished: 0, observed: 0 },
      ...{ gone: new Latch(), ending: null, ended: new Latch(), endedBy: null },
      drainEndsAt: Number.POSITIVE_INFINITY,
    };
    this.#entries.set(listener.id, entry);
    this.#bytes += entry.bytes;
    const { project, name } = listener;
    if (name !== null) this.#ids.set(nameKey(project, name), listener.id);
    return entry;
  }

  rename({ id, project }: Listener, from: string | null, to: string | null): void {
    if (from !== null) this.#ids.delete(nameKey(project, from));
    if (to !== null) this.#ids.set(nameKey(project, to), id);
  }

  /** It holds so many bytes from now on. */
  resize(entry: ListenerEntry, bytes: number): void {
    this.#bytes += bytes - entry.bytes;
    entry.bytes = bytes;
  }

  remove(id: string): void {
    const entry = this.#entries.get(id);
    if (entry === undefined) return;
    if (entry.expiry !== null) clearTimeout(entry.expiry);
    this.#entries.delete(id);
    this.#bytes -= entry.bytes;
    const { project, name } = entry.listener;
    const key = nameKey(project, name ?? '');
    // A create that is refused for its name has not had it.
    if (this.#ids.get(key) === id) this.#ids.delete(key);
  }

  /** Whoever waits for the end of one, or for a turn, hears of it elsewhere: none of them is closed. */
  end(why: AppError): void {
    this.#ended = why;
    for (const { listener, gone } of this.#entries.values()) {
      gone.break(why);
      this.remove(listener.id);
    }
  }

  /**
   * Does the work after all that was begun on this listener before.
   * @throws not_found when the listener is gone by the time its turn comes, or why all of them are
   */
  inTurn<Result>(id: string, work: (entry: ListenerEntry) => Promise<Result>): Promise<Result> {
    const entry = this.#entries.get(id);
    const gone = () => this.#ended ?? new AppError('not_found', `no open listener ${id} here`);
    if (entry === undefined) return Promise.reject(gone());
    const result = entry.turn.then(() => {
      if (this.#entries.get(id) !== entry) throw gone();
      return work(entry);
    });
    entry.turn = result.catch(() => undefined);
    return result;
  }
}

/** No name holds a space. */
function nameKey(project: ProjectRef, name: string): string {
  return `${project} ${name}`;
}
