/** Takes up what an earlier run of this node left: closes what was open, and wishes for what should be listening. */
import { inParallel } from './in-parallel.ts';
import type { Listener } from './listener.ts';
import type { ListenerObserver } from './listener-observer.ts';
import type { ListenerEntry } from './listener-set.ts';
import { wish } from './listener-wish.ts';
import type { Listeners, ListenersOptions } from './listeners.ts';
import type { NodeContents } from './nodes.ts';
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

/** Open connections of an earlier run are read, and closed, in pieces of this many. */
const openPageMax = 1000;

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
    const entries = await this.readListeners();
    await this.closeInterrupted();
    await this.wishFor(entries);
    await this.#options.observer.settled();
  }

  /** Resolves when all have been told. */
  async wishFor(entries: readonly ListenerEntry[]): Promise<void> {
    const { bindsAtOnceMax } = this.#options;
    await inParallel(entries, bindsAtOnceMax, (entry) => this.#recoverOne(entry));
  }

  async readListeners(): Promise<readonly ListenerEntry[]> {
    const { clock, node, set, recorder, restingPorts, pages } = this.#options;
    await restingPorts.takeUp(node, clock.now());
    const entries: ListenerEntry[] = [];
    for (let after: string | null = null; ; ) {
      const page = { pageSize: pages.sizeMax, bytesMax: pages.bytesMax, after };
      const stored = await node.readListeners(page);
      for (const { secrets, ...listener } of stored) {
        const { openConnections: open, totalConnections: total } = listener;
        recorder.counts.start(listener, { open, total });
        entries.push(set.add({ ...listener, sockets: [] }, secrets));
      }
      after = stored.at(-1)?.id ?? null;
      if (after === null) return entries;
    }
  }

  async closeInterrupted(): Promise<void> {
    const { logger, recorder } = this.#options;
    let closed = 0;
    for await (const { project, connections } of this.#open()) {
      await recorder.closeInterrupted(project, connections);
      closed += connections.length;
    }
    if (closed > 0) logger.warn({ connections: closed }, 'closed what an earlier run left open');
  }

  /** What is on record as open goes on in this worker. */
  async resume(workerId: string): Promise<void> {
    for await (const { project, connections } of this.#open()) {
      this.#options.recorder.resume(workerId, project, connections);
    }
  }

  async *#open() {
    const { node, store } = this.#options;
    for (const project of await store.projects.all()) {
      for (let afterId: string | null = null; ; ) {
        const connections = await node.readOpenConnections(project, afterId, openPageMax);
        yield { project, connections };
        afterId = connections.at(-1)?.id ?? null;
        if (connections.length < openPageMax) break;
      }
    }
  }

  async #recoverOne(entry: ListenerEntry): Promise<void> {
    const { listeners, dataPlane, observer } = this.#options;
    if (entry.listener.state === 'draining') return await this.#endDrain(entry.listener);
    const wished = wish(dataPlane, entry);
    const { unreadable: reason } = entry.secrets;
    if (reason !== undefined) {
      const { wished: generation, listener } = entry;
      observer.observe({ listenerId: listener.id, generation, state: 'failed', reason });
    }
    listeners.scheduleExpiry(entry);
    await wished;
  }

  /** A node that serves by itself goes on with it; nobody is left of one whose workers have just started. */
  async #endDrain({ id, expiresAt }: Listener): Promise<void> {
    const { listeners, isRemote = false, clock } = this.#options;
    const leftMs = Math.ceil(((expiresAt ?? 0) - clock.now()) / 1000);
    if (isRemote && leftMs > 0) await listeners.closes.begin(null, id, leftMs);
    else await listeners.close(null, id, 0);
  }
}
