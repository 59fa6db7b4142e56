/**
 * Tells the replica now and then that the node is there, and looks at what it answers: a session whose replica says
 * nothing, or can write nothing, is given up for another.
 */
import type { Micros } from '../core/time.ts';
import type { ControlFrame, FrameOf } from '../wire/frames.ts';

export interface HeartbeatLimits {
  readonly leaseTimeoutMs: number;
  readonly unstoredTimeoutMs: number;
}

export interface HeartbeatsOptions {
  readonly everyMs: number;
  readonly limits: HeartbeatLimits;
  readonly monotonic: () => Micros;
  /** Sends one of this number. */
  readonly beat: (number: number) => void;
  /** It was sent then, and is answered. */
  readonly onLease: (askedAt: Micros, lease: Lease) => void;
  /** False: a replica that can write nothing is stayed with. */
  readonly mayLeave: boolean;
  readonly onGiveUp: (reason: string, isUnstored: boolean) => void;
}

type Lease = FrameOf<ControlFrame, 'lease'>;

export class Heartbeats implements Disposable {
  readonly #options: HeartbeatsOptions;
  /** When those that are not answered were sent, by their number. */
  readonly #askedAt = new Map<number, Micros>();
  readonly #timer: NodeJS.Timeout;
  #sent = 0;
  #heardAt: Micros;
  #unstoredSince: Micros | null = null;

  constructor(options: HeartbeatsOptions) {
    this.#options = options;
    this.#heardAt = options.monotonic();
    this.#timer = setInterval(() => this.#look(), options.everyMs);
    this.#beat();
  }

  #look(): void {
    const { monotonic, limits, mayLeave, onGiveUp } = this.#options;
    const now = monotonic();
    const isOver = (since: Micros | null, ms: number) => since !== null && now - since >= ms * 1000;
    if (isOver(this.#heardAt, limits.leaseTimeoutMs)) onGiveUp('the replica says nothing', false);
    else if (mayLeave && isOver(this.#unstoredSince, limits.unstoredTimeoutMs))
      onGiveUp('the replica has no database', true);
    else this.#beat();
  }

  #beat(): void {
    this.#sent += 1;
    this.#askedAt.set(this.#sent, this.#options.monotonic());
    this.#options.beat(this.#sent);
  }

  /** False for a number that was not sent, or is answered already. */
  take(lease: Lease): boolean {
    const askedAt = this.#askedAt.get(lease.number);
    if (askedAt === undefined) return false;
    this.#askedAt.delete(lease.number);
    this.#heardAt = this.#options.monotonic();
    if (lease.stored) this.#unstoredSince = null;
    else this.#unstoredSince ??= this.#heardAt;
    this.#options.onLease(askedAt, lease);
    return true;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
