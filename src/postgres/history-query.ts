/** What a list of connections asks for, as SQL: which conditions a row must meet, and between which ids it lies. */
import { parseCidr } from '../core/address.ts';
import type { ConnectionQuery } from '../core/directories.ts';
import type { ProjectRef } from '../core/project.ts';
import { idSlack, type Micros, timeOfId } from '../core/time.ts';
import { netBits, netOf } from './address-nets.ts';
import type { Statement } from './database.ts';

/** Each is a condition on a row. `net` is one beside `network`, on the rows that have it. */
export const filters = [
  'listenerIds',
  'lport',
  'raddr',
  'network',
  'declaredRaddr',
  'declaredNetwork',
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
  readonly network: Network | null;
  /** What all of the network have in common, if it is that small. */
  readonly net: number | null;
  /** The same two of the declared address. */
  readonly declaredRaddr: string | null;
  readonly declaredNetwork: Network | null;
}

export interface Network {
  readonly cidr: string;
  /** How many addresses it has, if these are few enough to be looked up one by one. */
  readonly addresses: number | null;
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

/** The first and the last of all UUIDs (RFC 9562, 5.9 and 5.10). */
const nilId = '00000000-0000-0000-0000-000000000000';
const maxId = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

/** Text with its parameters, gathered as it is written. */
export class Parameters {
  readonly #values: unknown[] = [];

  add(value: unknown, type: string): string {
    return `$${this.#values.push(value)}::${type}`;
  }

  statement(text: string): Statement {
    return { text, values: this.#values };
  }

  /** One whose plan does not depend on them. */
  kept(text: string): Statement {
    return { text, values: this.#values, isPlannedOnce: true };
  }
}

/** `after` is the id of the last connection that was seen. */
export function historyQuery(
  project: ProjectRef,
  query: ConnectionQuery,
  after: string | null,
): HistoryQuery {
  const { listenerIds, protocol, lport, closeReason, acceptedAfter, acceptedBefore } = query;
  const remote = asked(query.raddr);
  const declared = asked(query.declaredRaddr);
  const below = acceptedBefore === null ? null : idAbove(acceptedBefore);
  return {
    project,
    filters: {
      listenerIds,
      lport,
      ...{ raddr: remote.address, network: remote.network, net: remote.net },
      ...{ declaredRaddr: declared.address, declaredNetwork: declared.network },
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

/** A look-up of each takes some 3 µs. */
const addressesMax = 256;

interface Asked extends Pick<Filters, 'network' | 'net'> {
  readonly address: string | null;
}

function asked(addressOrNetwork: string | null): Asked {
  const none = { address: null, network: null, net: null };
  if (addressOrNetwork === null) return none;
  const parsed = parseCidr(addressOrNetwork);
  if (parsed === null) throw new TypeError(`not an address or network: ${addressOrNetwork}`);
  const { ip, prefixLength } = parsed;
  const count = 2 ** ((ip.includes(':') ? 128 : 32) - prefixLength);
  if (count === 1) return { ...none, address: ip };
  const network = { cidr: `${ip}/${prefixLength}`, addresses: count > addressesMax ? null : count };
  return { address: null, network, net: prefixLength < netBits(ip) ? null : netOf(ip) };
}

/** Of a row `c`. */
export const filterColumns: Readonly<Record<Filter, string>> = {
  listenerIds: 'c.listener_id',
  lport: 'c.lport',
  raddr: 'c.raddr',
  network: 'c.raddr',
  net: 'c.net',
  declaredRaddr: 'c.declared_raddr',
  declaredNetwork: 'c.declared_raddr',
  protocol: 'c.protocol',
  closeReason: 'c.close_reason',
};

/** Of filters for one value of a column. */
export const types = {
  lport: 'integer',
  raddr: 'inet',
  net: 'integer',
  declaredRaddr: 'inet',
  protocol: 'protocol',
  closeReason: 'close_reason',
} as const satisfies Partial<Record<Filter, string>>;

/** The value that the column of the filter is to have. */
export function valueSql(
  { filters }: HistoryQuery,
  name: keyof typeof types,
  parameters: Parameters,
): string {
  return parameters.add(filters[name], types[name]);
}

function conditionSql(query: HistoryQuery, name: Filter, parameters: Parameters): string {
  const column = filterColumns[name];
  if (name === 'listenerIds') {
    return `${column} = ANY (${parameters.add(query.filters.listenerIds, 'uuid[]')})`;
  }
  if (name === 'network' || name === 'declaredNetwork') {
    const network = parameters.add(query.filters[name]?.cidr, 'inet');
    // Each in a query of its own, which is worked out once and not for each row.
    const [first, last] = ['network', 'broadcast'].map(
      (of) => `(SELECT host(${of}(${network}))::inet)`,
    );
    return `${column} BETWEEN ${first} AND ${last}`;
  }
  return `${column} = ${valueSql(query, name, parameters)}`;
}

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
    .map((name) => conditionSql(query, name, parameters));
}

/** Of a row `c`, or of another name. Always both, so that a statement is the same whether they are asked for or not. */
export function timeConditionsOf(
  { times: { acceptedAfter, acceptedBefore } }: HistoryQuery,
  parameters: Parameters,
  row = 'c',
): readonly string[] {
  return [
    `${row}.accepted_at >= ${parameters.add(acceptedAfter ?? Number.MIN_SAFE_INTEGER, 'bigint')}`,
    `${row}.accepted_at < ${parameters.add(acceptedBefore ?? Number.MAX_SAFE_INTEGER, 'bigint')}`,
  ];
}

/** Always both, too. */
export function idConditionsOf(range: IdRange, parameters: Parameters): readonly string[] {
  const { from, below } = idBounds(range, parameters);
  return [`c.id < ${below}`, `c.id >= ${from}`];
}

export function idBounds({ from, below }: IdRange, parameters: Parameters) {
  return {
    from: parameters.add(from ?? nilId, 'uuid'),
    below: parameters.add(below ?? maxId, 'uuid'),
  };
}

export function whereSql(all: readonly string[]): string {
  return all.length === 0 ? '' : `WHERE ${all.join(' AND ')}`;
}

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
  const time = timeOfId(id);
  return [time - idSlack - 1000, time + idSlack + 1000];
}

/** The lowest UUIDv7 (RFC 9562, 5.7) of the time's millisecond. */
export function lowestId(time: Micros): string {
  const millis = Math.min(Math.max(0, Math.floor(time / 1000)), 2 ** 48 - 1);
  const hex = millis.toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000`;
}
