/**
 * The sessions of one UDP listener, by the pair of their addresses, and their ends by time: idle, or too old.
 *
 * One timer serves them all. It goes off when the first of them may be over, and the more there are the less often,
 * so that walking over 100,000 costs next to nothing. A datagram moves no timer.
 */
import type { CloseReason } from '../../core/connection.ts';
import type { ListenerLimits } from '../../core/listener.ts';
import type { Micros } from '../../core/time.ts';
import type { ConnectionRounds } from '../connection-rounds.ts';
import type { MonotonicClock } from '../worker-clock.ts';
import type { UdpSession } from './udp-session.ts';
import type { UdpEndpoint, UdpRemote } from './udp-sockets.ts';

const sweepMinMs = 10;
const sweepMsPerSession = 0.01;
/** How soon one that still has to answer is looked at again. */
const holdingMs = 50;

interface End {
  readonly at: Micros;
  readonly reason: CloseReason;
}

export class UdpSessions {
  readonly #clock: MonotonicClock;
  readonly #byLocalIp = new Map<string, Map<string, UdpSession>>();
  readonly #sweeps: ConnectionRounds;
  #limits: ListenerLimits;
  #timer: NodeJS.Timeout | null = null;
  #sweepAt: Micros = 0;
  /** In the order in which they were opened. */
  readonly #all = new Set<UdpSession>();
  #onEmpty: (() => void) | null = null;

  constructor(clock: MonotonicClock, limits: ListenerLimits, sweeps: ConnectionRounds) {
    this.#clock = clock;
    this.#sweeps = sweeps;
    this.#limits = limits;
  }

  get size(): number {
    return this.#all.size;
  }

  find({ laddr }: UdpEndpoint, remote: UdpRemote): UdpSession | undefined {
    return this.#byLocalIp.get(laddr.ip)?.get(keyOf(remote));
  }

  add(session: UdpSession): void {
    const { endpoint, remote } = session;
    const { ip } = endpoint.laddr;
    const same = this.#byLocalIp.get(ip) ?? new Map<string, UdpSession>();
    this.#byLocalIp.set(ip, same.set(keyOf(remote), session));
    this.#all.add(session);
    // The sessions before it end no later.
    if (this.#timer === null) this.#schedule(this.#endOf(session, session.since).at);
  }

  delete(session: UdpSession): void {
    const { endpoint, remote } = session;
    const { ip } = endpoint.laddr;
    const same = this.#byLocalIp.get(ip);
    if (same?.delete(keyOf(remote)) !== true) return;
    if (same.size === 0) this.#byLocalIp.delete(ip);
    this.#all.delete(session);
    if (this.#all.size > 0) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#onEmpty?.();
  }

  [Symbol.iterator](): Iterator<UdpSession> {
    return this.#all.values();
  }

  update(limits: ListenerLimits): void {
    this.#limits = limits;
    void this.#sweep();
  }

  /** Resolves when there is none any more. */
  emptied(): Promise<void> {
    if (this.#all.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onEmpty = resolve;
    });
  }

  /** Whether the session has brought as many bytes as it may. */
  isFull({ readBytes }: UdpSession): boolean {
    const { maxBytes } = this.#limits;
    return maxBytes !== null && readBytes >= maxBytes;
  }

  #endOf(session: UdpSession, now: Micros): End {
    const { lastAt, since, isHolding } = session;
    const { udpIdleTimeoutMs, idleTimeoutMs, maxDurationMs } = this.#limits;
    if (this.isFull(session) && !isHolding) return { at: now, reason: 'max_bytes' };
    const idleMs = Math.min(udpIdleTimeoutMs, idleTimeoutMs ?? udpIdleTimeoutMs);
    const idleAt = isHolding ? now + holdingMs * 1000 : lastAt + idleMs * 1000;
    const oldAt = maxDurationMs === null ? idleAt : since + maxDurationMs * 1000;
    return oldAt < idleAt
      ? { at: oldAt, reason: 'max_duration' }
      : { at: idleAt, reason: 'idle_timeout' };
  }

  /** A full one ends once it holds nothing. */
  endWhenFull(session: UdpSession): void {
    if (!this.isFull(session)) return;
    if (!session.isHolding) session.close('fin', 'server', 'max_bytes');
    else if (this.#sweepAt > this.#clock.monotonic() + holdingMs * 1000) {
      this.#schedule(this.#clock.monotonic() + holdingMs * 1000);
    }
  }

  #schedule(at: Micros): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#sweepAt = at;
    const waitMs = (at - this.#clock.monotonic()) / 1000;
    const ms = Math.ceil(Math.max(waitMs, sweepMinMs, this.#all.size * sweepMsPerSession));
    this.#timer = setTimeout(() => void this.#sweep(), ms).unref();
  }

  async #sweep(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#sweepAt = Number.POSITIVE_INFINITY;
    let nextAt = Number.POSITIVE_INFINITY;
    await this.#sweeps.begin(this, (session) => {
      const now = this.#clock.monotonic();
      const { at, reason } = this.#endOf(session, now);
      if (at <= now) session.close('fin', 'server', reason);
      else nextAt = Math.min(nextAt, at);
    });
    // Of one that it had passed another time may have been said meanwhile.
    if (this.#all.size > 0) this.#schedule(Math.min(nextAt, this.#sweepAt));
  }
}

/** As the socket names the remote end: a link-local one with its zone. */
function keyOf({ address, port, key }: UdpRemote): string {
  return key ?? `${address}|${port}`;
}
