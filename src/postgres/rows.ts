/**
 * Rows of connections ↔ core, and nowhere else. Rows of tables that are written in bulk are records in the order of their table's
 * columns; rows that are read are tuples in the order of the column lists here.
 */
import type { Address } from '../core/address.ts';
import type { CloseInitiator, CloseReason, Connection, TlsInfo } from '../core/connection.ts';
import type { Protocol } from '../core/listener.ts';
import type { Counters } from '../core/record.ts';
import { type Field, jsonText, safeText } from './record-literal.ts';

/** A node's id by its number in the rows. */
export type NodeIds = ReadonlyMap<number, string>;

const errorLengthMax = 200;

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Whether the database would take it for an id. */
export function isUuid(text: string): boolean {
  return uuid.test(text);
}

/** A connection whose row is in open_connections; `openedSeq` counts from the first of the append. */
export function openRecord({ laddr, raddr, ...open }: Connection, place: Place): readonly Field[] {
  return [
    open.id,
    open.listenerId,
    place.openedSeq,
    open.acceptedAt,
    open.firstByteAt,
    open.halfClosedAt,
    open.bytesIn,
    open.bytesOut,
    open.pid,
    open.fd,
    laddr.port,
    raddr?.port ?? null,
    open.declaredRaddr?.port ?? null,
    open.protocol,
    place.node,
    laddr.ip,
    raddr?.ip ?? null,
    open.declaredRaddr?.ip ?? null,
    open.tls === null ? null : jsonText(open.tls),
  ];
}

/** Where a row belongs. Seqs count from the first of the append; null for one that was opened in an earlier append. */
export interface Place {
  readonly node: number;
  readonly openedSeq: number | null;
}

export function closedRecord(
  { laddr, raddr, ...closed }: Connection,
  place: Place & { readonly closedSeq: number },
): readonly Field[] {
  return [
    closed.id,
    closed.listenerId,
    place.openedSeq,
    place.closedSeq,
    closed.acceptedAt,
    closed.firstByteAt,
    closed.halfClosedAt,
    closed.closedAt,
    closed.bytesIn,
    closed.bytesOut,
    closed.pid,
    closed.fd,
    laddr.port,
    raddr?.port ?? null,
    closed.declaredRaddr?.port ?? null,
    closed.protocol,
    closed.closeInitiator,
    closed.closeReason,
    raddr === null ? null : netOf(raddr.ip),
    place.node,
    laddr.ip,
    raddr?.ip ?? null,
    closed.declaredRaddr?.ip ?? null,
    closed.error === null ? null : safeText(closed.error, errorLengthMax),
    closed.tls === null ? null : jsonText(closed.tls),
  ];
}

/** The wider network of an address, as a number: its first 16 bits, or 32 of IPv6. */
export function netOf(ip: string): number {
  const [first = '', second = ''] = ip.split(ip.includes(':') ? ':' : '.', 2);
  if (!ip.includes(':')) return Number(first) * 256 + Number(second);
  // An empty group is the first of several zeros (RFC 5952, 4.2).
  return (Number.parseInt(`${first || 0}`, 16) << 16) | Number.parseInt(second || '0', 16);
}

/** Of an address of this family, the bits that its net tells. */
export function netBits(ip: string): number {
  return ip.includes(':') ? 32 : 16;
}

/** How far an open connection has come. */
export function changeRecord(
  change: Counters & Pick<Connection, 'halfClosedAt'>,
): readonly Field[] {
  const { id, firstByteAt, halfClosedAt, bytesIn, bytesOut } = change;
  const unchanged = Array<null>(11).fill(null);
  return [id, null, null, null, firstByteAt, halfClosedAt, bytesIn, bytesOut, ...unchanged];
}

const sharedColumns = [
  'id',
  'listener_id',
  'node',
  'protocol',
  'laddr',
  'lport',
  'raddr',
  'rport',
  'declared_raddr',
  'declared_rport',
  'pid',
  'fd',
  'accepted_at',
  'first_byte_at',
  'half_closed_at',
  'bytes_in',
  'bytes_out',
  'tls',
].join(', ');

/** Both give the columns of a ConnectionRow. */
export const openColumns = `${sharedColumns}, NULL::bigint AS closed_at, NULL::close_initiator AS close_initiator,
  NULL::close_reason AS close_reason, NULL::text AS error`;
export const closedColumns = `${sharedColumns}, closed_at, close_initiator, close_reason, error`;
type ConnectionRow = readonly [
  id: string,
  listenerId: string,
  node: number,
  protocol: Protocol,
  laddr: string,
  lport: number,
  raddr: string | null,
  rport: number | null,
  declaredRaddr: string | null,
  declaredRport: number | null,
  pid: number,
  fd: number,
  acceptedAt: number,
  firstByteAt: number | null,
  halfClosedAt: number | null,
  bytesIn: number,
  bytesOut: number,
  tls: TlsInfo | null,
  closedAt: number | null,
  closeInitiator: CloseInitiator | null,
  closeReason: CloseReason | null,
  error: string | null,
];

/** The connection of a row, whose ConnectionRow begins at `offset`. */
export function parseConnection(
  columns: readonly unknown[],
  nodeIds: NodeIds,
  offset = 0,
): Connection {
  const row = (offset === 0 ? columns : columns.slice(offset)) as ConnectionRow;
  return {
    id: row[0],
    listenerId: row[1],
    nodeId: nodeIds.get(row[2]) ?? '',
    protocol: row[3],
    laddr: { ip: row[4], port: row[5] },
    raddr: addressOrNull(row[6], row[7]),
    declaredRaddr: addressOrNull(row[8], row[9]),
    pid: row[10],
    fd: row[11],
    state: row[18] !== null ? 'closed' : row[14] !== null ? 'half_closed' : 'open',
    acceptedAt: row[12],
    firstByteAt: row[13],
    halfClosedAt: row[14],
    closedAt: row[18],
    bytesIn: row[15],
    bytesOut: row[16],
    closeInitiator: row[19],
    closeReason: row[20],
    error: row[21],
    tls: row[17],
  };
}

function addressOrNull(ip: string | null, port: number | null): Address | null {
  return ip === null || port === null ? null : { ip, port };
}

/** The number of the row's node, so that it can be looked up beforehand; null in the row of another event. */
export function nodeOfConnection(columns: readonly unknown[], offset = 0): number | null {
  return columns[offset + 2] as number | null;
}
