/** Which connections a reader wants: all that is asked for must hold. The lists of the store say the same in SQL. */
import { type Address, networkSet } from './address.ts';
import type { Connection } from './connection.ts';
import type { ConnectionQuery } from './directories.ts';
import { formatTime, type Micros } from './time.ts';

/** A list's, and what a connection has carried at least. Null where nothing is asked for. */
export interface CountedQuery extends ConnectionQuery {
  readonly minBytesIn: number | null;
  readonly minBytesOut: number | null;
}

type IsMet = (connection: Connection) => boolean;

interface Field<Wanted> {
  /** What a connection has of it, and what is wanted, as people read it. */
  readonly has: (connection: Connection) => unknown;
  readonly say: (wanted: Wanted) => unknown;
  /** Made once for all connections. */
  readonly test: (wanted: Wanted) => IsMet;
}

const fields: { readonly [Name in keyof CountedQuery]: Field<NonNullable<CountedQuery[Name]>> } = {
  listenerIds: {
    has: ({ listenerId }) => listenerId,
    say: (ids) => ids.join(' or '),
    test: (ids) => {
      const wanted = new Set(ids);
      return ({ listenerId }) => wanted.has(listenerId);
    },
  },
  state: equal(({ state }) => state),
  protocol: equal(({ protocol }) => protocol),
  raddr: within(({ raddr }) => raddr),
  declaredRaddr: within(({ declaredRaddr }) => declaredRaddr),
  lport: equal(({ laddr }) => laddr.port),
  closeReason: equal(({ closeReason }) => closeReason),
  acceptedAfter: accepted('or later', (time, after) => time >= after),
  acceptedBefore: accepted('excluded: before it', (time, before) => time < before),
  minBytesIn: atLeast(({ bytesIn }) => bytesIn),
  minBytesOut: atLeast(({ bytesOut }) => bytesOut),
};

/** What asks for nothing, and so for all. */
export const everyConnection = Object.fromEntries(
  Object.keys(fields).map((name) => [name, null]),
) as { readonly [Name in keyof CountedQuery]: null };

export function connectionMatcher(query: CountedQuery): IsMet {
  const conditions = conditionsOf(query);
  return (connection) => conditions.every(({ isMet }) => isMet(connection));
}

/** In which fields a connection is not what the query wants, such as `closeReason: peer_rst, not peer_fin`. */
export function connectionDiffers(query: CountedQuery): (connection: Connection) => string[] {
  const conditions = conditionsOf(query);
  return (connection) =>
    conditions
      .filter(({ isMet }) => !isMet(connection))
      .map(({ name, has, wanted }) => `${name}: ${has(connection)}, not ${wanted}`);
}

/** Of what is asked for. */
function conditionsOf(query: CountedQuery) {
  const names = Object.keys(fields) as (keyof CountedQuery)[];
  return names.flatMap((name) => {
    const wanted: unknown = query[name];
    if (wanted === null) return [];
    // Each field is tested for what the query has of that very field.
    const { has, say, test } = fields[name] as Field<unknown>;
    return [{ name, has, wanted: say(wanted), isMet: test(wanted) }];
  });
}

function equal<Value>(has: (connection: Connection) => Value): Field<NonNullable<Value>> {
  return { has, say: (wanted) => wanted, test: (wanted) => (one) => has(one) === wanted };
}

function accepted(word: string, isMet: (time: Micros, wanted: Micros) => boolean): Field<Micros> {
  return {
    has: ({ acceptedAt }) => formatTime(acceptedAt),
    say: (wanted) => `${formatTime(wanted)} ${word}`,
    test: (wanted) => (connection) => isMet(connection.acceptedAt, wanted),
  };
}

function within(has: (connection: Connection) => Address | null): Field<string> {
  return {
    has: (connection) => has(connection)?.ip ?? null,
    say: (cidr) => cidr,
    test: (cidr) => {
      const isWanted = networkSet([cidr]);
      return (connection) => {
        const address = has(connection);
        return address !== null && isWanted(address.ip);
      };
    },
  };
}

function atLeast(has: (connection: Connection) => number): Field<number> {
  return {
    has,
    say: (wanted) => `${wanted} or more`,
    test: (wanted) => (connection) => has(connection) >= wanted,
  };
}
