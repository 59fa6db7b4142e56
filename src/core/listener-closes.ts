/** How a listener of this node ends: a close is wished, and committed once it is observed. */
import type { Caller } from './caller.ts';
import { listenerEvent } from './event.ts';
import { drainEnd } from './listener.ts';
import type { ListenerEntry, ListenerSet } from './listener-set.ts';
import { endWish } from './listener-wish.ts';
import type { Appends } from './log-writer.ts';
import type { Clock, DataPlane } from './ports.ts';
import type { Recorder } from './recorder.ts';
import type { ResourceAudit } from './resource-audit.ts';
import type { Micros } from './time.ts';

interface ListenerClosesOptions {
  readonly set: ListenerSet;
  readonly eventLog: Appends;
  readonly recorder: Recorder;
  readonly dataPlane: DataPlane;
  readonly audit: ResourceAudit;
  readonly clock: Clock;
  readonly limits: { readonly drainMsMax: number };
  readonly isRemote?: boolean | undefined;
  /** Puts on record again what the listener is, where a commit that was given up landed. */
  readonly correct: (entry: ListenerEntry) => void;
}

export class ListenerCloses {
  readonly #options: ListenerClosesOptions;

  constructor(options: ListenerClosesOptions) {
    this.#options = options;
  }

  /** See Listeners.close. */
  async close(by: Caller | null, id: string, drainMs: number): Promise<void> {
    const entry = this.#options.set.get(id);
    if (entry === null) return;
    await this.begin(by, id, drainMs);
    await this.#ended(entry, by);
  }

  /** A drain may take a day: nothing is kept of callers who do not wait for its end. */
  async #ended(entry: ListenerEntry, by: Caller | null): Promise<void> {
    const gone = by === null ? [] : [by.signal];
    await entry.gone.passed(...gone);
    const ended = (over: AbortSignal) => entry.ended.passed(AbortSignal.any([...gone, over]));
    await this.#options.eventLog.inTime(ended);
  }

  /** As close, for nobody; nothing where it expires at another time by its turn, as a change before it may have said. */
  async expire(id: string, expiresAt: Micros): Promise<void> {
    const { set } = this.#options;
    const entry = set.get(id);
    if (entry === null) return;
    const isDue = await set.inTurn(id, async (own) => {
      if (own.listener.expiresAt !== expiresAt) return false;
      await this.#end(null, own, 0);
      return true;
    });
    if (isDue) await this.#ended(entry, null);
  }

  /** As close; resolves once it is wished, and a drain is on record. @throws not_found when it is gone by then, unavailable */
  async begin(by: Caller | null, id: string, drainMs: number): Promise<void> {
    await this.#options.set.inTurn(id, (own) => this.#end(by, own, drainMs));
  }

  async #end(by: Caller | null, entry: ListenerEntry, drainMs: number): Promise<void> {
    if (entry.ending !== null) return;
    const { dataPlane, limits, isRemote = false } = this.#options;
    const drain = Math.min(drainMs, limits.drainMsMax);
    const before = entry.listener;
    const isDraining = before.state === 'draining';
    const isSooner = () => performance.now() + drain < entry.drainEndsAt;
    // Who asks again changes nothing; but a drain can be cut short.
    const isNews = !isDraining || (by !== null && isSooner());
    const isDrain = isNews && (drain > 0 || isRemote);
    if (isDrain) await this.#commitDrain(by, entry, drain);
    if (by !== null && isNews) entry.endedBy = { by, before, isAudited: isDrain };
    // Nothing can be changed from here on; without a drain only its end is told.
    entry.listener = { ...entry.listener, state: 'draining' };
    if (!isSooner()) return;
    entry.drainEndsAt = performance.now() + drain;
    endWish(dataPlane, entry, drain);
  }

  async #commitDrain(by: Caller | null, entry: ListenerEntry, drainMs: number): Promise<void> {
    const { audit: audits, clock, eventLog, recorder } = this.#options;
    const updatedAt = clock.now();
    const expiresAt = drainEnd(entry.listener, updatedAt, drainMs);
    const draining = { ...entry.listener, state: 'draining', updatedAt, expiresAt } as const;
    const event = listenerEvent('listener_updated', recorder.counts.counted(draining), by);
    const audit = by === null ? [] : [audits.listener(by, entry.listener, draining)];
    const onLate = () => this.#options.correct(entry);
    await eventLog.of(draining.project).appendCommand([event], { audit, onLate });
    entry.listener = draining;
  }
}
