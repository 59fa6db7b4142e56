/**
 * The record of what a listener turned away. The first ones of a second are recorded one by one; what comes above
 * that rate, or while the records are full, is counted by rule, and told once a second with its count and the last
 * remote address.
 */
import type { Address } from '../core/address.ts';
import type { RefusalRule } from '../core/event.ts';
import type { Protocol } from '../core/listener.ts';
import { TokenBucket } from '../core/token-bucket.ts';
import type { RecordQueue } from './record-queue.ts';
import { refusalCountMax } from './record-rows.ts';
import type { WorkerClock } from './worker-clock.ts';

export interface RefusalsOptions {
  readonly listenerId: string;
  readonly protocol: Protocol;
  readonly perSecondMax: number;
  readonly clock: WorkerClock;
  readonly records: Pick<RecordQueue, 'isFull' | 'push'>;
  /** What one record may stand for: more is told in several. */
  readonly countMax?: number;
}

export interface AddressPair {
  readonly laddr: Address;
  /** Null where it is not known. */
  readonly raddr: Address | null;
}

const summaryIntervalMs = 1000;

export class Refusals {
  readonly #options: RefusalsOptions;
  readonly #bucket: TokenBucket;
  readonly #counted = new Map<RefusalRule, AddressPair & { readonly count: number }>();
  #timer: NodeJS.Timeout | null = null;

  constructor(options: RefusalsOptions) {
    const { perSecondMax, clock } = options;
    this.#options = options;
    this.#bucket = new TokenBucket(
      { perSecond: perSecondMax, burst: perSecondMax },
      clock.monotonic(),
    );
  }

  add(rule: RefusalRule, pair: AddressPair): void {
    const { records, clock } = this.#options;
    // What waits to be recorded is bounded whoever knocks: then they are only counted.
    if (!records.isFull && this.#bucket.take(clock.monotonic())) {
      this.#tell(rule, pair, 1);
      return;
    }
    const count = (this.#counted.get(rule)?.count ?? 0) + 1;
    this.#counted.set(rule, { ...pair, count });
    this.#timer ??= setTimeout(() => this.#summarize(), summaryIntervalMs).unref();
  }

  #tell(rule: RefusalRule, { laddr, raddr }: AddressPair, count: number): void {
    const { listenerId, protocol, clock, records } = this.#options;
    const refusal = { protocol, laddr, raddr, rule, count };
    records.push({ kind: 'refused', at: clock.now(), listenerId, refusal });
  }

  #summarize(): void {
    this.#timer?.refresh();
    if (!this.#options.records.isFull) this.flush();
  }

  /** Tells what was counted; the last words of a listener that closes. */
  flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const { countMax = refusalCountMax } = this.#options;
    for (const [rule, { count, ...pair }] of this.#counted) {
      for (let left = count; left > 0; left -= countMax) {
        this.#tell(rule, pair, Math.min(left, countMax));
      }
    }
    this.#counted.clear();
  }
}
