/**
 * Puts on record what the data plane observes of this node's listeners: that one listens, or could not be bound, or is
 * gone. It asks for nothing: to bind again is the data plane's own.
 *
 * - What was observed of an earlier wish says nothing any more.
 * - What is on record already is not told again: of a generation that changed nothing else it is only noted.
 */
import { isDeepStrictEqual } from 'node:util';
import { hasCode } from './errors.ts';
import { listenerEvent } from './event.ts';
import type { Listener } from './listener.ts';
import type { ListenerEntry, ListenerSet } from './listener-set.ts';
import type { Appends } from './log-writer.ts';
import { noteObserved } from './observed-generations.ts';
import type { Clock, Logger, Observed } from './ports.ts';
import type { Recorder } from './recorder.ts';
import type { ResourceAudit } from './resource-audit.ts';
import type { RestingPorts } from './resting-ports.ts';
import type { Store } from './store.ts';

export interface ListenerObserverOptions {
  readonly set: ListenerSet;
  readonly store: Pick<Store, 'of'>;
  readonly logger: Logger;
  readonly eventLog: Appends;
  readonly recorder: Recorder;
  readonly restingPorts: RestingPorts;
  readonly audit: ResourceAudit;
  readonly clock: Clock;
  readonly onFatal: (error: unknown) => void;
}

export class ListenerObserver {
  readonly #options: ListenerObserverOptions;
  /** What is being put on record. */
  readonly #pending = new Set<Promise<void>>();

  constructor(options: ListenerObserverOptions) {
    this.#options = options;
  }

  /** Calls come in the order in which things were observed. */
  observe(observed: Observed): void {
    const entry = this.#options.set.get(observed.listenerId);
    if (entry?.wished === observed.generation && observed.state !== 'gone') {
      entry.observed = observed.generation;
    }
    const writing = this.#record(observed).catch((error: unknown) => {
      // It is closed on record by now; or the log has ended, and the next start observes anew.
      if (hasCode(error, 'not_found') || hasCode(error, 'unavailable')) return;
      this.#options.onFatal(error);
    });
    this.#pending.add(writing);
    void writing.finally(() => this.#pending.delete(writing));
  }

  /** Resolves when all that was observed so far is on record. */
  async settled(): Promise<void> {
    await Promise.all(this.#pending);
  }

  async #record(observed: Observed): Promise<void> {
    const { set } = this.#options;
    // While the store is away the commit may wait for long: the listener's turn does not.
    const { committed } = await set.inTurn(observed.listenerId, async (entry) => ({
      committed: this.#take(entry, observed),
    }));
    await committed;
  }

  async #take(entry: ListenerEntry, observed: Observed): Promise<void> {
    if (observed.generation !== entry.wished) return;
    const { laddr, sockets, state, reason } = entry.listener;
    if (observed.state === 'gone') {
      entry.ending ??= this.#end(entry).then(
        () => entry.ended.open(),
        (error: unknown) => {
          entry.ended.break(error);
          throw error;
        },
      );
      entry.gone.open();
      await entry.ending;
    } else if (observed.state === 'failed') {
      if (reason?.code === observed.reason.code) return await noteObserved(this.#options, entry);
      await this.#become(entry, { sockets: [], state: 'failed', reason: observed.reason });
    } else {
      const { laddr: ip, sockets: now } = observed;
      const isKnown = state === 'listening' && isDeepStrictEqual([laddr, sockets], [ip, now]);
      if (isKnown) return await noteObserved(this.#options, entry);
      await this.#become(entry, { laddr: ip, sockets: now, state: 'listening', reason: null });
    }
  }

  /** The state must be told, and stays told: a store that is away is waited for. */
  async #become(entry: ListenerEntry, change: Partial<Listener>): Promise<void> {
    const { eventLog, clock, recorder } = this.#options;
    const observedGeneration = entry.wished;
    const updatedAt = clock.now();
    entry.listener = { ...entry.listener, ...change, observedGeneration, updatedAt };
    const type = change.state === 'listening' ? 'listener_listening' : 'listener_failed';
    const event = listenerEvent(type, recorder.counts.counted(entry.listener));
    await eventLog.of(entry.listener.project).append([event]);
  }

  /** Its connections' records were passed on before: they come before it in the log. */
  async #end(entry: ListenerEntry): Promise<void> {
    const { audit: audits, eventLog, clock, recorder, restingPorts, set } = this.#options;
    const { endedBy } = entry;
    const now = clock.now();
    entry.listener = { ...entry.listener, sockets: [], updatedAt: now };
    const end = { state: 'closed', reason: null, closedAt: now } as const;
    const closed = { ...recorder.counts.counted(entry.listener), ...end };
    const isNews = endedBy !== null && !endedBy.isAudited;
    const audit = isNews ? [audits.listener(endedBy.by, endedBy.before, closed)] : [];
    const event = listenerEvent('listener_closed', closed, endedBy?.by);
    await eventLog.of(closed.project).append([event], { audit });
    restingPorts.add(closed);
    set.remove(closed.id);
    recorder.counts.end(closed.id);
  }
}
