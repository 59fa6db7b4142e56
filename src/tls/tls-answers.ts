/**
 * What OpenSSL itself answers a client behind the handshake: new keys for a KeyUpdate (RFC 8446, 4.6.3), an alert for a
 * renegotiation. It keeps them in memory until the kernel takes them, and no byte of them passes through us: a client that
 * asks on and on and takes nothing would fill the process. Such a one is reset.
 */
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';

export interface TlsAnswerLimits {
  /** Of each connection. */
  readonly tlsAnswerBytesMax: number;
  /** Between two looks. */
  readonly tlsAnswerLookMs: number;
}

export const answersUnread = 'ERR_TLS_ANSWERS_UNREAD';

/** Node tells of it nowhere else. */
interface TlsHandle {
  /** What OpenSSL holds for the kernel, of ours and of its own, in bytes as they are sent. */
  readonly writeQueueSize: number;
  /** What it was given to send so far, in bytes before they are encrypted. */
  readonly bytesWritten: number;
}

/** All in bytes. */
interface Look {
  readonly held: number;
  readonly given: number;
  readonly answers: number;
}

/** A record has 16 KiB, or where its client asks for that 512 bytes (RFC 6066, 4), and up to 64 around them. */
const bytesAroundMax = 1 / 8;

export class TlsAnswers {
  readonly #limits: TlsAnswerLimits;
  readonly #looks = new Map<TLSSocket, Look>();
  #timer: NodeJS.Timeout | null = null;

  constructor(limits: TlsAnswerLimits) {
    this.#limits = limits;
  }

  /** From its handshake to its end. */
  watch(stream: TLSSocket): void {
    if (stream.destroyed) return;
    this.#looks.set(stream, { held: 0, given: 0, answers: 0 });
    stream.on('close', () => this.#leave(stream));
    this.#timer ??= setInterval(() => this.#lookAtAll(), this.#limits.tlsAnswerLookMs).unref();
  }

  #leave(stream: TLSSocket): void {
    this.#looks.delete(stream);
    if (this.#looks.size > 0 || this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
  }

  #lookAtAll(): void {
    for (const [stream, before] of this.#looks) {
      const look = lookAt(stream, before);
      this.#looks.set(stream, look);
      if (look.answers <= this.#limits.tlsAnswerBytesMax) continue;
      rawSocketOf(stream).resetAndDestroy();
      const error = new Error('the client takes no answers of TLS');
      stream.destroy(Object.assign(error, { code: answersUnread }));
    }
  }
}

/** What is held more than before, and was not given by us, are answers. Whatever the client took goes off them first. */
function lookAt(stream: TLSSocket, before: Look): Look {
  const { _handle: handle } = stream as unknown as { readonly _handle?: TlsHandle | null };
  if (handle == null) return before;
  const { writeQueueSize: held, bytesWritten: given } = handle;
  const ours = (given - before.given) * (1 + bytesAroundMax);
  return { held, given, answers: Math.max(0, before.answers + held - before.held - ours) };
}

/** Node shows the socket under a TLS socket nowhere else. */
export function rawSocketOf(stream: TLSSocket): Socket {
  const { _parent: socket } = stream as unknown as { readonly _parent?: Socket };
  if (socket === undefined) {
    throw new TypeError(`Node ${process.version} has no TLS sockets as kodama knows them`);
  }
  return socket;
}
