/**
 * The time of the control plane, on the monotonic clock of this host: its own time of day is nobody's business. What the
 * control plane tells is older by the way that it took, so the offset between the two clocks lies between what a message
 * without any way back, and one without any way forth, would say. It moves only where it is outside of that.
 */
import type { Clock } from '../core/ports.ts';
import type { Micros } from '../core/time.ts';

export interface TimeTold {
  readonly serverTime: Micros;
  /** On the monotonic clock: when it was asked for, and when it came. */
  readonly askedAt: Micros;
  readonly heardAt: Micros;
}

export class AgentClock implements Clock {
  readonly #monotonic: () => Micros;
  #offset: Micros | null = null;
  #last: Micros = 0;

  constructor(monotonic: () => Micros) {
    this.#monotonic = monotonic;
  }

  learn({ serverTime, askedAt, heardAt }: TimeTold): void {
    const [least, most] = [serverTime - heardAt, serverTime - askedAt];
    this.#offset = Math.min(Math.max(this.#offset ?? least, least), most);
  }

  /** The time less that of the monotonic clock. */
  get offset(): Micros {
    if (this.#offset === null) throw new TypeError('no time was told yet');
    return this.#offset;
  }

  /** Never goes back. */
  now(): Micros {
    this.#last = Math.max(this.#last, this.#monotonic() + this.offset);
    return this.#last;
  }

  /** The host's own clock less this one; 0 as long as nothing is known of it. */
  get hostOffsetMs(): number {
    return this.#offset === null ? 0 : Math.round(Date.now() - this.now() / 1000);
  }
}
