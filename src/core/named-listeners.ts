/** What callers do with a listener that they name, whichever node has it: this one, another, or one that is not there. */

import type { Caller } from './caller.ts';
import type { ListenerDirectory } from './directories.ts';
import { AppError, hasCode } from './errors.ts';
import type { GoneNodes } from './gone-nodes.ts';
import { inParallel } from './in-parallel.ts';
import { isOver, type Listener } from './listener.ts';
import type { ListenerSet } from './listener-set.ts';
import type { Listeners } from './listeners.ts';
import { listPage, type Page } from './page.ts';
import type { ProjectRef } from './project.ts';
import type { ProjectStore, Store } from './store.ts';

/** What a caller's project has. */
export interface Own {
  readonly project: ProjectRef;
  readonly store: ProjectStore;
}

/** So many in one call. */
export const closeMax = 1000;
const closesAtOnce = 32;

export interface CloseMany {
  /** Or names; null: by the labels. */
  readonly ids: readonly string[] | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly pageToken: string | null;
}

const anyListener = { state: null, protocol: null, port: null, name: null };

interface NamedListenersOptions {
  readonly set: ListenerSet;
  readonly store: Pick<Store, 'nodes'>;
  readonly listeners: Listeners;
  readonly goneNodes: GoneNodes;
  readonly pageBytesMax: number;
}

export class NamedListeners {
  readonly #options: NamedListenersOptions;

  constructor(options: NamedListenersOptions) {
    this.#options = options;
  }

  /** Idempotent by id. @throws not_found, failed_precondition (of another node, which is up), unavailable */
  async close(
    { project, store }: Own,
    by: Caller | null,
    idOrName: string,
    drainMs: number,
  ): Promise<void> {
    const { set, listeners, goneNodes } = this.#options;
    const id = set.findId(project, idOrName);
    if (id === null) {
      const listener = await listenerOf(store, idOrName);
      if (isOver(listener)) return;
      await goneNodes.closeListener(by, listener);
    } else {
      await listeners.close(by, id, drainMs).catch((error: unknown) => {
        // Someone else's delete was faster.
        if (!hasCode(error, 'not_found')) throw error;
      });
    }
  }

  /**
   * Those named, or a page of those that carry the labels; what can be closed of them is, and the first that can not is
   * thrown. @throws not_found before any is closed, and what close throws
   */
  async closeMany(
    own: Own,
    by: Caller | null,
    { ids, labels, pageToken }: CloseMany,
  ): Promise<Page<string>> {
    const { listeners } = own.store;
    const page =
      ids === null
        ? await listPage(
            { labels, project: own.project },
            { pageSize: closeMax, pageToken },
            (ask) =>
              listeners.list(
                { ...anyListener, labels },
                { ...ask, bytesMax: this.#options.pageBytesMax },
              ),
          )
        : { items: await foundOf(listeners, ids), nextPageToken: null };
    const items = page.items.map(({ id }) => id);
    const failures: unknown[] = [];
    await inParallel(items, closesAtOnce, (id) =>
      this.close(own, by, id, 0).catch((error: unknown) => void failures.push(error)),
    );
    if (failures.length > 0) throw failures[0];
    return { ...page, items };
  }

  /** Page by page, for nobody. @throws as closeMany does */
  async closeAll(own: Own): Promise<void> {
    for (let pageToken: string | null = null; ; ) {
      const ask = { ids: null, labels: {}, pageToken };
      const page: Page<string> = await this.closeMany(own, null, ask);
      pageToken = page.nextPageToken;
      if (pageToken === null) return;
    }
  }

  /** The id of one that this node may change. @throws not_found, failed_precondition, unavailable */
  async ownId({ project, store }: Own, idOrName: string): Promise<string> {
    const id = this.#options.set.findId(project, idOrName);
    if (id !== null) return id;
    const listener = await listenerOf(store, idOrName);
    const why = isOver(listener) ? 'is closed' : await this.#where(listener.nodeId);
    throw new AppError('failed_precondition', `listener ${idOrName} ${why}`);
  }

  async #where(nodeId: string): Promise<string> {
    const isThere = await this.#options.store.nodes.isThere(nodeId);
    const what = isThere ? 'is up: ask there' : 'is not there: it can only be deleted meanwhile';
    return `is on node ${nodeId}, which ${what}`;
  }
}

/** By id or name; a closed one by its id. @throws not_found, unavailable */
export async function listenerOf(
  { listeners }: Pick<ProjectStore, 'listeners'>,
  idOrName: string,
): Promise<Listener> {
  const listener = await listeners.find(idOrName);
  return listener ?? notFound(idOrName);
}

async function foundOf(
  directory: Pick<ListenerDirectory, 'findIds'>,
  idsOrNames: readonly string[],
): Promise<readonly { readonly id: string }[]> {
  const found = await directory.findIds(idsOrNames);
  const ids = idsOrNames.map((one, index) => found[index] ?? notFound(one));
  return [...new Set(ids)].map((id) => ({ id }));
}

function notFound(idOrName: string): never {
  throw new AppError('not_found', `no listener ${idOrName}`);
}
