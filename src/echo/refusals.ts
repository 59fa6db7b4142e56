/**
 * The record of what a listener turned away. The first ones of a second are recorded one by one; what comes above
 * the rate of its project, or while the records are full, is counted by rule, and told with its count and the last
 * remote address: once a second, or less often where the project's listeners have many such sums to tell.
 */
import type { Address } from '../core/address.ts';
import type { RefusalRule } from '../core/event.ts';
import type { Protocol } from '../core/listener.ts';
import type { ProjectRef } from '../core/project.ts';
import type { RecordQueue } from './record-queue.ts';
import { refusalCountMax } from './record-rows.ts';
import type { RefusalRate, RefusalRates } from './refusal-rates.ts';
import type { WorkerClock } from './worker-clock.ts';

export interface RefusalsOptions {
  readonly listenerId: string;
  readonly protocol: Protocol;
  readonly project: ProjectRef;
  readonly refusalRates: RefusalRates;
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

export class Refusals {
  readonly #options: RefusalsOptions;
  /** Its project's, once it has refused somebody. */
  #rate: RefusalRate | null = null;
  readonly #counted = new Map<RefusalRule, AddressPair & { readonly count: number }>();
  #timer: NodeJS.Timeout | null = null;

  constructor(options: RefusalsOptions) {
    this.#options = options;
  }

  add(rule: RefusalRule, pair: AddressPair): void {
    const { records, refusalRates, project } = this.#options;
    this.#rate ??= refusalRates.join(project);
    // What waits to be recorded is bounded whoever knocks: then they are only counted.
    if (!records.isFull && this.#rate.takes()) {
      this.#tell(rule, pair, 1);
      return;
    }
    const before = this.#counted.get(rule)?.count ?? 0;
    if (before === 0) this.#rate.sums += 1;
    this.#counted.set(rule, { ...pair, count: before + 1 });
    if (this.#timer === null) this.#sumUpIn(this.#rate.sumMs);
  }

  #tell(rule: RefusalRule, { laddr, raddr }: AddressPair, count: number): void {
    const { listenerId, protocol, clock, records } = this.#options;
    const refusal = { protocol, laddr, raddr, rule, count };
    records.push({ kind: 'refused', at: clock.now(), listenerId, refusal });
  }

  #sumUpIn(ms: number): void {
    this.#timer = setTimeout(() => {
      if (this.#options.records.isFull) this.#sumUpIn(ms);
      else this.#sumUp();
    }, ms).unref();
  }

  /** The last words of a listener that closes. */
  flush(): void {
    this.#sumUp();
    const { refusalRates, project } = this.#options;
    if (this.#rate !== null) refusalRates.leave(project);
    this.#rate = null;
  }

  /** Tells what was counted. */
  #sumUp(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#rate !== null) this.#rate.sums -= this.#counted.size;
    const { countMax = refusalCountMax } = this.#options;
    for (const [rule, { count, ...pair }] of this.#counted) {
      for (let left = count; left > 0; left -= countMax) {
        this.#tell(rule, pair, Math.min(left, countMax));
      }
    }
    this.#counted.clear();
  }
}
