/**
 * What comes between accept and echo: a PROXY header, a TLS handshake, or the one behind the other.
 *
 *   accept ─► PROXY header ─► TLS handshake ─► opened
 *                  └───────────────┴── fails ─► opened, closed
 *
 * - Only a trusted peer's bytes are read as a header. An untrusted one is refused where a header is required, and
 *   where it is optional its bytes are its own: they never set an address.
 * - Optional: the bytes are a header from its signature on (6 bytes of version 1, 12 of version 2), and then it must
 *   be right. A client that says nothing, or ends before the signature is whole, has sent none.
 * - Without TLS the server may have to speak first: an optional header is waited for `optionalHeaderWaitMs` at most.
 * - One deadline holds for the whole, however the bytes trickle, and for the wait for a turn (preamble-turns.ts); what
 *   is held is at most a header and one read.
 */
import type { Socket } from 'node:net';
import { type Address, networkSet } from '../../core/address.ts';
import type { TlsInfo } from '../../core/connection.ts';
import type { ProxyProtocolSettings } from '../../core/listener.ts';
import type { ProjectRef } from '../../core/project.ts';
import { DuplexTransport } from '../tcp/duplex-transport.ts';
import { HandleTransport } from '../tcp/handle-transport.ts';
import type { StreamTransport, TransportOwner } from '../tcp/stream-transport.ts';
import type { TcpHandle } from '../tcp/tcp-handle.ts';
import { HandshakeSocket } from './handshake-socket.ts';
import { endOrderly } from './orderly-end.ts';
import { type PreambleEnd, PreambleError, peerLeft, peerReset } from './preamble-error.ts';
import type { PreambleTurns } from './preamble-turns.ts';
import { type FirstBytes, type HeaderReading, readProxyHeader } from './proxy-header-reader.ts';
import { type Handshake, HandshakeError, type TlsAcceptor } from './tls-acceptor.ts';
import { TurnedSocket } from './turned-socket.ts';

export interface PreambleOptions {
  /** Nothing was read of it yet. */
  readonly handle: TcpHandle;
  readonly raddrIp: string;
  readonly proxyProtocol: ProxyProtocolSettings['mode'];
  readonly isTrusted: (ip: string) => boolean;
  /** Null: TCP. */
  readonly tls: TlsAcceptor | null;
  readonly project: ProjectRef;
  readonly turns: PreambleTurns;
  /** Of the whole, waiting for a turn included. */
  readonly timeoutMs: number;
  readonly optionalHeaderWaitMs: number;
  /** How long a client is read from that was sent FIN. */
  readonly lingerMs: number;
  /** The listener closes: this ends at once, with FIN. */
  readonly signal: AbortSignal;
}

export interface Preamble {
  readonly declaredRaddr: Address | null;
  readonly tls: TlsInfo | null;
  /** Of what comes behind the preamble. To be called at once, and once. */
  makeTransport(owner: TransportOwner): StreamTransport;
}

/** No network named: every peer may send the header. */
export function trustOf(trustedCidrs: readonly string[]): (ip: string) => boolean {
  return trustedCidrs.length === 0 ? () => true : networkSet(trustedCidrs);
}

/**
 * Resolves when the connection can be opened. When it rejects, the handle is closed.
 * @throws PreambleError, or the signal's reason
 */
export async function runPreamble(options: PreambleOptions): Promise<Preamble> {
  const { handle, tls, timeoutMs, lingerMs, signal } = options;
  let declaredRaddr: Address | null = null;
  let phase: 'proxy_header_error' | 'tls_error' =
    options.proxyProtocol === 'off' ? 'tls_error' : 'proxy_header_error';
  const cut = Promise.withResolvers<never>();
  const fail = (code: string) =>
    cut.reject(failure({ initiator: 'server', reason: phase, code }, declaredRaddr));
  const timer = setTimeout(() => fail('ETIMEDOUT'), timeoutMs);
  const onAbort = () => cut.reject(signal.reason);
  signal.addEventListener('abort', onAbort);
  const turn = options.turns.take(options.project, () => fail('ERR_PREAMBLE_CROWDED_OUT'));
  let reading: HeaderReading | null = null;
  let socket: HandshakeSocket | TurnedSocket | null = null;
  try {
    signal.throwIfAborted();
    await Promise.race([turn.ready, cut.promise]);
    reading = headerReadingOf(options);
    const first = reading === null ? nothingRead : await Promise.race([reading.done, cut.promise]);
    declaredRaddr = first.declaredRaddr;
    if (tls === null) return plainPreamble(handle, first);
    phase = 'tls_error';
    const words = () => turn.words();
    const [{ own }, end, bytesMax] = [first, { lingerMs, signal }, tls.handshakeBytesMax];
    if (bytesMax === null) {
      socket = new HandshakeSocket(handle, own, end);
      await Promise.race([hasSpoken(socket).then(words), cut.promise]);
    } else {
      socket = new TurnedSocket(handle, { own, turn: words, bytesMax, end });
    }
    const { stream, info } = await Promise.race([tls.accept(socket), cut.promise]);
    socket.isOpened = true;
    return tlsPreamble({ stream, info }, socket, declaredRaddr);
  } catch (error) {
    reading?.stop();
    const hasFailed = error instanceof HandshakeError;
    // Only who was answered is waited for, and has its turn no longer.
    if (hasFailed) turn.leave();
    if (socket === null) await endOrderly(handle, { lingerMs: null, signal });
    else await socket.endOrderly(hasFailed ? lingerMs : null);
    throw error instanceof HandshakeError ? failure(endOf(error), declaredRaddr) : error;
  } finally {
    turn.leave();
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }
}

const failure = (end: PreambleEnd, declaredRaddr: Address | null) =>
  new PreambleError(end, declaredRaddr);

const nothingRead: FirstBytes = { declaredRaddr: null, own: Buffer.alloc(0) };

function plainPreamble(handle: TcpHandle, { declaredRaddr, own }: FirstBytes): Preamble {
  const unread = own.length > 0 ? own : null;
  const makeTransport = (owner: TransportOwner) => new HandleTransport(handle, owner, unread);
  return { declaredRaddr, tls: null, makeTransport };
}

function tlsPreamble(
  { stream, info }: Handshake,
  socket: Socket,
  declaredRaddr: Address | null,
): Preamble {
  const makeTransport = (owner: TransportOwner) => new DuplexTransport(stream, socket, owner);
  return { declaredRaddr, tls: info, makeTransport };
}

/** Null where no header is looked for. */
function headerReadingOf(options: PreambleOptions): HeaderReading | null {
  const { handle, raddrIp, proxyProtocol, isTrusted, tls, optionalHeaderWaitMs } = options;
  if (proxyProtocol === 'off') return null;
  const isRequired = proxyProtocol === 'required';
  if (isTrusted(raddrIp)) {
    // A TLS client speaks first, header or not.
    const waitMs = isRequired || tls !== null ? null : optionalHeaderWaitMs;
    return readProxyHeader(handle, { isRequired, waitMs, isForStream: tls !== null });
  }
  if (!isRequired) return null;
  const code = 'ERR_PROXY_HEADER_UNTRUSTED';
  throw new PreambleError({ initiator: 'server', reason: 'proxy_header_error', code });
}

/** Resolves when there is something to read of it, or it is over. */
function hasSpoken(socket: Socket): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const done = () => {
    socket.off('readable', done).off('end', done).off('close', done);
    resolve();
  };
  if (socket.readableLength > 0 || socket.readableEnded || socket.destroyed) resolve();
  else socket.on('readable', done).on('end', done).on('close', done);
  return promise;
}

function endOf({ code, isOfPeer, hasBegun, isReset }: HandshakeError): PreambleEnd {
  if (isReset) return peerReset(code);
  if (isOfPeer && !hasBegun) return peerLeft;
  return { initiator: isOfPeer ? 'peer' : 'server', reason: 'tls_error', code };
}
