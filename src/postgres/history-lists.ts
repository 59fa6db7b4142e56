/**
 * The lists of closed connections: indexes that end in the id, read newest first. Which there are, and which of them hold
 * all that a query asks for.
 */
import { type Filter, filters, type HistoryQuery, isAsked } from './history-query.ts';

export interface List {
  /** The columns of its index before the id. */
  readonly keys: readonly Filter[];
  readonly part?: Part;
}

/** What an index is limited to, and when a query is. */
interface Part {
  readonly sql: string;
  readonly holds: (query: HistoryQuery) => boolean;
}

const rareReason: Part = {
  sql: `c.close_reason <> 'peer_fin'`,
  holds: ({ filters: { closeReason } }) => closeReason !== 'peer_fin',
};
const rareProtocol: Part = {
  sql: `c.protocol <> 'tcp'`,
  holds: ({ filters: { protocol } }) => protocol !== 'tcp',
};

/** Not all are known. */
const withRaddr: Part = { sql: 'c.raddr IS NOT NULL', holds: () => true };
const withNet: Part = { sql: 'c.net IS NOT NULL', holds: () => true };
const withDeclared: Part = { sql: 'c.declared_raddr IS NOT NULL', holds: isOfDeclared };

function isOfDeclared({ filters: { declaredRaddr, declaredNetwork } }: HistoryQuery): boolean {
  return declaredRaddr !== null || declaredNetwork !== null;
}

export type NetworkFilter = 'network' | 'declaredNetwork';

/** By which addresses are gathered: where one is declared, most have nothing else that tells them apart. */
export function networkOf({ filters }: HistoryQuery): NetworkFilter | null {
  if (filters.declaredNetwork !== null) return 'declaredNetwork';
  return filters.network !== null && filters.declaredRaddr === null ? 'network' : null;
}

/** The primary key lists them all. */
const everything: List = { keys: [] };
/** No other has the declared address in it. */
const declaredLists: readonly List[] = [
  { keys: ['declaredRaddr'], part: withDeclared },
  { keys: [], part: withDeclared },
];
/** The more telling come first. */
const tellingLists: readonly List[] = [
  { keys: ['raddr', 'closeReason'], part: rareReason },
  { keys: ['listenerIds', 'closeReason'], part: rareReason },
  { keys: ['raddr'], part: withRaddr },
  { keys: ['listenerIds'] },
  { keys: ['closeReason'], part: rareReason },
  { keys: ['protocol'], part: rareProtocol },
  { keys: ['net'], part: withNet },
];

/** Those that hold all matches, without those that are part of another of them. */
export function listsOf(query: HistoryQuery): readonly List[] {
  const lists = isOfDeclared(query) ? declaredLists : tellingLists;
  const usable = lists.filter(
    ({ keys, part }) => keys.every((key) => isAsked(query, key)) && (part?.holds(query) ?? true),
  );
  const best = usable.filter(
    (list) =>
      !usable.some(
        (other) =>
          other.keys.length > list.keys.length &&
          list.keys.every((key) => other.keys.includes(key)),
      ),
  );
  return best.length > 0 ? best : [everything];
}

/** Whether each of its entries is a match, times aside. */
export function isExact(list: List, query: HistoryQuery): boolean {
  return restOf(list, query).length === 0;
}

/** The lists of all addresses of a network that has few of them. */
export function addressesList(query: HistoryQuery, network: NetworkFilter): List {
  if (network === 'declaredNetwork') return { keys: [network], part: withDeclared };
  const isRare = query.filters.closeReason !== null && rareReason.holds(query);
  if (isRare) return { keys: ['network', 'closeReason'], part: rareReason };
  return { keys: ['network'], part: withRaddr };
}

/** Filters that the list leaves to be checked. */
export function restOf({ keys }: List, query: HistoryQuery): readonly Filter[] {
  // A network is within its net.
  return filters.filter((name) => isAsked(query, name) && !keys.includes(name));
}
