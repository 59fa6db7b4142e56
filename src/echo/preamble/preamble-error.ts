import type { Address } from '../../core/address.ts';
import type { CloseInitiator, CloseReason } from '../../core/connection.ts';
import type { End } from '../connection-progress.ts';

export interface PreambleEnd extends End {
  /** The system's, OpenSSL's, or one of ours: ERR_PROXY_HEADER_…, ERR_TLS_HANDSHAKE_…. */
  readonly code: string | null;
}

/** A connection that ended before it could be opened, and how. */
export class PreambleError extends Error {
  readonly initiator: CloseInitiator;
  readonly reason: CloseReason;
  readonly code: string | null;
  /** A header that was right, in front of a handshake that was not. */
  readonly declaredRaddr: Address | null;

  constructor(end: PreambleEnd, declaredRaddr: Address | null = null) {
    super(end.code === null ? end.reason : `${end.reason}: ${end.code}`);
    this.initiator = end.initiator;
    this.reason = end.reason;
    this.code = end.code;
    this.declaredRaddr = declaredRaddr;
  }
}

/** The client went before it was through: what it did says why, whatever was under way. */
export function peerReset(code: string): PreambleEnd {
  return { initiator: 'peer', reason: 'peer_rst', code };
}

/** Such as a port scan, or a load balancer that only looks whether the port is open. */
export const peerLeft: PreambleEnd = { initiator: 'peer', reason: 'peer_fin', code: null };
