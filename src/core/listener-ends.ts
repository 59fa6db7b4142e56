/** Whether listeners that a reader has chosen are all closed, as the log goes on: nothing comes of those any more. */
import type { ListenerDirectory } from './directories.ts';
import type { Event, EventType } from './event.ts';
import { isOver } from './listener.ts';

export class ListenerEnds {
  /** Those that are not closed; null: any listener counts, and another may always come. */
  readonly #left: Set<string> | null;

  private constructor(left: Set<string> | null) {
    this.#left = left;
  }

  /** As they are on record. `ids` of none: nothing ever comes. @throws unavailable */
  static async of(
    ids: readonly string[] | null,
    directory: Pick<ListenerDirectory, 'find'>,
  ): Promise<ListenerEnds> {
    if (ids === null) return new ListenerEnds(null);
    const found = await Promise.all(ids.map((id) => directory.find(id)));
    const live = found.flatMap((one) => (one === null || isOver(one) ? [] : [one.id]));
    return new ListenerEnds(new Set(live));
  }

  /** The events that tell it. */
  get types(): readonly EventType[] {
    return this.#left === null ? [] : ['listener_closed'];
  }

  take({ type, listenerId }: Event): void {
    if (type === 'listener_closed') this.#left?.delete(listenerId);
  }

  get areAll(): boolean {
    return this.#left?.size === 0;
  }
}
