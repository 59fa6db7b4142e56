/**
 * Records on their way from a worker to its control plane: rows of a JSON array.
 *
 * - What comes with every connection goes without its fields' names; other records are rare, and go as they are.
 * - What the connections of a listener have in common is said once, before them.
 */
import type {
  AcceptedConnection,
  CloseInitiator,
  CloseReason,
  TlsInfo,
} from '../core/connection.ts';
import type { Protocol } from '../core/listener.ts';
import type { WorkerRecord } from '../core/record.ts';
import type { Micros } from '../core/time.ts';

export type RecordRow = PlaceRow | OpenedRow | ClosedRow | WorkerRecord;

type Address = AcceptedConnection['laddr'];
/** Where the connections of the opened rows after it came in, until the next of its kind. */
type PlaceRow = readonly [
  kind: 'p',
  listenerId: string,
  protocol: Protocol,
  lip: string,
  lport: number,
];
type OpenedRow = readonly [
  kind: 'o',
  id: string,
  rip: string | null,
  rport: number | null,
  fd: number,
  acceptedAt: Micros,
  declaredRaddr?: Address | null,
  tls?: TlsInfo | null,
];
type ClosedRow = readonly [
  kind: 'c',
  id: string,
  at: Micros,
  halfClosedAt: Micros | null,
  initiator: CloseInitiator,
  reason: CloseReason,
  error: string | null,
  bytesIn: number,
  bytesOut: number,
  firstByteAt: Micros | null,
];

export function toRows(records: readonly WorkerRecord[]): readonly RecordRow[] {
  const rows: RecordRow[] = [];
  let place: AcceptedConnection | null = null;
  for (const record of records) {
    if (record.kind === 'opened') {
      const { connection } = record;
      if (place === null || !isSamePlace(connection, place)) rows.push(placeRow(connection));
      place = connection;
      rows.push(openedRow(connection));
    } else {
      rows.push(record.kind === 'closed' ? closedRow(record) : record);
    }
  }
  return rows;
}

function isSamePlace(one: AcceptedConnection, other: AcceptedConnection): boolean {
  if (one.listenerId !== other.listenerId) return false;
  const { laddr } = one;
  return laddr === other.laddr || (laddr.ip === other.laddr.ip && laddr.port === other.laddr.port);
}

function placeRow({ listenerId, protocol, laddr }: AcceptedConnection): PlaceRow {
  return ['p', listenerId, protocol, laddr.ip, laddr.port];
}

function openedRow(connection: AcceptedConnection): OpenedRow {
  const { id, raddr, fd, acceptedAt, declaredRaddr, tls } = connection;
  const rip = raddr?.ip ?? null;
  const rport = raddr?.port ?? null;
  return declaredRaddr === null && tls === null
    ? ['o', id, rip, rport, fd, acceptedAt]
    : ['o', id, rip, rport, fd, acceptedAt, declaredRaddr, tls];
}

function closedRow(record: Extract<WorkerRecord, { kind: 'closed' }>): ClosedRow {
  const { id, at, halfClosedAt, initiator, reason, error } = record;
  const { bytesIn, bytesOut, firstByteAt } = record;
  return ['c', id, at, halfClosedAt, initiator, reason, error, bytesIn, bytesOut, firstByteAt];
}

/** `pid` is the worker's, whose sockets they are. */
export function fromRows(rows: readonly RecordRow[], pid: number): readonly WorkerRecord[] {
  const records: WorkerRecord[] = [];
  let place: Place | null = null;
  for (const row of rows) {
    if ('kind' in row) records.push(row);
    else if (row[0] === 'c') records.push(closedRecord(row));
    else if (row[0] === 'p') {
      const [, listenerId, protocol, ip, port] = row;
      place = { listenerId, protocol, laddr: { ip, port } };
    } else {
      if (place === null) throw new TypeError('a connection before its place');
      records.push(openedRecord(row, place, pid));
    }
  }
  return records;
}

type Place = Pick<AcceptedConnection, 'listenerId' | 'protocol' | 'laddr'>;

function openedRecord(row: OpenedRow, place: Place, pid: number): WorkerRecord {
  const [, id, ip, port, fd, acceptedAt, declaredRaddr = null, tls = null] = row;
  const { listenerId, protocol, laddr } = place;
  const raddr = ip === null || port === null ? null : { ip, port };
  const own = { id, listenerId, protocol, laddr, raddr, declaredRaddr, pid, fd, acceptedAt, tls };
  return { kind: 'opened', connection: own };
}

function closedRecord(row: ClosedRow): WorkerRecord {
  const [, id, at, halfClosedAt, initiator, reason, error, bytesIn, bytesOut, firstByteAt] = row;
  const counters = { id, bytesIn, bytesOut, firstByteAt };
  return { kind: 'closed', at, halfClosedAt, initiator, reason, error, ...counters };
}
