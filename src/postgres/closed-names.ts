/** Names of listeners that are closed. These do not change any more, so that each is read once, while it is asked for. */
import type { ProjectRef } from '../core/project.ts';

type Key = `${ProjectRef} ${string}`;

export class ClosedNames {
  readonly #most: number;
  /** Who was asked for last comes last. */
  readonly #names = new Map<Key, string | null>();

  constructor(most: number) {
    this.#most = most;
  }

  /** Null is a listener without a name; undefined one that is not known, or not closed. */
  get(project: ProjectRef, id: string): string | null | undefined {
    const key: Key = `${project} ${id}`;
    const name = this.#names.get(key);
    if (name === undefined) return undefined;
    this.#names.delete(key);
    this.#names.set(key, name);
    return name;
  }

  add(project: ProjectRef, id: string, name: string | null): void {
    this.#names.set(`${project} ${id}`, name);
    if (this.#names.size <= this.#most) return;
    const [oldest] = this.#names.keys();
    if (oldest !== undefined) this.#names.delete(oldest);
  }
}
