/** What a node may cause in a time, over all its sessions with this replica: of the newest so many nodes. */
import { AppError } from '../core/errors.ts';
import type { Micros } from '../core/time.ts';
import { TokenBucket } from '../core/token-bucket.ts';

export interface NodeRateLimits {
  readonly nodeRatesMax: number;
  readonly observedPerSecond: number;
  readonly observedBurstMax: number;
  readonly sessionsPerMinute: number;
}

export interface NodeRate {
  /** Of changes of listeners. */
  readonly observed: TokenBucket;
  readonly sessions: TokenBucket;
}

export class NodeRates {
  readonly #limits: NodeRateLimits;
  /** In the order in which they were asked for. */
  readonly #rates = new Map<string, NodeRate>();

  constructor(limits: NodeRateLimits) {
    this.#limits = limits;
  }

  /**
   * For a session of a node that has shown its key: nobody else can use up what is its own.
   * @throws resource_exhausted where it has begun as many as it may
   */
  begin(nodeId: string, now: Micros): NodeRate {
    const rate = this.#of(nodeId, now);
    if (rate.sessions.take(now)) return rate;
    const { sessionsPerMinute } = this.#limits;
    const message = `this node has begun more than ${sessionsPerMinute} sessions in a minute`;
    const retryAfterMs = Math.ceil(60_000 / sessionsPerMinute);
    throw new AppError('resource_exhausted', message, { retryAfterMs });
  }

  #of(nodeId: string, now: Micros): NodeRate {
    const rate = this.#rates.get(nodeId) ?? this.#make(now);
    this.#rates.delete(nodeId);
    this.#rates.set(nodeId, rate);
    const [oldest = nodeId] = this.#rates.keys();
    if (this.#rates.size > this.#limits.nodeRatesMax) this.#rates.delete(oldest);
    return rate;
  }

  #make(now: Micros): NodeRate {
    const { observedPerSecond, observedBurstMax, sessionsPerMinute } = this.#limits;
    const observed = { perSecond: observedPerSecond, burst: observedBurstMax };
    const sessions = { perSecond: sessionsPerMinute / 60, burst: sessionsPerMinute };
    return { observed: new TokenBucket(observed, now), sessions: new TokenBucket(sessions, now) };
  }
}
