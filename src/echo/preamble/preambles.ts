/** The connections of a listener that are accepted and not opened yet: each has its preamble before it. */
import type { Binding } from '../../core/ports.ts';
import { WakeUps } from '../../core/wake-ups.ts';
import type { EchoContext } from '../echo-listener.ts';
import type { LocatedConnection } from '../tcp/connection-host.ts';
import type { StreamTransport, TransportOwner } from '../tcp/stream-transport.ts';
import type { TcpHandle } from '../tcp/tcp-handle.ts';
import { runPreamble, trustOf } from './preamble.ts';
import { type PreambleEnd, PreambleError } from './preamble-error.ts';
import type { PreambleTurns } from './preamble-turns.ts';
import { TlsAcceptor } from './tls-acceptor.ts';

export interface PreambleOwner {
  /** `opened` is what was accepted, with what the preamble told. The transport is to be made at once. */
  onReady(
    opened: LocatedConnection,
    makeTransport: (owner: TransportOwner) => StreamTransport,
  ): void;
  /** The socket is closed. */
  onFailed(opened: LocatedConnection, end: PreambleEnd): void;
}

type PreambleContext = Pick<EchoContext, 'settings' | 'preambleTurns'>;

export class Preambles {
  readonly #proxyProtocol: Binding['proxyProtocol']['mode'];
  readonly #isTrusted: (ip: string) => boolean;
  readonly #tls: TlsAcceptor | null;
  readonly #timeoutMs: number;
  readonly #optionalHeaderWaitMs: number;
  readonly #project: Binding['project'];
  readonly #turns: PreambleTurns;
  readonly #stop = new AbortController();
  #size = 0;

  /** Null where connections have none. @throws OpenSSL's error for a key or certificate that it can not use */
  static of(binding: Binding, context: PreambleContext): Preambles | null {
    const hasNone = binding.protocol !== 'tls' && binding.proxyProtocol.mode === 'off';
    return hasNone ? null : new Preambles(binding, context);
  }

  private constructor(
    { project, protocol, proxyProtocol, tls, tlsKey }: Binding,
    { settings, preambleTurns }: PreambleContext,
  ) {
    this.#proxyProtocol = proxyProtocol.mode;
    this.#isTrusted = trustOf(proxyProtocol.trustedCidrs);
    this.#tls = tls === null || tlsKey === null ? null : new TlsAcceptor(tls, tlsKey);
    // What is to be secret must never be served in the clear.
    if (protocol === 'tls' && this.#tls === null) throw new TypeError('TLS without its key');
    this.#timeoutMs = settings.preambleTimeoutMs;
    this.#optionalHeaderWaitMs = settings.optionalHeaderWaitMs;
    this.#project = project;
    this.#turns = preambleTurns;
  }

  /** How many are under way. */
  get size(): number {
    return this.#size;
  }

  /**
   * Takes the handle over: nothing was read of it yet. Waits for the delay first. Exactly one of the owner's methods is
   * called, later.
   */
  async run(
    handle: TcpHandle,
    accepted: LocatedConnection,
    delayMs: number,
    owner: PreambleOwner,
  ): Promise<void> {
    this.#size += 1;
    try {
      if (delayMs > 0) await new WakeUps().sleep(delayMs, this.#stop.signal);
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

  /** Ends all that are under way, and those that come. Idempotent. */
  close(end: Omit<PreambleEnd, 'code'>): void {
    this.#stop.abort(new PreambleError({ ...end, code: null }));
  }
}
