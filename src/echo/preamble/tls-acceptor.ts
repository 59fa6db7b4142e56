/**
 * The TLS side of a listener: one context, prepared once, and a handshake for each accepted socket (RFC 8446,
 * RFC 5246). It listens nowhere itself: Node's own server is handed the sockets, and brings its checks of client
 * certificates.
 *
 * - No state is kept for a client between connections: session tickets are the client's to keep.
 * - TLS 1.2 clients can not renegotiate.
 */
import { constants } from 'node:crypto';
import type { Socket } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import type { TlsInfo } from '../../core/connection.ts';
import type { TlsSettings } from '../../core/listener.ts';
import { rawSocketOf, type TlsAnswerLimits, TlsAnswers } from '../../tls/tls-answers.ts';
import { TurnedSocket } from './turned-socket.ts';

export interface TlsLimits extends TlsAnswerLimits {
  /** Of a client that is asked for a certificate, which it may have to fit into. */
  readonly tlsHandshakeBytesMax: number;
}

export interface Handshake {
  readonly stream: TLSSocket;
  readonly info: TlsInfo;
}

interface Pending {
  readonly resolve: (handshake: Handshake) => void;
  readonly fail: (code: string) => void;
}

/** FIN before the handshake was over. */
export const handshakeCutOff = 'ERR_TLS_HANDSHAKE_CUT_OFF';

export class HandshakeError extends Error {
  /** Such as ERR_SSL_WRONG_VERSION_NUMBER, or CERT_HAS_EXPIRED for a client's certificate. */
  readonly code: string;
  /** It was the client that gave up: by an alert, FIN or RST. */
  readonly isOfPeer: boolean;
  readonly isReset: boolean;
  /** The client has sent something at all. */
  readonly hasBegun: boolean;

  constructor(code: string, hasBegun: boolean) {
    super(`the TLS handshake failed: ${code}`);
    this.code = code;
    this.isReset = code === 'ECONNRESET' || code === 'EPIPE';
    this.isOfPeer = this.isReset || code === handshakeCutOff || code.includes('_ALERT_');
    this.hasBegun = hasBegun;
  }
}

/** A name that a client chose, as it can be shown and stored anywhere. RFC 7301 lets ALPN be any bytes. */
const unprintable = /[^\x20-\x7e]/g;
const nameCharsMax = 255;

export class TlsAcceptor {
  /** How much each client may say in its handshake, which is to be a TurnedSocket's; null: as much as OpenSSL takes. */
  readonly handshakeBytesMax: number | null;
  readonly #server: Server;
  readonly #answers: TlsAnswers;
  readonly #pending = new Map<Socket, Pending>();

  /** @throws OpenSSL's error for a key, certificate or authority that it can not use */
  constructor({ cert, ca, clientAuth, minVersion }: TlsSettings, key: string, limits: TlsLimits) {
    this.handshakeBytesMax = clientAuth === 'none' ? null : limits.tlsHandshakeBytesMax;
    this.#answers = new TlsAnswers(limits);
    this.#server = createServer({
      cert,
      key,
      // Without any of its own Node would trust those of the web.
      ca: ca ?? [],
      minVersion,
      requestCert: clientAuth !== 'none',
      rejectUnauthorized: clientAuth === 'require',
      // An echo speaks whatever the client would like best.
      ALPNCallback: ({ protocols }) => protocols[0],
      secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
    });
    this.#server.on('secureConnection', (stream) => this.#onSecure(stream));
    this.#server.on('tlsClientError', (error, stream) => this.#onFailure(error, stream));
  }

  /**
   * The socket is paused, and what was read of it too early is back in it. The caller destroys it when this
   * rejects, and cuts a handshake that takes too long in the same way.
   * @throws HandshakeError
   */
  async accept(socket: Socket): Promise<Handshake> {
    const { promise, resolve, reject } = Promise.withResolvers<Handshake>();
    const readBefore = socket.bytesRead - socket.readableLength;
    const fail = (code: string) => reject(new HandshakeError(code, socket.bytesRead > readBefore));
    const onEnd = () => fail(handshakeCutOff);
    // Why it closed is told right after it.
    const onClose = () => setImmediate(() => fail('ECONNRESET'));
    this.#pending.set(socket, { resolve, fail });
    // A FIN that came with the first bytes was read before the handshake could see it.
    socket.on('end', onEnd).on('close', onClose);
    try {
      // A FIN in the handshake ends it; from then on the two directions end apart.
      socket.allowHalfOpen = false;
      if (socket.destroyed) onClose();
      else if (socket.readableEnded) onEnd();
      else this.#server.emit('connection', socket);
      return await promise;
    } finally {
      this.#pending.delete(socket);
      socket.off('end', onEnd).off('close', onClose);
    }
  }

  #onSecure(stream: TLSSocket): void {
    stream.allowHalfOpen = true;
    // Node leaves a stream open after a TLS error, such as a record that no key has made.
    stream.on('error', () => stream.destroy());
    this.#answers.watch(stream);
    const socket = rawSocketOf(stream);
    if (socket instanceof TurnedSocket) socket.endHandshake();
    const pending = this.#pending.get(socket);
    const info = infoOf(stream);
    // OpenSSL is still at work below us: what was written now would get in between its own records.
    setImmediate(() => {
      if (stream.destroyed) pending?.fail('ECONNRESET');
      else pending?.resolve({ stream, info });
    });
  }

  #onFailure(error: NodeJS.ErrnoException, stream: TLSSocket): void {
    stream.on('error', () => undefined);
    this.#pending.get(rawSocketOf(stream))?.fail(codeOf(error, stream));
  }
}

/** Node tells a bad certificate, which it closes on, and a FIN as a reset that no call has met. */
function codeOf(error: NodeJS.ErrnoException, { authorizationError }: TLSSocket): string {
  if (authorizationError) return String(authorizationError);
  if (error.code === 'ECONNRESET' && error.syscall === undefined) return handshakeCutOff;
  return error.code ?? 'UNKNOWN';
}

function infoOf(stream: TLSSocket): TlsInfo {
  const { servername, alpnProtocol } = stream;
  return {
    version: stream.getProtocol() ?? 'unknown',
    cipher: stream.getCipher().standardName,
    sni: shown(servername),
    alpn: shown(alpnProtocol),
    clientFingerprint256: stream.getPeerX509Certificate()?.fingerprint256 ?? null,
    clientAuthorized: stream.authorized,
  };
}

function shown(name: unknown): string | null {
  if (typeof name !== 'string') return null;
  return name.replace(unprintable, '\ufffd').slice(0, nameCharsMax);
}
