/** The columns in which nodes and join tokens are shown. `wide` has all of them. */
import { formatDuration } from './durations.ts';
import { labelsText, timeCell } from './resource-tables.ts';
import type { JoinToken, Node } from './rest-client.ts';
import type { Format } from './session.ts';
import type { Column, Style } from './tables.ts';

function stateText({ state, cordoned }: Node): string {
  return cordoned ? `${state}, cordoned` : state;
}

function stateStyle({ state, cordoned }: Node): Style {
  if (state === 'lost' || state === 'quarantined') return 'red';
  if (state === 'removed') return 'dim';
  return state === 'ready' && !cordoned ? 'green' : 'yellow';
}

function kindText({ isBuiltIn, shared }: Node): string {
  if (isBuiltIn) return 'built in';
  return shared ? 'shared' : 'own';
}

function clockText({ clockOffsetMs }: Node): string | null {
  return clockOffsetMs === null ? null : `${clockOffsetMs} ms`;
}

function portsText({ portRange }: Node): string | null {
  return portRange === null ? null : `${portRange.from}-${portRange.to}`;
}

export function nodeColumns(format: Format): readonly Column<Node>[] {
  const columns: Column<Node>[] = [
    { title: 'NAME', cell: ({ name }) => name },
    { title: 'STATE', cell: stateText, style: stateStyle },
    { title: 'KIND', cell: kindText },
    { title: 'LISTENERS', isNumber: true, cell: ({ listeners }) => listeners },
    { title: 'OPEN', isNumber: true, cell: ({ openConnections }) => openConnections },
    { title: 'LAST SEEN', cell: ({ lastSeenAt }) => timeCell(lastSeenAt) },
    { title: 'LABELS', cell: ({ labels }) => labelsText(labels) },
  ];
  if (format !== 'wide') return columns;
  return [
    ...columns,
    { title: 'PROJECT', cell: ({ project }) => project },
    { title: 'HOST', cell: ({ hostname }) => hostname },
    { title: 'ADDRESSES', cell: ({ addresses }) => addresses.join(',') },
    { title: 'VERSION', cell: ({ version }) => version },
    { title: 'SPOOL', isNumber: true, cell: ({ spoolRecords }) => spoolRecords },
    { title: 'CLOCK', isNumber: true, cell: clockText },
    { title: 'ID', cell: ({ id }) => id },
  ];
}

export function nodeFacts(node: Node): readonly (readonly [string, string | number | null])[] {
  return [
    ['name', node.name],
    ['id', node.id],
    ['project', node.project],
    ['state', stateText(node)],
    ['kind', kindText(node)],
    ['labels', labelsText(node.labels)],
    ['has', `${node.listeners} listeners, ${node.openConnections} open connections`],
    ['host', node.hostname],
    ['addresses', node.addresses.join(', ')],
    ['listens on', node.listenHost],
    ['ports', portsText(node)],
    ['version', node.version],
    ['boot', node.bootId],
    ['joined', node.createdAt],
    ['last seen', node.lastSeenAt],
    ['lost after', formatDuration(node.lostAfterMs)],
    ['records', `${node.spoolRecords} held`],
    ['clock', clockText(node)],
  ];
}

function tokenState({ uses, used, expiresAt, revokedAt }: JoinToken, now: number): string {
  if (revokedAt !== null) return 'revoked';
  if (Date.parse(expiresAt) <= now) return 'expired';
  return used < uses ? 'good' : 'used up';
}

export function joinTokenColumns(format: Format): readonly Column<JoinToken>[] {
  const now = Date.now();
  const columns: Column<JoinToken>[] = [
    { title: 'ID', cell: ({ id }) => id },
    { title: 'HINT', cell: ({ hint }) => hint },
    {
      title: 'STATE',
      cell: (token) => tokenState(token, now),
      style: (token) => (tokenState(token, now) === 'good' ? 'green' : 'dim'),
    },
    { title: 'USED', isNumber: true, cell: ({ used, uses }) => `${used}/${uses}` },
    { title: 'EXPIRES', cell: ({ expiresAt }) => timeCell(expiresAt) },
    { title: 'LABELS', cell: ({ labels }) => labelsText(labels) },
  ];
  if (format !== 'wide') return columns;
  return [
    ...columns,
    { title: 'SHARED', cell: ({ shared }) => (shared ? 'yes' : 'no') },
    { title: 'CREATED', cell: ({ createdAt }) => timeCell(createdAt) },
    { title: 'CREATED BY', cell: ({ createdBy }) => createdBy.hint ?? createdBy.kind },
  ];
}
