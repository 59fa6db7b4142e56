/**
 * Rows of connections ↔ core, and nowhere else: a field of a connection is one of `columns`, and a line where it is
 * parsed. Rows that are written and rows that are read are tuples in the order of their table's columns, those that
 * are read without what core does not know.
 */
import type { Address } from '../core/address.ts';
import type { CloseInitiator, CloseReason, Connection, TlsInfo } from '../core/connection.ts';
import type { Listener, Protocol } from '../core/listener.ts';
import { netOf } from './address-nets.ts';
import { type Field, jsonText, type Row, safeText } from './row-literal.ts';

/** A node's id and name by its number in the rows. */
export type NodeIds = ReadonlyMap<number, Pick<Listener, 'nodeId' | 'nodeName'>>;

const errorLengthMax = 200;

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Whether the database would take it for an id. */
export function isUuid(text: string): boolean {
  return uuid.test(text);
}

/** Where a row belongs. */
export interface Place {
  /** The place of its project among those of the append, from 1. */
  readonly project: number;
  readonly node: number;
  /** Seqs count from 1, the project's first of the append; null for one that was opened in an earlier append. */
  readonly openedSeq: number | null;
  readonly closedSeq: number | null;
}

/** How far an open connection has come. */
export type ConnectionChange = Pick<
  Connection,
  'id' | 'firstByteAt' | 'lastByteAt' | 'halfClosedAt' | 'bytesIn' | 'bytesOut'
>;

interface Traits {
  /** Of what the table of connections has that are closed, and that of open ones has not. */
  readonly isOfEnd?: true;
  /** Of what core does not know. */
  readonly isUnread?: true;
  /** What it was when the connection was opened, where it was something else. */
  readonly atOpening?: 'NULL' | '0';
}

interface Column extends Traits {
  readonly name: string;
  readonly type: string;
  readonly of: (connection: Connection, place: Place) => Field;
}

/** What tells an open connection's row from others, and what changes in it: to what is told last, or was told first. */
interface MovingColumn extends Traits {
  readonly name: string;
  readonly type: string;
  readonly of: (change: ConnectionChange, place: Place) => Field;
  readonly onChange: 'key' | 'last' | 'first';
}

const column = (name: string, type: string, of: Column['of'], traits: Traits = {}): Column => ({
  ...{ name, type, of, ...traits },
});
const moving = (
  name: string,
  type: string,
  of: MovingColumn['of'],
  traits: Traits & Pick<MovingColumn, 'onChange'>,
): MovingColumn => ({ name, type, of, ...traits });

const first = { onChange: 'first', atOpening: 'NULL' } as const;
const last = { onChange: 'last', atOpening: '0' } as const;
const ofEnd = { isOfEnd: true } as const;
const unread = { isUnread: true } as const;

/** In the order of their tables. */
const columns: readonly (Column | MovingColumn)[] = [
  moving('id', 'uuid', ({ id }) => id, { onChange: 'key' }),
  column('listener_id', 'uuid', ({ listenerId }) => listenerId),
  column('opened_seq', 'bigint', (_, { openedSeq }) => openedSeq, unread),
  column('closed_seq', 'bigint', (_, { closedSeq }) => closedSeq, { ...unread, ...ofEnd }),
  column('accepted_at', 'bigint', ({ acceptedAt }) => acceptedAt),
  moving('first_byte_at', 'bigint', ({ firstByteAt }) => firstByteAt, first),
  moving('last_byte_at', 'bigint', ({ lastByteAt }) => lastByteAt, { ...last, atOpening: 'NULL' }),
  moving('half_closed_at', 'bigint', ({ halfClosedAt }) => halfClosedAt, first),
  column('closed_at', 'bigint', ({ closedAt }) => closedAt, ofEnd),
  moving('bytes_in', 'bigint', ({ bytesIn }) => bytesIn, last),
  moving('bytes_out', 'bigint', ({ bytesOut }) => bytesOut, last),
  moving('project', 'integer', (_, { project }) => project, { ...unread, onChange: 'key' }),
  column('node', 'integer', (_, { node }) => node),
  column('net', 'integer', ({ raddr }) => (raddr === null ? null : netOf(raddr.ip)), {
    ...unread,
    ...ofEnd,
  }),
  column('pid', 'integer', ({ pid }) => pid),
  column('fd', 'integer', ({ fd }) => fd),
  column('lport', 'integer', ({ laddr }) => laddr.port),
  column('rport', 'integer', ({ raddr }) => raddr?.port ?? null),
  column('declared_rport', 'integer', ({ declaredRaddr }) => declaredRaddr?.port ?? null),
  column('protocol', 'protocol', ({ protocol }) => protocol),
  column('close_initiator', 'close_initiator', (one) => one.closeInitiator, ofEnd),
  column('close_reason', 'close_reason', (one) => one.closeReason, ofEnd),
  column('laddr', 'inet', ({ laddr }) => laddr.ip),
  column('raddr', 'inet', ({ raddr }) => raddr?.ip ?? null),
  column('declared_raddr', 'inet', ({ declaredRaddr }) => declaredRaddr?.ip ?? null),
  column('error', 'text', (one) => textOrNull(one.error), ofEnd),
  column('tls', 'jsonb', ({ tls }) => (tls === null ? null : jsonText(tls))),
];

type ConnectionRow = readonly [
  id: string,
  listenerId: string,
  acceptedAt: number,
  firstByteAt: number | null,
  lastByteAt: number | null,
  halfClosedAt: number | null,
  closedAt: number | null,
  bytesIn: number,
  bytesOut: number,
  node: number,
  pid: number,
  fd: number,
  lport: number,
  rport: number | null,
  declaredRport: number | null,
  protocol: Protocol,
  closeInitiator: CloseInitiator | null,
  closeReason: CloseReason | null,
  laddr: string,
  raddr: string | null,
  declaredRaddr: string | null,
  error: string | null,
  tls: TlsInfo | null,
];

/** The connection of a row, whose ConnectionRow begins at `offset`. */
export function parseConnection(
  tuple: readonly unknown[],
  nodeIds: NodeIds,
  offset = 0,
): Connection {
  const row = (offset === 0 ? tuple : tuple.slice(offset)) as ConnectionRow;
  return {
    id: row[0],
    listenerId: row[1],
    nodeId: nodeIds.get(row[9])?.nodeId ?? '',
    protocol: row[15],
    laddr: { ip: row[18], port: row[12] },
    raddr: addressOrNull(row[19], row[13]),
    declaredRaddr: addressOrNull(row[20], row[14]),
    pid: row[10],
    fd: row[11],
    state: row[6] !== null ? 'closed' : row[5] !== null ? 'half_closed' : 'open',
    acceptedAt: row[2],
    firstByteAt: row[3],
    lastByteAt: row[4],
    halfClosedAt: row[5],
    closedAt: row[6],
    bytesIn: row[7],
    bytesOut: row[8],
    closeInitiator: row[16],
    closeReason: row[17],
    error: row[21],
    tls: row[22],
  };
}

/** The number of the row's node, so that it can be looked up beforehand; null in the row of another event. */
export function nodeOfConnection(tuple: readonly unknown[], offset = 0): number | null {
  return tuple[offset + 9] as number | null;
}

function addressOrNull(ip: string | null, port: number | null): Address | null {
  return ip === null || port === null ? null : { ip, port };
}

function textOrNull(text: string | null): string | null {
  return text === null ? null : safeText(text, errorLengthMax);
}

const openTable = columns.filter(({ isOfEnd }) => !isOfEnd);
const read = columns.filter(({ isUnread }) => !isUnread);

/** A connection whose row is in open_connections. */
export function openRow(open: Connection, place: Place): Row {
  return openTable.map((one) => one.of(open, place));
}

export function closedRow(closed: Connection, place: Place): Row {
  return columns.map((one) => one.of(closed, place));
}

/** Of open_connections, what tells the row and what changes in it. */
export function changeRow(change: ConnectionChange, place: Place): Row {
  return openTable.map((one) => ('onChange' in one ? one.of(change, place) : null));
}

/** Of open_connections, what tells the row. */
export function keyRow(connection: Pick<Connection, 'id'>, place: Place): Row {
  const isKey = (one: Column | MovingColumn) => 'onChange' in one && one.onChange === 'key';
  return openTable.map((one) => (isKey(one) ? one.of(connection as Connection, place) : null));
}

/** A row as the row `r` of the parameter tells it: some of its columns are written otherwise than they stand there. */
function written(table: typeof columns, instead: Readonly<Record<string, string>>): string {
  return table.map(({ name }) => instead[name] ?? `r.${name}`).join(', ');
}

export function openRowSql(instead: Readonly<Record<string, string>>): string {
  return written(openTable, instead);
}

export function closedRowSql(instead: Readonly<Record<string, string>>): string {
  return written(columns, instead);
}

/** How a row `o` of open_connections takes over a row `r` of changes. */
export const changesSql = openTable
  .flatMap((one) => {
    if (!('onChange' in one) || one.onChange === 'key') return [];
    const { name, onChange } = one;
    return `${name} = ${onChange === 'last' ? `r.${name}` : `coalesce(r.${name}, o.${name})`}`;
  })
  .join(', ');

/** The columns of a ConnectionRow, of which those that the row does not have are null. */
function readSql(expression: (column: (typeof columns)[number]) => string | null): string {
  return read.map((one) => `${expression(one) ?? `NULL::${one.type}`} AS ${one.name}`).join(', ');
}

export const openColumns = readSql(({ name, isOfEnd }) => (isOfEnd ? null : name));
export const closedColumns = readSql(({ name }) => name);
/** The connection as it was when it was opened. */
export const openedColumns = readSql(({ name, isOfEnd, atOpening }) =>
  isOfEnd || atOpening === 'NULL' ? null : atOpening === '0' ? '0::bigint' : name,
);
/** Of an event with a row of its own: only its listener. */
export const listenerColumnsOnly = readSql(({ name }) => (name === 'listener_id' ? name : null));

/** Of connections, so that only their index by this seq fits, whatever the planner knows of the table. */
export function ofProjectBySeq(seq: 'opened_seq' | 'closed_seq', project: string): string {
  return `project::bigint = ${project} AND ${seq} > 0`;
}
