/**
 * Rows of listeners ↔ core, and nowhere else. The row is what changes often, and small; what may be large is the spec,
 * a row of its own for each generation.
 */

import type { ListenerCounts, Listener as ListenerModel } from '../../generated/prisma/client.ts';
import type { Fault } from '../core/fault.ts';
import type {
  Listener,
  ListenerLimits,
  ListeningSocket,
  ProxyProtocolSettings,
  TlsSettings,
} from '../core/listener.ts';
import { projectRef } from '../core/project.ts';
import { type SpecBody, specBytes } from '../core/sizes.ts';
import { type Field, jsonText, safeText } from './record-literal.ts';
import type { NodeIds, Place } from './rows.ts';

const nameLengthMax = 255;

/** All that the append writes: the database makes is_live, and nobody tells yet what nodes observe and placements are. */
export const listenerColumns = [
  'id',
  'node',
  'name',
  'protocol',
  'host',
  'port',
  'mode',
  'state',
  'reason',
  'laddr',
  'lport',
  'recording',
  'sockets',
  'created_at',
  'updated_at',
  'closed_at',
  'expires_at',
  'generation',
  'spec_bytes',
  'project',
  'revision',
] as const;

export function listenerRecord(
  listener: Listener,
  { node, project }: Pick<Place, 'node' | 'project'>,
): readonly Field[] {
  const { reason, laddr } = listener;
  return [
    listener.id,
    node,
    listener.name === null ? null : safeText(listener.name, nameLengthMax),
    listener.protocol,
    safeText(listener.host, nameLengthMax),
    listener.port,
    listener.mode,
    listener.state,
    reason === null ? null : jsonText(reason),
    laddr?.ip ?? null,
    laddr?.port ?? null,
    listener.recording,
    jsonText(listener.sockets),
    listener.createdAt,
    listener.updatedAt,
    listener.closedAt,
    listener.expiresAt,
    null,
    listener.generation,
    specBytes(listener),
    project,
    listener.revision,
    null,
    null,
  ];
}

export function specRecord(listener: Listener): readonly Field[] {
  const { id, generation, labels, limits, faults, tls, proxyProtocol } = listener;
  return [
    id,
    generation,
    specBytes(listener),
    jsonText(labels),
    jsonText(limits),
    jsonText(faults),
    tls === null ? null : jsonText(tls),
    jsonText(proxyProtocol),
  ];
}

/** The columns of a SpecRow, of a table by this name. */
export function specColumns(table: string): string {
  return ['labels', 'limits', 'faults', 'tls', 'proxy_protocol']
    .map((column) => `${table}.${column}`)
    .join(', ');
}

export const specRowLength = 5;

type SpecRow = readonly [
  labels: Listener['labels'],
  limits: ListenerLimits,
  faults: readonly Fault[],
  tls: TlsSettings | null,
  proxyProtocol: ProxyProtocolSettings,
];

/** The spec of a row whose SpecRow begins at `offset`; null where none was joined. */
export function parseSpec(columns: readonly unknown[], offset: number): SpecBody | null {
  if (columns[offset] === null) return null;
  const row: unknown = columns.slice(offset, offset + specRowLength);
  const [labels, limits, faults, tls, proxyProtocol] = row as SpecRow;
  return { labels, limits, faults, tls, proxyProtocol };
}

/** A listener without its spec, and without its project, whose number is only the store's. */
export type ListenerHead = Omit<Listener, keyof SpecBody | 'project'>;

export function listenerHead(listener: Listener): ListenerHead {
  const { labels: _l, limits: _i, faults: _f, tls: _t, proxyProtocol: _p, ...named } = listener;
  const { project: _, ...head } = named;
  return head;
}

/** A listener as Prisma reads it. */
export type ListenerRow = ListenerModel & { readonly counts: ListenerCounts | null };

export function parseListener(row: ListenerRow, spec: SpecBody, nodeIds: NodeIds): Listener {
  const { laddr, lport } = row;
  return {
    id: row.id,
    project: projectRef(row.project),
    revision: row.revision,
    generation: row.generation,
    name: row.name,
    protocol: row.protocol,
    host: row.host,
    port: row.port,
    laddr: laddr === null || lport === null ? null : { ip: laddr, port: lport },
    state: row.state,
    reason: row.reason as Listener['reason'],
    mode: row.mode,
    ...spec,
    recording: row.recording,
    sockets: row.sockets as unknown as readonly ListeningSocket[],
    nodeId: nodeIds.get(row.node) ?? '',
    openConnections: row.counts?.openConnections ?? 0,
    totalConnections: Number(row.counts?.totalConnections ?? 0),
    createdAt: Number(row.createdAt),
    updatedAt: Number(row.updatedAt),
    closedAt: row.closedAt === null ? null : Number(row.closedAt),
    expiresAt: row.expiresAt === null ? null : Number(row.expiresAt),
  };
}
