/** What a list of connections asks for, as SQL: which conditions a row must meet, and between which ids it lies. */
import { parseCidr } from '../core/address.ts';
import type { ConnectionQuery } from '../core/ports.ts';
import type { Micros } from '../core/time.ts';
import type { Statement } from './database.ts';

/** In the order in which conditions are written. */
export const filters = [
  'listenerId',
  'lport',
  'raddr',
  'network',
  'protocol',
  'closeReason',
] as const;
export type Filter = (typeof filters)[number];

/** Values of the filters; raddr is one address, network a range of them. */
export type Filters = Readonly<Record<Filter, string | number | null>>;

/** Ids from `from` up to, and without, `below`; null is no bound. */
export interface IdRange {
  readonly from: string | null;
  readonly below: string | null;
}

export interface TimeRange {
  readonly acceptedAfter: Micros | null;
  readonly acceptedBefore: Micros | null;
}

export interface HistoryQuery {
  readonly filters: Filters;
  /** What rows meet that meet the others: nothing to check. */
  readonly implied: readonly Filter[];
  readonly times: TimeRange;
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
export function historyQuery(query: ConnectionQuery, after: string | null): HistoryQuery {
  const { listenerId, protocol, raddr, lport, closeReason, acceptedAfter, acceptedBefore } = query;
  const cidr = raddr === null ? null : parseCidr(raddr);
  if (raddr !== null && cidr === null) throw new TypeError(`not an address or network: ${raddr}`);
  const isOne = cidr !== null && cidr.prefixLength === (cidr.ip.includes(':') ? 128 : 32);
  const net = cidr === null || isOne ? null : `${cidr.ip}/${cidr.prefixLength}`;
  const below = lowestId(acceptedBefore, idSlack);
  return {
    filters: {
      listenerId,
      lport,
      raddr: isOne ? cidr.ip : null,
      network: net,
      protocol,
      closeReason,
    },
    implied: [],
    times: { acceptedAfter, acceptedBefore },
    range: {
      from: lowestId(acceptedAfter, -idSlack),
      below: after === null || (below !== null && below < after) ? below : after,
    },
  };
}

const columns: Readonly<Record<Filter, (parameters: Parameters, value: unknown) => string>> = {
  listenerId: (parameters, id) => `c.listener_id = ${parameters.add(id, 'uuid')}`,
  lport: (parameters, port) => `c.lport = ${parameters.add(port, 'integer')}`,
  raddr: (parameters, ip) => `c.raddr = ${parameters.add(ip, 'inet')}`,
  network: (parameters, net) => {
    const parameter = parameters.add(net, 'inet');
    return `c.raddr BETWEEN host(network(${parameter}))::inet AND host(broadcast(${parameter}))::inet`;
  },
  protocol: (parameters, name) => `c.protocol = ${parameters.add(name, 'protocol')}`,
  closeReason: (parameters, name) => `c.close_reason = ${parameters.add(name, 'close_reason')}`,
};

/** Of a row `c`: that it meets those filters of the query that are named. */
export function conditionsOf(
  query: HistoryQuery,
  named: readonly Filter[],
  parameters: Parameters,
): readonly string[] {
  return filters
    .filter((name) => named.includes(name) && query.filters[name] !== null)
    .map((name) => columns[name](parameters, query.filters[name]));
}

export function timeConditionsOf(
  { times: { acceptedAfter, acceptedBefore } }: HistoryQuery,
  parameters: Parameters,
): readonly string[] {
  const conditions: string[] = [];
  if (acceptedAfter !== null) {
    conditions.push(`c.accepted_at >= ${parameters.add(acceptedAfter, 'bigint')}`);
  }
  if (acceptedBefore !== null) {
    conditions.push(`c.accepted_at < ${parameters.add(acceptedBefore, 'bigint')}`);
  }
  return conditions;
}

export function idConditionsOf(
  { from, below }: IdRange,
  parameters: Parameters,
  id = 'c.id',
): readonly string[] {
  const conditions: string[] = [];
  if (below !== null) conditions.push(`${id} < ${parameters.add(below, 'uuid')}`);
  if (from !== null) conditions.push(`${id} >= ${parameters.add(from, 'uuid')}`);
  return conditions;
}

export function whereSql(conditions: readonly string[]): string {
  return conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
}

/** How far the time in an id may lie from acceptedAt: they are two readings of one host's clocks. */
const idSlack = 1_000_000;

/** The lowest UUIDv7 (RFC 9562, 5.7) of the millisecond `slack` away from the time; null for none. */
function lowestId(time: Micros | null, slack: Micros): string | null {
  if (time === null) return null;
  const millis = Math.min(Math.max(0, Math.floor((time + slack) / 1000)), 2 ** 48 - 1);
  const hex = millis.toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000`;
}
