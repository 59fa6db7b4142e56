/**
 * Reads a PROXY header off an accepted handle, before anybody else reads from it. The FIN behind it, if it was read with
 * it, is read again by who comes next.
 */
import { getSystemErrorName } from 'node:util';
import type { Address } from '../../core/address.ts';
import { endOfFile, readBytesOrError, streamBaseState, type TcpHandle } from '../tcp/tcp-handle.ts';
import { type PreambleEnd, PreambleError, peerLeft, peerReset } from './preamble-error.ts';
import { parseProxyHeader } from './proxy-header.ts';

export interface ProxyHeaderReaderOptions {
  readonly isRequired: boolean;
  /** How long an optional header is waited for; null: until the client says something. */
  readonly waitMs: number | null;
  /** Node's own streams read on: they know no other buffers than those that Node makes, 64 KiB for each read. */
  readonly isForStream: boolean;
}

export interface FirstBytes {
  /** Null where none was declared, or no header was sent. */
  readonly declaredRaddr: Address | null;
  /** What the client has sent behind its header, or in place of one. */
  readonly own: Buffer;
}

export interface HeaderReading {
  /** @throws PreambleError */
  readonly done: Promise<FirstBytes>;
  /** Reads no more, and resolves no more. Idempotent. */
  stop(): void;
}

type Verdict =
  | { readonly kind: 'on' }
  | { readonly kind: 'done'; readonly declaredRaddr: Address | null; readonly byteLength: number }
  | { readonly kind: 'failed'; readonly end: PreambleEnd };

/** What all others read into: it is copied at once. */
const readBuffer = Buffer.allocUnsafeSlow(16 * 1024);

export function readProxyHeader(
  handle: TcpHandle,
  { isRequired, waitMs, isForStream }: ProxyHeaderReaderOptions,
): HeaderReading {
  const { promise: done, resolve, reject } = Promise.withResolvers<FirstBytes>();
  let bytes: Buffer = Buffer.alloc(0);
  const stop = () => {
    clearTimeout(timer);
    handle.onread = () => undefined;
    handle.readStop();
  };
  const settle = (verdict: Verdict) => {
    if (verdict.kind === 'on') return;
    stop();
    if (verdict.kind === 'failed') reject(new PreambleError(verdict.end));
    else {
      const { declaredRaddr, byteLength } = verdict;
      resolve({ declaredRaddr, own: bytes.subarray(byteLength) });
    }
  };
  const failRead = (status: number) => settle(lost(getSystemErrorName(status)));
  const timer =
    waitMs === null
      ? undefined
      : setTimeout(() => {
          if (!isHeader(bytes)) settle(ownBytes);
        }, waitMs);
  handle.onread = (read) => {
    const length = streamBaseState[readBytesOrError] ?? 0;
    if (length === endOfFile) settle(verdictAtEnd(bytes, isRequired));
    else if (length < 0) failRead(length);
    else if (length > 0) {
      const chunk =
        read === undefined
          ? Buffer.from(readBuffer.subarray(0, length))
          : Buffer.from(read, 0, length);
      bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk]);
      settle(verdictOf(bytes, isRequired));
    }
    return undefined;
  };
  if (!isForStream) handle.useUserBuffer(readBuffer);
  const status = handle.readStart();
  if (status !== 0) failRead(status);
  return { done, stop };
}

const ownBytes: Verdict = { kind: 'done', declaredRaddr: null, byteLength: 0 };

function failed(initiator: 'peer' | 'server', code: string): Verdict {
  return { kind: 'failed', end: { initiator, reason: 'proxy_header_error', code } };
}

function lost(code: string): Verdict {
  return { kind: 'failed', end: peerReset(code) };
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
