/**
 * Brings back what should be listening: after a start, and after a worker was lost. What cannot be bound is
 * `failed` with its reason, and tried again with back-off until it is bound or deleted.
 */
import { AppError, hasCode } from './errors.ts';
import { listenerEvent } from './event.ts';
import { inParallel } from './in-parallel.ts';
import type { Listener, ListenerReason } from './listener.ts';
import { bindingOf, type ListenerEntry } from './listener-set.ts';
import type { Listeners, ListenersOptions } from './listeners.ts';
import type { Bound } from './ports.ts';
import type { NodeContents } from './store.ts';
import { WakeUps } from './wake-ups.ts';

export interface RecoveryOptions extends ListenersOptions {
  readonly node: NodeContents;
  readonly listeners: Listeners;
  readonly rebind: {
    readonly minMs: number;
    readonly maxMs: number;
    /** Binds that are under way at once. */
    readonly atOnceMax: number;
  };
  readonly pages: { readonly sizeMax: number; readonly bytesMax: number };
}

/** Open connections of an earlier run are closed in pieces of this many. */
const interruptedPageMax = 1000;

export class ListenerRecovery {
  readonly #options: RecoveryOptions;
  readonly #stop = new AbortController();
  readonly #wakeUps = new WakeUps();
  readonly #retrying = new Map<string, Promise<void>>();

  constructor(options: RecoveryOptions) {
    this.#options = options;
  }

  /**
   * After a start: closes what an earlier run left open, then binds its listeners again.
   * @throws unavailable
   */
  async recover(): Promise<void> {
    const entries = await this.#readOwn();
    await this.#closeInterrupted();
    const { atOnceMax } = this.#options.rebind;
    await inParallel(entries, atOnceMax, (entry) => this.#recoverOne(entry));
  }

  async #readOwn(): Promise<readonly ListenerEntry[]> {
    const { node, set, recorder, pages } = this.#options;
    const entries: ListenerEntry[] = [];
    for (let after: string | null = null; ; ) {
      const page = { pageSize: pages.sizeMax, bytesMax: pages.bytesMax, after };
      const stored = await node.readListeners(page);
      for (const { secrets, ...listener } of stored) {
        const { openConnections: open, totalConnections: total } = listener;
        recorder.startCounting(listener.id, { open, total });
        entries.push(set.add({ ...listener, sockets: [] }, secrets));
      }
      after = stored.at(-1)?.id ?? null;
      if (after === null) return entries;
    }
  }

  async #closeInterrupted(): Promise<void> {
    const { node, recorder, logger } = this.#options;
    let closed = 0;
    for (let afterId: string | null = null; ; ) {
      const page = await node.readOpenConnections(afterId, interruptedPageMax);
      await recorder.closeInterrupted(page);
      closed += page.length;
      afterId = page.at(-1)?.id ?? null;
      if (page.length < interruptedPageMax) break;
    }
    if (closed > 0) logger.warn({ connections: closed }, 'closed what an earlier run left open');
  }

  async #recoverOne(entry: ListenerEntry): Promise<void> {
    const { listeners } = this.#options;
    if (entry.listener.state === 'draining') {
      await listeners.close(entry.listener.id, 0);
      return;
    }
    // What is over already is closed in its turn, after the bind.
    const bound = this.#options.set.inTurn(entry.listener.id, () => this.#tryBind(entry));
    listeners.scheduleExpiry(entry);
    if (!(await bound)) this.#retryLater(entry);
  }

  /** A worker was lost, and its successor has bound the listener again, or could not. */
  async rebound(id: string, outcome: Bound | ListenerReason): Promise<void> {
    await this.#inTurn(id, async (entry) => {
      if (entry.listener.state === 'draining') return;
      if ('laddr' in outcome) {
        await this.#become(entry, { ...outcome, state: 'listening', reason: null });
        return;
      }
      await this.#become(entry, { sockets: [], state: 'failed', reason: outcome });
      this.#retryLater(entry);
    });
  }

  /** Null when the listener is gone by then. */
  async #inTurn<Result>(id: string, work: (entry: ListenerEntry) => Promise<Result>) {
    try {
      return await this.#options.set.inTurn(id, work);
    } catch (error) {
      if (hasCode(error, 'not_found')) return null;
      throw error;
    }
  }

  /** The state must be told, and stays told: a store that is away is waited for. */
  async #become(entry: ListenerEntry, change: Partial<Listener>): Promise<void> {
    const { eventLog, clock, listeners } = this.#options;
    entry.listener = { ...entry.listener, ...change, updatedAt: clock.now() };
    const type = change.state === 'listening' ? 'listener_listening' : 'listener_failed';
    await eventLog.append([listenerEvent(type, listeners.counted(entry.listener))]);
  }

  /** False when it could not be bound; its state says why. */
  async #tryBind(entry: ListenerEntry): Promise<boolean> {
    const { dataPlane } = this.#options;
    const { id } = entry.listener;
    try {
      const bound = await dataPlane.open(bindingOf(entry));
      await this.#become(entry, { ...bound, state: 'listening', reason: null });
      await dataPlane.serve(id);
      return true;
    } catch (error) {
      const reason = reasonOf(error);
      if (entry.listener.reason?.code !== reason.code) {
        await this.#become(entry, { sockets: [], state: 'failed', reason });
      }
      return false;
    }
  }

  #retryLater(entry: ListenerEntry): void {
    const { id } = entry.listener;
    if (this.#retrying.has(id)) return;
    const retrying = this.#retry(id)
      .catch((err: unknown) =>
        this.#options.logger.error({ err, listenerId: id }, 'gave up a listener'),
      )
      .finally(() => this.#retrying.delete(id));
    this.#retrying.set(id, retrying);
  }

  async #retry(id: string): Promise<void> {
    const { set, rebind, dataPlane } = this.#options;
    const { signal } = this.#stop;
    for (let delayMs = rebind.minMs; ; delayMs = Math.min(delayMs * 2, rebind.maxMs)) {
      await this.#wakeUps.sleep(delayMs, signal);
      if (signal.aborted || set.get(id) === null) return;
      const isDone = await this.#inTurn(id, async (entry) => {
        if (entry.listener.state !== 'failed') return true;
        await dataPlane.close(id, { drainMs: 0, reason: 'worker_crashed' });
        return await this.#tryBind(entry);
      });
      if (isDone !== false) return;
    }
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#retrying.values());
  }
}

function reasonOf(error: unknown): ListenerReason {
  if (error instanceof AppError) return { code: error.code, message: error.message };
  throw error;
}
