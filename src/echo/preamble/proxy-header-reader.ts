/**
 * Reads a PROXY header off an accepted socket. What is not the header's goes back into the socket, before anyone can
 * see that it was gone: the FIN behind it comes after it.
 */
import type { Socket } from 'node:net';
import type { Address } from '../../core/address.ts';
import { type PreambleEnd, PreambleError, peerLeft, peerReset } from './preamble-error.ts';
import { parseProxyHeader } from './proxy-header.ts';

export interface ProxyHeaderReaderOptions {
  readonly isRequired: boolean;
  /** How long an optional header is waited for; null: until the client says something. */
  readonly waitMs: number | null;
}

type Verdict =
  | { readonly kind: 'on' }
  | { readonly kind: 'done'; readonly declaredRaddr: Address | null; readonly byteLength: number }
  | { readonly kind: 'failed'; readonly end: PreambleEnd };

/** The declared address; null where none was declared, or none was sent. @throws PreambleError */
export function readProxyHeader(
  socket: Socket,
  { isRequired, waitMs }: ProxyHeaderReaderOptions,
): Promise<Address | null> {
  const { promise, resolve, reject } = Promise.withResolvers<Address | null>();
  let bytes: Buffer = Buffer.alloc(0);
  const settle = (verdict: Verdict) => {
    if (verdict.kind === 'on') return;
    clearTimeout(timer);
    socket.off('readable', onReadable).off('error', onError).off('close', onClose);
    if (verdict.kind === 'failed') {
      reject(new PreambleError(verdict.end));
      return;
    }
    const own = bytes.subarray(verdict.byteLength);
    if (own.length > 0) socket.unshift(own);
    resolve(verdict.declaredRaddr);
  };
  const onReadable = () => {
    // Not a byte more than there is: asking for all would let the end pass by before the rest is put back.
    const { readableLength } = socket;
    const chunk: Buffer | null = readableLength > 0 ? socket.read(readableLength) : null;
    if (chunk === null) {
      settle(verdictAtEnd(bytes, isRequired));
      return;
    }
    bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk]);
    settle(verdictOf(bytes, isRequired));
  };
  const onWaited = () => {
    if (!isHeader(bytes)) settle(ownBytes);
  };
  const onError = (error: NodeJS.ErrnoException) => fail(peerReset(error.code ?? 'UNKNOWN'));
  const onClose = () => fail(peerReset('ECONNRESET'));
  const fail = (end: PreambleEnd) => settle({ kind: 'failed', end });
  const timer = waitMs === null ? undefined : setTimeout(onWaited, waitMs);
  socket.on('readable', onReadable).on('error', onError).on('close', onClose);
  return promise;
}

const ownBytes: Verdict = { kind: 'done', declaredRaddr: null, byteLength: 0 };

function failed(initiator: 'peer' | 'server', code: string): Verdict {
  return { kind: 'failed', end: { initiator, reason: 'proxy_header_error', code } };
}

function isHeader(bytes: Buffer): boolean {
  const parsed = parseProxyHeader(bytes);
  return parsed.kind === 'need_more' && parsed.isHeader;
}

function verdictOf(bytes: Buffer, isRequired: boolean): Verdict {
  const parsed = parseProxyHeader(bytes);
  switch (parsed.kind) {
    case 'need_more':
      return { kind: 'on' };
    case 'none':
      return isRequired ? failed('server', 'ERR_PROXY_HEADER_MISSING') : ownBytes;
    case 'invalid':
      return failed('server', 'ERR_PROXY_HEADER_INVALID');
    case 'header':
      return { ...parsed, kind: 'done' };
  }
}

/** FIN, and the bytes are no whole header. */
function verdictAtEnd(bytes: Buffer, isRequired: boolean): Verdict {
  if (!isRequired && !isHeader(bytes)) return ownBytes;
  if (bytes.length === 0) return { kind: 'failed', end: peerLeft };
  return failed('peer', 'ERR_PROXY_HEADER_CUT_OFF');
}
