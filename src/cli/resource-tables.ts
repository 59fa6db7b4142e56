/** The columns in which listeners and connections are shown. `wide` has all of them. */
import { formatAddress } from '../core/address.ts';
import { formatElapsed } from './durations.ts';
import { faultText } from './fault-text.ts';
import type { NodeName } from './node-names.ts';
import type { Connection, Listener } from './rest-client.ts';
import type { Format } from './session.ts';
import type { Column, Style } from './tables.ts';
import { clockText, elapsedMs } from './times.ts';

type AddressLike = { readonly ip: string; readonly port: number } | null | undefined;

export function addressText(address: AddressLike): string | null {
  return address == null ? null : formatAddress(address);
}

export function nameOf({ name, id }: Pick<Listener, 'name' | 'id'>): string {
  return name ?? id;
}

/** Where it listens; where it is to, while it does not. */
export function whereText({
  laddr,
  host,
  port,
}: Pick<Listener, 'laddr' | 'host' | 'port'>): string {
  return formatAddress(laddr ?? { ip: host, port });
}

export function labelsText(labels: Listener['labels']): string {
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
}

export function faultsText(faults: Listener['faults']): string {
  return faults.map(faultText).join(', ');
}

function stateStyle(state: string): Style | null {
  if (state === 'failed') return 'red';
  if (state === 'closed') return 'dim';
  return state === 'listening' || state === 'open' ? 'green' : 'yellow';
}

export function listenerColumns(format: Format): readonly Column<Listener>[] {
  const columns: Column<Listener>[] = [
    { title: 'NAME', width: 14, cell: nameOf },
    { title: 'PROTOCOL', cell: ({ protocol }) => protocol },
    { title: 'LADDR', width: 21, cell: whereText },
    {
      title: 'STATE',
      width: 9,
      cell: ({ state, reason }) => (reason === null ? state : `${state}: ${reason.code}`),
      style: ({ state }) => stateStyle(state),
    },
    { title: 'OPEN', isNumber: true, cell: ({ openConnections }) => openConnections },
    { title: 'TOTAL', isNumber: true, cell: ({ totalConnections }) => totalConnections },
    { title: 'FAULTS', cell: ({ faults }) => faultsText(faults) },
  ];
  if (format !== 'wide') return columns;
  return [
    ...columns,
    { title: 'LABELS', cell: ({ labels }) => labelsText(labels) },
    { title: 'MODE', cell: ({ mode }) => mode },
    { title: 'EXPIRES', cell: ({ expiresAt }) => timeCell(expiresAt) },
    {
      title: 'PID/FD',
      cell: ({ sockets }) => sockets.map(({ pid, fd }) => `${pid}/${fd}`).join(','),
    },
    { title: 'NODE', cell: ({ nodeName }) => nodeName },
    { title: 'ID', cell: ({ id }) => id },
  ];
}

export function timeCell(time: string | null): string | null {
  return time === null ? null : clockText(time, Date.now());
}

/** How it ended, and who ended it; empty while it has not. */
export function endText({
  closeReason,
  closeInitiator,
  error,
}: Pick<Connection, 'closeReason' | 'closeInitiator' | 'error'>): string {
  if (closeReason === null) return '';
  const cause = error === null ? '' : ` (${error})`;
  return `${closeReason} by ${closeInitiator}${cause}`;
}

/** How long it had been silent when it was closed; null where it is open, or never had a byte. */
export function silenceMsOf({
  lastByteAt,
  closedAt,
}: Pick<Connection, 'lastByteAt' | 'closedAt'>): number | null {
  return lastByteAt === null || closedAt === null ? null : elapsedMs(lastByteAt, closedAt, 0);
}

export function silenceText(
  connection: Pick<Connection, 'lastByteAt' | 'closedAt'>,
): string | null {
  const ms = silenceMsOf(connection);
  return ms === null ? null : formatElapsed(ms);
}

export interface ConnectionColumnsOptions {
  /** Who looks for a declared address sees it in the narrow table, too. */
  readonly declared?: string;
  readonly nodeName?: NodeName;
}

export function connectionColumns(
  format: Format,
  { declared, nodeName = (nodeId) => nodeId }: ConnectionColumnsOptions = {},
): readonly Column<Connection>[] {
  const declaredColumn: Column<Connection> = {
    title: 'DECLARED',
    width: 21,
    cell: ({ declaredRaddr }) => addressText(declaredRaddr),
  };
  const columns: Column<Connection>[] = [
    { title: 'ACCEPTED', width: 12, cell: ({ acceptedAt }) => timeCell(acceptedAt) },
    {
      title: 'LISTENER',
      width: 14,
      cell: ({ listenerName, listenerId }) => listenerName ?? listenerId,
    },
    { title: 'RADDR', width: 21, cell: ({ raddr }) => addressText(raddr) },
    ...(format === 'wide' || declared === undefined ? [] : [declaredColumn]),
    { title: 'LADDR', width: 21, cell: ({ laddr }) => addressText(laddr) },
    {
      title: 'STATE',
      width: 11,
      cell: ({ state }) => state,
      style: ({ state }) => stateStyle(state),
    },
    { title: 'IN', isNumber: true, cell: ({ bytesIn }) => bytesIn },
    { title: 'OUT', isNumber: true, cell: ({ bytesOut }) => bytesOut },
    {
      title: 'LASTED',
      width: 9,
      cell: ({ acceptedAt, closedAt }) =>
        formatElapsed(elapsedMs(acceptedAt, closedAt, Date.now())),
    },
    { title: 'END', cell: endText },
  ];
  if (format !== 'wide') return columns;
  return [
    ...columns,
    { title: 'PROTOCOL', cell: ({ protocol }) => protocol },
    { title: 'PID', isNumber: true, cell: ({ pid }) => pid },
    { title: 'FD', isNumber: true, cell: ({ fd }) => fd },
    { title: 'NODE', cell: ({ nodeId }) => nodeName(nodeId) },
    declaredColumn,
    { title: 'ID', cell: ({ id }) => id },
  ];
}
