/**
 * The limits of a connection that time decides: how long it may be idle, last, and leave our bytes untaken. One timer
 * looks when the next of them may be due; what happens between only notes the time.
 */
import type { CloseReason } from '../../core/connection.ts';
import type { ListenerLimits } from '../../core/listener.ts';
import type { Micros } from '../../core/time.ts';
import type { MonotonicClock } from '../worker-clock.ts';
import type { StreamTransport } from './stream-transport.ts';

export type TimeLimits = Pick<ListenerLimits, 'idleTimeoutMs' | 'maxDurationMs' | 'writeTimeoutMs'>;

export interface LimitTimerOptions {
  readonly clock: MonotonicClock;
  readonly limits: TimeLimits;
  /** When the connection was accepted, on the monotonic clock. */
  readonly since: Micros;
  readonly transport: Pick<StreamTransport, 'bytesWritten' | 'pendingBytes'>;
  readonly onDue: (reason: CloseReason) => void;
}

/** The longest that setTimeout can wait. */
const timerMsMax = 2 ** 31 - 1;
/** How often a client that takes nothing is looked at within its time. */
const blockedLooks = 4;

export function hasTimeLimit(limits: TimeLimits): boolean {
  const { idleTimeoutMs, maxDurationMs, writeTimeoutMs } = limits;
  return idleTimeoutMs !== null || maxDurationMs !== null || writeTimeoutMs !== null;
}

function isSame(one: TimeLimits, other: TimeLimits): boolean {
  return (
    one.idleTimeoutMs === other.idleTimeoutMs &&
    one.maxDurationMs === other.maxDurationMs &&
    one.writeTimeoutMs === other.writeTimeoutMs
  );
}

export class LimitTimer {
  readonly #options: LimitTimerOptions;
  #limits: TimeLimits;
  #timer: NodeJS.Timeout | null = null;
  #movedAt: Micros;
  /** Since when the kernel has taken nothing of what waits; null: nothing waits. */
  #blockedAt: Micros | null = null;
  #taken = 0;

  constructor(options: LimitTimerOptions) {
    this.#options = options;
    this.#limits = options.limits;
    this.#movedAt = options.clock.monotonic();
    this.#noteWaiting();
    this.#look();
  }

  /** The times that run go on, each to its new end. */
  update(limits: TimeLimits): void {
    const before = this.#limits;
    this.#limits = limits;
    if (isSame(before, limits)) return;
    this.#noteWaiting();
    this.#lookAnew();
  }

  /** What began to wait before there was a limit for it told nobody. */
  #noteWaiting(): void {
    if (this.#options.transport.pendingBytes > 0) this.#noteBlocked();
  }

  /** Bytes were read or written. */
  moved(): void {
    this.#movedAt = this.#options.clock.monotonic();
  }

  /** A write waits for its client. */
  blocked(): void {
    if (this.#noteBlocked()) this.#lookAnew();
  }

  #noteBlocked(): boolean {
    if (this.#blockedAt !== null || this.#limits.writeTimeoutMs === null) return false;
    this.#blockedAt = this.#options.clock.monotonic();
    this.#taken = this.#options.transport.bytesWritten;
    return true;
  }

  drained(): void {
    this.#blockedAt = null;
    this.moved();
  }

  #lookAnew(): void {
    this.stop();
    this.#look();
  }

  #look(): void {
    const { clock, since: acceptedAt, onDue } = this.#options;
    const { idleTimeoutMs, maxDurationMs, writeTimeoutMs } = this.#limits;
    const now = clock.monotonic();
    this.#noteTaken(now);
    const dues: readonly (readonly [CloseReason, number | null, Micros | null])[] = [
      ['max_duration', maxDurationMs, acceptedAt],
      ['write_timeout', writeTimeoutMs, this.#blockedAt],
      ['idle_timeout', idleTimeoutMs, this.#movedAt],
    ];
    let waitMs = timerMsMax;
    for (const [reason, limitMs, since] of dues) {
      if (limitMs === null || since === null) continue;
      const remainingMs = Math.ceil((since - now) / 1000) + limitMs;
      if (remainingMs <= 0) {
        onDue(reason);
        return;
      }
      waitMs = Math.min(waitMs, remainingMs);
    }
    if (this.#blockedAt !== null && writeTimeoutMs !== null) {
      waitMs = Math.min(waitMs, Math.ceil(writeTimeoutMs / blockedLooks));
    }
    this.#timer = setTimeout(() => this.#look(), waitMs);
  }

  /** What the kernel took since the last look starts the time anew. */
  #noteTaken(now: Micros): void {
    if (this.#blockedAt === null) return;
    const taken = this.#options.transport.bytesWritten;
    if (taken === this.#taken) return;
    this.#taken = taken;
    this.#blockedAt = now;
    this.#movedAt = now;
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
