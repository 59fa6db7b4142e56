/**
 * TLS of both edges: what a listening server is made with, and what becomes of a connection until its handshake is over.
 *
 * - A new certificate holds for handshakes from then on; connections that are open keep theirs, and are not touched.
 * - A handshake has a time that no byte begins anew, as Node's own does: a client could take hours over one.
 * - So many are under way at once. Beyond it the oldest goes: who is in earnest is done within a few round trips, and
 *   whoever opens connections and says nothing loses those first.
 * - From one address so many begin in a second, for each costs a signature; the next is closed unheard.
 * - Behind its handshake a client that takes none of what OpenSSL answers it is reset.
 */
import { constants } from 'node:crypto';
import type { Socket } from 'node:net';
import type { SecureContextOptions, Server } from 'node:tls';
import { AddressRates } from '../core/address-rates.ts';
import { rawSocketOf, type TlsAnswerLimits, TlsAnswers } from '../tls/tls-answers.ts';

/** As PEM. */
export interface Pair {
  readonly cert: string;
  readonly key: string;
}

export interface HandshakeLimits {
  /** Under way at once, on each edge. */
  readonly handshakesMax: number;
  /** From the accept on. */
  readonly handshakeTimeoutMs: number;
  /** From one address, or one /64, on each edge; so many at once. */
  readonly handshakesPerSecond: number;
  readonly handshakeAddressesMax: number;
}

export interface EdgeTls {
  readonly certificate: {
    /** The one of now. */
    readonly pair: Pair;
    onRenewed(listener: (pair: Pair) => void): void;
  };
  readonly limits: HandshakeLimits & TlsAnswerLimits;
}

/** TLS 1.2 clients can not renegotiate, which 1.3 does not know. */
export function contextOf({ cert, key }: Pair): SecureContextOptions {
  const { SSL_OP_NO_RENEGOTIATION: secureOptions } = constants;
  return { cert, key, minVersion: 'TLSv1.2', secureOptions };
}

export class Handshakes {
  readonly #timers = new Map<Socket, NodeJS.Timeout>();
  readonly #limits: HandshakeLimits;
  readonly #rates: AddressRates;

  /** For a server that was made with the certificate of now. */
  constructor(server: Server, { certificate, limits }: EdgeTls) {
    this.#limits = limits;
    const { handshakesPerSecond: perSecond, handshakeAddressesMax } = limits;
    this.#rates = new AddressRates({ perSecond, burst: perSecond }, handshakeAddressesMax);
    certificate.onRenewed((pair) => server.setSecureContext(contextOf(pair)));
    server.on('connection', (socket: Socket) => this.#begin(socket));
    const answers = new TlsAnswers(limits);
    server.on('secureConnection', (stream) => {
      this.#end(rawSocketOf(stream));
      answers.watch(stream);
    });
  }

  get size(): number {
    return this.#timers.size;
  }

  closeAll(): void {
    for (const socket of this.#timers.keys()) socket.destroy();
  }

  #begin(socket: Socket): void {
    const { handshakesMax, handshakeTimeoutMs } = this.#limits;
    const now = Math.round(performance.now() * 1000);
    if (!this.#rates.of(socket.remoteAddress ?? null, now).take(now)) {
      socket.destroy();
      return;
    }
    const [oldest] = this.#timers.keys();
    if (oldest !== undefined && this.#timers.size >= handshakesMax) {
      this.#end(oldest);
      oldest.destroy();
    }
    const timer = setTimeout(() => socket.destroy(), handshakeTimeoutMs).unref();
    this.#timers.set(socket, timer);
    socket.once('close', () => this.#end(socket));
  }

  #end(socket: Socket): void {
    clearTimeout(this.#timers.get(socket));
    this.#timers.delete(socket);
  }
}
