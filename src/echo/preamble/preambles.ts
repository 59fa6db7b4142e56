/** The connections of a listener that are accepted and not opened yet: each has its preamble before it. */
import { getSystemErrorName } from 'node:util';
import type { Binding } from '../../core/ports.ts';
import type { Micros } from '../../core/time.ts';
import { WakeUps } from '../../core/wake-ups.ts';
import type { EchoContext } from '../echo-listener.ts';
import type { LocatedConnection } from '../tcp/connection-host.ts';
import { LimitTimer, type TimeLimits } from '../tcp/limit-timer.ts';
import type { ResetLooks } from '../tcp/reset-looks.ts';
import type { StreamTransport, TransportOwner } from '../tcp/stream-transport.ts';
import { errorOf, type TcpHandle } from '../tcp/tcp-handle.ts';
import type { MonotonicClock } from '../worker-clock.ts';
import { endOrderly } from './orderly-end.ts';
import { runPreamble, trustOf } from './preamble.ts';
import { type PreambleEnd, PreambleError, peerReset } from './preamble-error.ts';
import type { PreambleTurns } from './preamble-turns.ts';
import { TlsAcceptor } from './tls-acceptor.ts';

/** What was accepted, and waits for its delay first. */
export interface Delayed {
  /** Nothing was read of it yet. */
  readonly handle: TcpHandle;
  readonly accepted: LocatedConnection;
  /** When it was accepted, on the monotonic clock. */
  readonly since: Micros;
  readonly delayMs: number;
  readonly limits: TimeLimits;
}

export interface PreambleOwner {
  /** `opened` is what was accepted, with what the preamble told. The transport is to be made at once. */
  onReady(
    opened: LocatedConnection,
    makeTransport: (owner: TransportOwner) => StreamTransport,
  ): void;
  /** The socket is closed. */
  onFailed(opened: LocatedConnection, end: PreambleEnd): void;
}

type PreambleContext = Pick<EchoContext, 'settings' | 'preambleTurns' | 'clock' | 'connections'>;

export class Preambles {
  readonly #proxyProtocol: Binding['proxyProtocol']['mode'];
  readonly #isTrusted: (ip: string) => boolean;
  readonly #tls: TlsAcceptor | null;
  readonly #timeoutMs: number;
  readonly #optionalHeaderWaitMs: number;
  readonly #lingerMs: number;
  readonly #project: Binding['project'];
  readonly #turns: PreambleTurns;
  readonly #clock: MonotonicClock;
  readonly #resets: ResetLooks;
  /** Of those that wait for their delay. */
  readonly #timers = new Set<LimitTimer>();
  readonly #stop = new AbortController();
  #size = 0;

  /** Null where connections have none. @throws OpenSSL's error for a key or certificate that it can not use */
  static of(binding: Binding, context: PreambleContext): Preambles | null {
    const hasNone = binding.protocol !== 'tls' && binding.proxyProtocol.mode === 'off';
    return hasNone ? null : new Preambles(binding, context);
  }

  private constructor(
    { project, protocol, proxyProtocol, tls, tlsKey }: Binding,
    { settings, preambleTurns, clock, connections }: PreambleContext,
  ) {
    this.#proxyProtocol = proxyProtocol.mode;
    this.#isTrusted = trustOf(proxyProtocol.trustedCidrs);
    this.#tls = tls === null || tlsKey === null ? null : new TlsAcceptor(tls, tlsKey, settings);
    // What is to be secret must never be served in the clear.
    if (protocol === 'tls' && this.#tls === null) throw new TypeError('TLS without its key');
    this.#timeoutMs = settings.preambleTimeoutMs;
    this.#optionalHeaderWaitMs = settings.optionalHeaderWaitMs;
    this.#lingerMs = settings.lingerMs;
    this.#project = project;
    this.#turns = preambleTurns;
    this.#clock = clock;
    this.#resets = connections.resets;
  }

  /** How many are under way. */
  get size(): number {
    return this.#size;
  }

  /** Takes the handle over. Exactly one of the owner's methods is called, later. */
  async run(delayed: Delayed, owner: PreambleOwner): Promise<void> {
    const { handle, accepted, delayMs } = delayed;
    this.#size += 1;
    try {
      if (delayMs > 0) await this.#wait(delayed);
      const { declaredRaddr, tls, makeTransport } = await runPreamble({
        handle,
        raddrIp: accepted.raddr.ip,
        proxyProtocol: this.#proxyProtocol,
        isTrusted: this.#isTrusted,
        tls: this.#tls,
        project: this.#project,
        turns: this.#turns,
        timeoutMs: this.#timeoutMs,
        optionalHeaderWaitMs: this.#optionalHeaderWaitMs,
        lingerMs: this.#lingerMs,
        signal: this.#stop.signal,
      });
      this.#size -= 1;
      owner.onReady({ ...accepted, declaredRaddr, tls }, makeTransport);
    } catch (error) {
      if (!(error instanceof PreambleError)) throw error;
      this.#size -= 1;
      const { declaredRaddr } = error;
      owner.onFailed({ ...accepted, declaredRaddr }, error);
    }
  }

  /** @throws PreambleError where a limit of the listener or its client ends it: then the handle is closed */
  async #wait({ handle, accepted, since, delayMs, limits }: Delayed): Promise<void> {
    const due: { end: PreambleEnd | null } = { end: null };
    const wakeUps = new WakeUps();
    const end = (how: PreambleEnd) => {
      due.end ??= how;
      wakeUps.wakeAll();
    };
    const timer = new LimitTimer({
      clock: this.#clock,
      limits,
      since,
      transport: { bytesWritten: 0, pendingBytes: 0 },
      onDue: (reason) => end({ initiator: 'server', reason, code: null }),
    });
    const look = () => {
      const error = errorOf(handle);
      if (error !== 0) end(peerReset(getSystemErrorName(error)));
    };
    this.#timers.add(timer);
    this.#resets.add(accepted.id, { look });
    if (due.end === null) await wakeUps.sleep(delayMs, this.#stop.signal);
    this.#resets.delete(accepted.id);
    this.#timers.delete(timer);
    timer.stop();
    if (due.end === null) return;
    await endOrderly(handle, { lingerMs: this.#lingerMs, signal: this.#stop.signal });
    throw new PreambleError(due.end);
  }

  /** The limits of the listener have changed. */
  update(limits: TimeLimits): void {
    for (const timer of this.#timers) timer.update(limits);
  }

  /** Ends all that are under way, and those that come. Idempotent. */
  close(end: Omit<PreambleEnd, 'code'>): void {
    this.#stop.abort(new PreambleError({ ...end, code: null }));
  }
}
