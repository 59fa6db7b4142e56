/** Takes up what an earlier run of this node left: closes what was open, and wishes for what should be listening. */
import { inParallel } from './in-parallel.ts';
import type { ListenerObserver } from './listener-observer.ts';
import type { ListenerEntry } from './listener-set.ts';
import { wish } from './listener-wish.ts';
import type { Listeners, ListenersOptions } from './listeners.ts';
import type { NodeContents } from './nodes.ts';
import type { ProjectRef } from './project.ts';
import type { Store } from './store.ts';

export interface RecoveryOptions extends ListenersOptions {
  readonly node: NodeContents;
  readonly store: Pick<Store, 'of' | 'projects'>;
  readonly listeners: Listeners;
  readonly observer: ListenerObserver;
  /** Binds that are under way at once. */
  readonly bindsAtOnceMax: number;
  readonly pages: { readonly sizeMax: number; readonly bytesMax: number };
}

/** Open connections of an earlier run are closed in pieces of this many. */
const interruptedPageMax = 1000;

export class ListenerRecovery {
  readonly #options: RecoveryOptions;

  constructor(options: RecoveryOptions) {
    this.#options = options;
  }

  /**
   * Resolves when what was observed of each listener is on record.
   * @throws unavailable
   */
  async recover(): Promise<void> {
    const { bindsAtOnceMax, clock, node, observer, restingPorts } = this.#options;
    await restingPorts.takeUp(node, clock.now());
    const entries = await this.#readOwn();
    await this.#closeInterrupted();
    await inParallel(entries, bindsAtOnceMax, (entry) => this.#recoverOne(entry));
    await observer.settled();
  }

  async #readOwn(): Promise<readonly ListenerEntry[]> {
    const { node, set, recorder, pages } = this.#options;
    const entries: ListenerEntry[] = [];
    for (let after: string | null = null; ; ) {
      const page = { pageSize: pages.sizeMax, bytesMax: pages.bytesMax, after };
      const stored = await node.readListeners(page);
      for (const { secrets, ...listener } of stored) {
        const { openConnections: open, totalConnections: total } = listener;
        recorder.startCounting(listener, { open, total });
        entries.push(set.add({ ...listener, sockets: [] }, secrets));
      }
      after = stored.at(-1)?.id ?? null;
      if (after === null) return entries;
    }
  }

  async #closeInterrupted(): Promise<void> {
    const { store, logger } = this.#options;
    let closed = 0;
    for (const project of await store.projects.all()) closed += await this.#closeAllOf(project);
    if (closed > 0) logger.warn({ connections: closed }, 'closed what an earlier run left open');
  }

  /** Resolves to their number. */
  async #closeAllOf(project: ProjectRef): Promise<number> {
    const { node, recorder } = this.#options;
    let closed = 0;
    for (let afterId: string | null = null; ; ) {
      const page = await node.readOpenConnections(project, afterId, interruptedPageMax);
      await recorder.closeInterrupted(project, page);
      closed += page.length;
      afterId = page.at(-1)?.id ?? null;
      if (page.length < interruptedPageMax) return closed;
    }
  }

  async #recoverOne(entry: ListenerEntry): Promise<void> {
    const { listeners, dataPlane, observer } = this.#options;
    if (entry.listener.state === 'draining') {
      await listeners.close(null, entry.listener.id, 0);
      return;
    }
    const wished = wish(dataPlane, entry);
    const { unreadable: reason } = entry.secrets;
    if (reason !== undefined) {
      const { wished: generation, listener } = entry;
      observer.observe({ listenerId: listener.id, generation, state: 'failed', reason });
    }
    listeners.scheduleExpiry(entry);
    await wished;
  }
}
