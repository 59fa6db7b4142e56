/** Every filter of a store and its combinations, held against a plain loop over one population. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectionStates } from '../../src/core/connection.ts';
import { connectionMatcher, everyConnection } from '../../src/core/connection-filter.ts';
import type { ConnectionQuery } from '../../src/core/directories.ts';
import type { Event } from '../../src/core/event.ts';
import { type EventFilter, eventMatcher, everyEvent } from '../../src/core/event-filter.ts';
import { itemBytes } from '../../src/core/sizes.ts';
import type { ProjectStore } from '../../src/core/store.ts';
import { connectionMatches } from './memory-database.ts';
import { type MakeGround, numbered, openNode, readAll, readAllBack } from './store-ground.ts';
import { makePopulation } from './store-population.ts';
import { eventsOf, sampleId, sampleTime, staying } from './store-samples.ts';

/** Over how much it is held: the more, the longer it takes. */
export interface FilterShare {
  readonly lives?: number;
  /** Of the pairs of two kinds of filter every so manieth; each kind alone is always there. */
  readonly pairStep?: number;
}

export function filterContract(
  makeGround: MakeGround,
  { lives, pairStep = 1 }: FilterShare = {},
): void {
  const { appends, listenerIds } = makePopulation('node-a', lives);
  const resources = new AsyncDisposableStack();
  let store: ProjectStore;

  beforeAll(async () => {
    const opened = resources.use(await openNode(resources.use(await makeGround())));
    for (const one of appends) await opened.node.append(one);
    store = opened;
  });
  afterAll(() => resources.disposeAsync());

  test('those of events find what a plain loop finds, page by page', async () => {
    const all = numbered(appends.flatMap(eventsOf));
    expect(await readAll(store)).toEqual(all);
    for (const filter of eventFilters(all, listenerIds, pairStep)) {
      const wanted = all.filter(eventMatcher(filter));
      expect(await readAll(store, filter, 7)).toEqual(wanted);
      expect(await readAll(store, filter, 7, 3 * itemBytes)).toEqual(wanted);
      expect(await readAllBack(store, filter, 7)).toEqual(wanted.toReversed());
      for (const count of [0, 1, 5, wanted.length, wanted.length + 1]) {
        const seq = await store.log.seqBeforeNewest(count, filter, staying);
        const after = wanted.filter((event) => event.seq > seq);
        expect(after).toEqual(count === 0 ? [] : wanted.slice(-count));
      }
    }
  });

  test('those of connections find what a plain loop finds, page by page', async () => {
    const rows = new Map(
      appends
        .flatMap(eventsOf)
        .flatMap((event) =>
          'connection' in event ? [[event.connection.id, event.connection]] : [],
        ),
    );
    const all = [...rows.values()].sort((a, b) => (a.id > b.id ? -1 : 1));
    for (const query of connectionQueries(listenerIds, pairStep)) {
      const wanted = all.filter((connection) => connectionMatches(connection, query));
      const counted = { ...query, minBytesIn: null, minBytesOut: null };
      expect(all.filter(connectionMatcher(counted))).toEqual(wanted);
      expect(await store.connections.list(query, { pageSize: 1000, after: null })).toEqual(wanted);
      const paged: string[] = [];
      for (let after: string | null = null; ; ) {
        const page = await store.connections.list(query, { pageSize: 9, after });
        paged.push(...page.map(({ id }) => id));
        after = page.at(-1)?.id ?? null;
        if (page.length < 9) break;
      }
      expect(paged).toEqual(wanted.map(({ id }) => id));
    }
  });
}

/** Each two of them as one. */
function pairsOf<Kind extends object>(kinds: readonly Kind[], step: number): Kind[] {
  const pairs = kinds.flatMap((one, index) =>
    kinds.slice(index + 1).map((other) => ({ ...one, ...other })),
  );
  return pairs.filter((_, index) => index % step === 0);
}

/** Each kind alone, and with each other. */
function eventFilters(
  all: readonly Event[],
  listenerIds: readonly string[],
  pairStep: number,
): EventFilter[] {
  const connectionIds = all.flatMap((event) =>
    event.type === 'connection_half_closed' ? [event.connection.id] : [],
  );
  const kinds: readonly Partial<EventFilter>[] = [
    { listenerIds: listenerIds.slice(0, 1) },
    { listenerIds: listenerIds.slice(1, 4) },
    { connectionIds: connectionIds.slice(0, 3) },
    { types: ['connection_opened'] },
    { types: ['connection_closed', 'listener_listening'] },
    { types: ['connection_half_closed', 'connection_refused'] },
    { protocols: ['udp'] },
    { protocols: ['tls', 'tcp'] },
    { remoteCidrs: ['127.0.0.0/16'] },
    { remoteCidrs: ['2001:db8::/32', '10.1.2.3'] },
    { remoteCidrs: ['192.0.2.1'] },
  ];
  return [...kinds, ...pairsOf(kinds, pairStep)].map((kind) => ({ ...everyEvent, ...kind }));
}

function connectionQueries(listenerIds: readonly string[], pairStep: number): ConnectionQuery[] {
  const strangers = Array.from({ length: 20 }, (_, n) => sampleId(sampleTime - n * 2000));
  const kinds: readonly Partial<ConnectionQuery>[] = [
    {},
    { listenerIds: listenerIds.slice(0, 1) },
    { listenerIds: listenerIds.slice(1, 4) },
    { listenerIds: [...listenerIds.slice(1, 4), ...strangers] },
    { listenerIds: [] },
    ...connectionStates.map((state) => ({ state })),
    { protocol: 'udp' },
    { raddr: '127.0.0.2' },
    { raddr: '127.0.0.0/15' },
    { raddr: '2001:db8::/32' },
    { raddr: '10.1.2.3/32' },
    { raddr: '192.0.2.0/24' },
    { declaredRaddr: '127.0.0.2' },
    { declaredRaddr: '127.0.0.0/15' },
    { declaredRaddr: '2001:db8::/32' },
    { lport: 40_001 },
    { closeReason: 'peer_rst' },
    { closeReason: 'interrupted' },
    { acceptedAfter: sampleTime + 500_000 },
    { acceptedBefore: sampleTime + 1_000_000 },
    { acceptedAfter: sampleTime + 490_000, acceptedBefore: sampleTime + 510_001 },
  ];
  const many = { lport: 40_000, raddr: '127.0.0.0/8', closeReason: 'peer_fin' } as const;
  const several = connectionStates.map((state) => ({ state, ...many }));
  const queries = [...kinds, ...pairsOf(kinds, pairStep), ...several];
  return queries.map((kind) => ({ ...everyConnection, ...kind }));
}
