/**
 * A connection is one accepted socket; for UDP one session, a pair of addresses until it falls idle.
 * What tells two of them apart is the pair (laddr, raddr); what tells their sockets apart is pid and fd.
 *
 *   open → half_closed → closed      (half_closed: the client sent FIN, its bytes are still going back)
 */
import type { Address } from './address.ts';
import type { Protocol } from './listener.ts';
import type { Micros } from './time.ts';

export const connectionStates = ['open', 'half_closed', 'closed'] as const;
export type ConnectionState = (typeof connectionStates)[number];

export const closeInitiators = ['peer', 'server', 'operator', 'system'] as const;
export type CloseInitiator = (typeof closeInitiators)[number];

export const closeReasons = [
  'peer_fin',
  'peer_rst',
  'idle_timeout',
  'max_duration',
  'max_bytes',
  'write_timeout',
  'fault',
  'operator_fin',
  'operator_rst',
  'listener_deleted',
  'shutdown',
  'worker_crashed',
  'interrupted',
  'tls_error',
  'proxy_header_error',
  'error',
  'node_lost',
] as const;
export type CloseReason = (typeof closeReasons)[number];

/** What the handshake told (RFC 8446). */
export interface TlsInfo {
  readonly version: string;
  readonly cipher: string;
  readonly sni: string | null;
  readonly alpn: string | null;
  /** SHA-256 of the client's certificate, when it showed one. */
  readonly clientFingerprint256: string | null;
  readonly clientAuthorized: boolean;
}

export interface Connection {
  /** UUIDv7 of acceptedAt, but for `idSlack`. */
  readonly id: string;
  readonly listenerId: string;
  readonly nodeId: string;
  readonly protocol: Protocol;
  readonly laddr: Address;
  /** Null where the peer had reset before its socket was accepted, and the system tells its address no more. */
  readonly raddr: Address | null;
  /** The client's address as a PROXY header declared it. */
  readonly declaredRaddr: Address | null;
  readonly pid: number;
  readonly fd: number;
  readonly state: ConnectionState;
  readonly acceptedAt: Micros;
  readonly firstByteAt: Micros | null;
  /** Of a byte in either direction. Exact once it is closed. */
  readonly lastByteAt: Micros | null;
  readonly halfClosedAt: Micros | null;
  readonly closedAt: Micros | null;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly closeInitiator: CloseInitiator | null;
  readonly closeReason: CloseReason | null;
  /** The system's error code, such as ECONNRESET or ERR_SSL_…. */
  readonly error: string | null;
  readonly tls: TlsInfo | null;
}

/** What is known of a connection when it opens. What most have not stands last. */
export const acceptedFields = [
  'id',
  'listenerId',
  'protocol',
  'laddr',
  'pid',
  'raddr',
  'fd',
  'acceptedAt',
  'declaredRaddr',
  'tls',
] as const satisfies readonly (keyof Connection)[];
/** How far it has come. */
export const counterFields = ['bytesIn', 'bytesOut', 'firstByteAt', 'lastByteAt'] as const;
const endFields = ['closedAt', 'halfClosedAt', 'closeInitiator', 'closeReason', 'error'] as const;
/** What is known when it closes, besides. */
export const closedFields = ['id', ...endFields, ...counterFields] as const;

export type AcceptedConnection = Pick<Connection, (typeof acceptedFields)[number]>;
export interface HalfClosedConnection
  extends Pick<Connection, 'id' | (typeof counterFields)[number]> {
  readonly halfClosedAt: Micros;
}
export interface ClosedConnection extends Pick<Connection, (typeof closedFields)[number]> {
  readonly closedAt: Micros;
  readonly closeInitiator: CloseInitiator;
  readonly closeReason: CloseReason;
}

export function openConnection(accepted: AcceptedConnection, nodeId: string): Connection {
  return {
    ...accepted,
    nodeId,
    state: 'open',
    firstByteAt: null,
    lastByteAt: null,
    halfClosedAt: null,
    closedAt: null,
    bytesIn: 0,
    bytesOut: 0,
    closeInitiator: null,
    closeReason: null,
    error: null,
  };
}
