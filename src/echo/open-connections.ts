/**
 * Every open connection of a worker, by id, and whose counters have to be asked for: most are quiet, and cost nothing then.
 * What is open for less than a moment has told no counters: one that is soon over tells them with its end.
 */
import type { OpenConnection } from './echo-listener.ts';
import { ResetLooks } from './tcp/reset-looks.ts';

export class OpenConnections extends Map<string, OpenConnection> {
  readonly resets = new ResetLooks();
  /** Opened since the last moment ended. */
  #young = new Set<string>();
  /** Those opened before, that have told no counters yet. */
  readonly #silent = new Set<string>();
  /** In the order in which they moved. */
  #moved = new Set<string>();
  /** Those of them that are silent. */
  readonly #firstMoved = new Set<string>();

  override set(id: string, connection: OpenConnection): this {
    this.#young.add(id);
    return super.set(id, connection);
  }

  override delete(id: string): boolean {
    this.hasTold(id);
    this.#moved.delete(id);
    this.resets.delete(id);
    return super.delete(id);
  }

  /** Its counters may have moved since they were asked for. */
  onMoved(id: string): void {
    this.#moved.add(id);
    if (this.#silent.has(id)) this.#firstMoved.add(id);
  }

  hasTold(id: string): void {
    if (this.#young.delete(id) || !this.#silent.delete(id)) return;
    this.#firstMoved.delete(id);
  }

  endMoment(): void {
    for (const id of this.#young) {
      this.#silent.add(id);
      if (this.#moved.has(id)) this.#firstMoved.add(id);
    }
    this.#young = new Set();
  }

  /** The ids of all that have moved, who count as quiet from now on. */
  takeMoved(): ReadonlySet<string> {
    const moved = this.#moved;
    this.#moved = new Set();
    return moved;
  }

  /** The same of the silent ones, of so many at most. */
  takeFirstMoved(most: number): readonly string[] {
    const taken: string[] = [];
    for (const id of this.#firstMoved) {
      if (taken.length === most) break;
      taken.push(id);
      this.#firstMoved.delete(id);
      this.#moved.delete(id);
    }
    return taken;
  }
}
