/** What is read of connections, with the names of their listeners as they are when it is read. */
import type { Caller } from './caller.ts';
import type { ListenerDirectory } from './directories.ts';
import type { Event } from './event.ts';
import type { StreamItem } from './follow.ts';
import type { HeldNodes } from './held-nodes.ts';
import type { PageInPieces } from './page.ts';
import type { ProjectStore } from './store.ts';
import { whileThere } from './while-there.ts';

export type Named<Item> = Item & { readonly listenerName: string | null };
export type NameMap = ReadonlyMap<string, string | null>;
export type NamedStreamItem = {
  /** Of the first item: the log that the stream is of. */
  readonly log?: string;
} & (
  | Exclude<StreamItem, { readonly kind: 'events' }>
  /** By the ids of all listeners that the events are of. */
  | (Extract<StreamItem, { readonly kind: 'events' }> & { readonly names: NameMap })
);

interface OfListener {
  readonly listenerId: string;
}

export class ListenerNames {
  readonly #nodes: Pick<HeldNodes, 'listener'>;
  readonly #directory: Pick<ListenerDirectory, 'findNames'>;

  constructor(options: {
    readonly nodes: Pick<HeldNodes, 'listener'>;
    readonly store: Pick<ProjectStore, 'listeners'>;
  }) {
    this.#nodes = options.nodes;
    this.#directory = options.store.listeners;
  }

  async *inPieces<Item extends OfListener, End>(
    pieces: PageInPieces<Item, End>,
    caller: Pick<Caller, 'signal'>,
  ): PageInPieces<Named<Item>, End> {
    let step = await pieces.next();
    for (; step.done !== true; step = await pieces.next()) {
      yield await whileThere(caller, this.items(step.value));
    }
    return step.value;
  }

  async item<Item extends OfListener>(item: Item): Promise<Named<Item>> {
    const names = await this.#of([item]);
    return { ...item, listenerName: names.get(item.listenerId) ?? null };
  }

  async items<Item extends OfListener>(items: readonly Item[]): Promise<readonly Named<Item>[]> {
    const names = await this.#of(items);
    return items.map((item) => ({ ...item, listenerName: names.get(item.listenerId) ?? null }));
  }

  async *stream(
    items: AsyncIterable<StreamItem>,
    log: { readonly id: string },
  ): AsyncGenerator<NamedStreamItem, void, void> {
    let first: { readonly log?: string } = { log: log.id };
    for await (const item of items) {
      const told = { ...item, ...first };
      yield told.kind === 'events' ? { ...told, names: await this.#of(told.events) } : told;
      first = {};
    }
  }

  /** Those that are held here are known; a stream at the head asks the store for nothing of theirs. */
  async #of(items: readonly (OfListener | Event)[]): Promise<NameMap> {
    const names = new Map<string, string | null>();
    const missing: string[] = [];
    for (const { listenerId: id } of items) {
      if (names.has(id)) continue;
      const own = this.#nodes.listener(id);
      if (own === null) missing.push(id);
      names.set(id, own?.name ?? null);
    }
    if (missing.length === 0) return names;
    for (const [id, name] of await this.#directory.findNames(missing)) names.set(id, name);
    return names;
  }
}
