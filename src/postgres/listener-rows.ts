/**
 * Rows of listeners ↔ core, and nowhere else. The row is what changes often, and small; what may be large is the spec,
 * a row of its own for each generation.
 */

import type { Address } from '../core/address.ts';
import { nameFaults, type UnnamedFault } from '../core/fault.ts';
import type {
  Listener,
  ListenerLimits,
  ProxyProtocolSettings,
  TlsSettings,
} from '../core/listener.ts';
import { type SpecBody, specBytes } from '../core/sizes.ts';
import { labelDigests } from './label-digests.ts';
import { jsonText, type Row, safeText } from './row-literal.ts';
import type { NodeIds, Place } from './rows.ts';

const nameLengthMax = 255;

/** All that the append writes: the database makes is_live. */
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
  'observed_generation',
  'placement',
  'label_digests',
] as const;

export function listenerRow(
  listener: Listener,
  { node, project }: Pick<Place, 'node' | 'project'>,
): Row {
  const { reason, laddr, placement } = listener;
  const digests = labelDigests(listener.project, listener.labels);
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
    listener.observedGeneration,
    placement === null ? null : jsonText(placement),
    digests.length === 0 ? null : `{${digests.join(',')}}`,
  ];
}

export function specRow(listener: Listener): Row {
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
  faults: readonly UnnamedFault[],
  tls: TlsSettings | null,
  proxyProtocol: ProxyProtocolSettings,
];

/** The spec of a row whose SpecRow begins at `offset`; null where none was joined. */
export function parseSpec(columns: readonly unknown[], offset: number): SpecBody | null {
  if (columns[offset] === null) return null;
  const row: unknown = columns.slice(offset, offset + specRowLength);
  const [labels, limits, faults, tls, proxyProtocol] = row as SpecRow;
  // Those of before faults had names are named as they are read, always alike.
  return { labels, limits, faults: nameFaults(faults), tls, proxyProtocol };
}

/** A listener without its spec, and without its project, whose number is only the store's. */
export type ListenerHead = Omit<Listener, keyof SpecBody | 'project'>;

export function listenerHead(listener: Listener): ListenerHead {
  const { labels: _l, limits: _i, faults: _f, tls: _t, proxyProtocol: _p, ...named } = listener;
  const { project: _, ...head } = named;
  return head;
}

/** Of each listener one row: what is read of it, by its name in core. */
const readColumns = {
  id: 'l.id',
  project: 'l.project',
  revision: 'l.revision',
  generation: 'l.generation',
  name: 'l.name',
  protocol: 'l.protocol',
  host: 'l.host',
  port: 'l.port',
  laddr: 'host(l.laddr)',
  lport: 'l.lport',
  state: 'l.state',
  reason: 'l.reason',
  mode: 'l.mode',
  recording: 'l.recording',
  sockets: 'l.sockets',
  node: 'l.node',
  placement: 'l.placement',
  observedGeneration: 'l.observed_generation',
  openConnections: 'coalesce(c.open_connections, 0)',
  totalConnections: 'coalesce(c.total_connections, 0)',
  createdAt: 'l.created_at',
  updatedAt: 'l.updated_at',
  closedAt: 'l.closed_at',
  expiresAt: 'l.expires_at',
} as const;

const readNames = Object.keys(readColumns) as readonly (keyof typeof readColumns)[];
const nodeAt = readNames.indexOf('node');

/** Rows for `parseListener`, of a table `l`; one whose spec is gone is gone itself. */
export const listenerSource = `SELECT ${Object.values(readColumns).join(', ')}, ${specColumns('s')}
  FROM listeners l JOIN listener_specs s ON s.listener_id = l.id AND s.generation = l.generation
  LEFT JOIN listener_counts c ON c.listener_id = l.id`;

/** What a row has of core's, as it is, and what it has in the place of the rest. */
interface ReadRow extends Omit<Listener, keyof SpecBody | 'laddr' | 'nodeId' | 'nodeName'> {
  readonly laddr: Address['ip'] | null;
  readonly lport: number | null;
  readonly node: number;
}

export function nodeOfListener(row: readonly unknown[]): number {
  return row[nodeAt] as number;
}

export function parseListener(row: readonly unknown[], nodeIds: NodeIds): Listener {
  const read: unknown = Object.fromEntries(readNames.map((name, at) => [name, row[at]]));
  const { laddr, lport, node, ...rest } = read as ReadRow;
  const spec = parseSpec(row, readNames.length);
  if (spec === null) throw new TypeError('a listener that is read has a spec');
  return {
    ...rest,
    laddr: laddr === null || lport === null ? null : { ip: laddr, port: lport },
    ...(nodeIds.get(node) ?? { nodeId: '', nodeName: '' }),
    ...spec,
  };
}
