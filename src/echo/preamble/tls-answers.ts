/**
 * What OpenSSL itself answers a client behind the handshake: new keys for a KeyUpdate (RFC 8446, 4.6.3), an alert for a
 * renegotiation. It keeps them in memory until the kernel takes them, and no byte of them passes through the echo: a
 * client that asks on and on and takes nothing would fill the worker. Such a one is reset.
 */
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { WorkerSettings } from '../messages.ts';

export type TlsAnswerLimits = Pick<WorkerSettings, 'tlsAnswerBytesMax' | 'tlsAnswerLookMs'>;

export const answersUnread = 'ERR_TLS_ANSWERS_UNREAD';

export class TlsAnswers {
  readonly #limits: TlsAnswerLimits;
  /** With what each runs over. */
  readonly #streams = new Map<TLSSocket, Socket>();
  #timer: NodeJS.Timeout | null = null;

  constructor(limits: TlsAnswerLimits) {
    this.#limits = limits;
  }

  /** From its handshake to its end. */
  watch(stream: TLSSocket, socket: Socket): void {
    if (stream.destroyed) return;
    this.#streams.set(stream, socket);
    stream.on('close', () => this.#leave(stream));
    this.#timer ??= setInterval(() => this.#look(), this.#limits.tlsAnswerLookMs);
  }

  #leave(stream: TLSSocket): void {
    this.#streams.delete(stream);
    if (this.#streams.size > 0 || this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
  }

  #look(): void {
    for (const [stream, socket] of this.#streams) {
      if (answerBytesOf(stream) <= this.#limits.tlsAnswerBytesMax) continue;
      socket.resetAndDestroy();
      const error = new Error('the client takes no answers of TLS');
      stream.destroy(Object.assign(error, { code: answersUnread }));
    }
  }
}

/** Node tells how much OpenSSL holds for the kernel nowhere else. What was written by us is a part of it. */
function answerBytesOf(stream: TLSSocket): number {
  const { _handle: handle } = stream as unknown as { _handle?: { writeQueueSize: number } | null };
  return (handle?.writeQueueSize ?? 0) - stream.writableLength;
}
