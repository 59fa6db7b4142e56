/**
 * Every open connection of a worker, by id, and which of them have told no counters yet. What is open for less than a
 * moment is not among these: a connection that is soon over tells its counters with its end.
 */
import type { OpenConnection } from './echo-listener.ts';

export class OpenConnections extends Map<string, OpenConnection> {
  readonly #silent = new Set<string>();
  /** Opened since the last moment ended. */
  #young = new Set<string>();

  /** Ids, in the order in which they came. */
  get silent(): ReadonlySet<string> {
    return this.#silent;
  }

  override set(id: string, connection: OpenConnection): this {
    this.#young.add(id);
    return super.set(id, connection);
  }

  override delete(id: string): boolean {
    this.hasTold(id);
    return super.delete(id);
  }

  hasTold(id: string): void {
    if (!this.#young.delete(id)) this.#silent.delete(id);
  }

  endMoment(): void {
    for (const id of this.#young) this.#silent.add(id);
    this.#young = new Set();
  }
}
