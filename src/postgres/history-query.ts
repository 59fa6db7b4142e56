/** What a list of connections asks for, as SQL: which conditions a row must meet, and between which ids it lies. */
import { parseCidr } from '../core/address.ts';
import type { ConnectionQuery } from '../core/directories.ts';
import type { ProjectRef } from '../core/project.ts';
import type { Micros } from '../core/time.ts';
import { netBits, netOf } from './address-nets.ts';
import type { Statement } from './database.ts';

/** Each is a condition on a row. `net` is one beside `network`, on the rows that have it. */
export const filters = [
  'listenerIds',
  'lport',
  'raddr',
  'network',
  'protocol',
  'closeReason',
] as const;
export type Filter = (typeof filters)[number] | 'net';

/** Null where nothing is asked for. */
export interface Filters extends Pick<ConnectionQuery, 'protocol' | 'lport' | 'closeReason'> {
  /** Of any of them. */
  readonly listenerIds: readonly string[] | null;
  /** One address. */
  readonly raddr: string | null;
  /** A range of addresses. */
  readonly network: string | null;
  /** What all of the network have in common, if it is that small. */
  readonly net: number | null;
}

/** Ids from `from` up to, and without, `below`; null is no bound. */
export interface IdRange {
  readonly from: string | null;
  readonly below: string | null;
}

export type TimeRange = Pick<ConnectionQuery, 'acceptedAfter' | 'acceptedBefore'>;

export interface HistoryQuery {
  readonly project: ProjectRef;
  readonly filters: Filters;
  readonly times: TimeRange;
  /** Where all lie that the times ask for, and some more. */
  readonly range: IdRange;
}

/** Text with its parameters, gathered as it is written. */
export class Parameters {
  readonly #values: unknown[] = [];

  add(value: unknown, type: string): string {
    return `$${this.#values.push(value)}::${type}`;
  }

  statement(text: string): Statement {
    return { text, values: this.#values };
  }
}

/** `after` is the id of the last connection that was seen. */
export function historyQuery(
  project: ProjectRef,
  query: ConnectionQuery,
  after: string | null,
): HistoryQuery {
  const { listenerIds, protocol, lport, closeReason, acceptedAfter, acceptedBefore } = query;
  const below = acceptedBefore === null ? null : idAbove(acceptedBefore);
  return {
    project,
    filters: {
      listenerIds,
      lport,
      ...remoteFilters(query.raddr),
      protocol,
      closeReason,
    },
    times: { acceptedAfter, acceptedBefore },
    range: {
      from: acceptedAfter === null ? null : idBelow(acceptedAfter),
      below: after === null || (below !== null && below < after) ? below : after,
    },
  };
}

function remoteFilters(raddr: string | null): Pick<Filters, 'raddr' | 'network' | 'net'> {
  if (raddr === null) return { raddr: null, network: null, net: null };
  const cidr = parseCidr(raddr);
  if (cidr === null) throw new TypeError(`not an address or network: ${raddr}`);
  const { ip, prefixLength } = cidr;
  const isOne = prefixLength === (ip.includes(':') ? 128 : 32);
  if (isOne) return { raddr: ip, network: null, net: null };
  const net = prefixLength < netBits(ip) ? null : netOf(ip);
  return { raddr: null, network: `${ip}/${prefixLength}`, net };
}

const conditions: Readonly<Record<Filter, (parameters: Parameters, value: unknown) => string>> = {
  listenerIds: (parameters, ids) => `c.listener_id = ANY (${parameters.add(ids, 'uuid[]')})`,
  lport: (parameters, port) => `c.lport = ${parameters.add(port, 'integer')}`,
  raddr: (parameters, ip) => `c.raddr = ${parameters.add(ip, 'inet')}`,
  network: (parameters, network) => {
    const parameter = parameters.add(network, 'inet');
    return `c.raddr BETWEEN host(network(${parameter}))::inet AND host(broadcast(${parameter}))::inet`;
  },
  net: (parameters, net) => `c.net = ${parameters.add(net, 'integer')}`,
  protocol: (parameters, name) => `c.protocol = ${parameters.add(name, 'protocol')}`,
  closeReason: (parameters, name) => `c.close_reason = ${parameters.add(name, 'close_reason')}`,
};

/** Of a row `c`. */
export function projectCondition({ project }: HistoryQuery, parameters: Parameters): string {
  return `c.project = ${parameters.add(project, 'integer')}`;
}

export function isAsked({ filters }: HistoryQuery, name: Filter): boolean {
  return filters[name] !== null;
}

/** Of a row `c`: that it meets those filters of the query that are named. */
export function conditionsOf(
  query: HistoryQuery,
  named: readonly Filter[],
  parameters: Parameters,
): readonly string[] {
  return named
    .filter((name) => isAsked(query, name))
    .map((name) => conditions[name](parameters, query.filters[name]));
}

export function timeConditionsOf(
  { times: { acceptedAfter, acceptedBefore } }: HistoryQuery,
  parameters: Parameters,
): readonly string[] {
  const found: string[] = [];
  if (acceptedAfter !== null) {
    found.push(`c.accepted_at >= ${parameters.add(acceptedAfter, 'bigint')}`);
  }
  if (acceptedBefore !== null) {
    found.push(`c.accepted_at < ${parameters.add(acceptedBefore, 'bigint')}`);
  }
  return found;
}

export function idConditionsOf(
  { from, below }: IdRange,
  parameters: Parameters,
): readonly string[] {
  const found: string[] = [];
  if (below !== null) found.push(`c.id < ${parameters.add(below, 'uuid')}`);
  if (from !== null) found.push(`c.id >= ${parameters.add(from, 'uuid')}`);
  return found;
}

export function whereSql(all: readonly string[]): string {
  return all.length === 0 ? '' : `WHERE ${all.join(' AND ')}`;
}

/** How far the time in an id may lie from acceptedAt: they are two readings of one host's clocks. */
const idSlack: Micros = 1_000_000;

/** Not above the id of any connection that was accepted at the time or later. */
export function idBelow(time: Micros): string {
  return lowestId(time - idSlack);
}

/** Above the id of every connection that was accepted before the time. */
export function idAbove(time: Micros): string {
  return lowestId(time + idSlack + 1000);
}

/** When connections with such an id were accepted: not before, and not after. */
export function acceptTimes(id: string): readonly [earliest: Micros, latest: Micros] {
  const time = Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16) * 1000;
  return [time - idSlack - 1000, time + idSlack + 1000];
}

/** The lowest UUIDv7 (RFC 9562, 5.7) of the time's millisecond. */
function lowestId(time: Micros): string {
  const millis = Math.min(Math.max(0, Math.floor(time / 1000)), 2 ** 48 - 1);
  const hex = millis.toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000`;
}
