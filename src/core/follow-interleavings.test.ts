/**
 * Whatever happens in whatever order, every follower sees each matching event once, in order. Two nodes write
 * to one log, commits fail before and after they took effect, the purge runs, streams come and go.
 */
import { getEventListeners } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CheckedFollower } from '../../test/support/checked-follower.ts';
import { MemoryDatabase } from '../../test/support/memory-database.ts';
import { MemoryStore } from '../../test/support/memory-store.ts';
import {
  keepingLogger,
  sampleEvent,
  sampleId,
  sampleLogLimits,
} from '../../test/support/samples.ts';
import { waitFor } from '../../test/support/wait-for.ts';
import { hasCode } from './errors.ts';
import { type EventFilter, everyEvent } from './event-filter.ts';
import { EventLog } from './event-log.ts';
import type { StreamStart } from './stream-start.ts';

const limits = { ...sampleLogLimits, commitEventsMax: 3, ringEventsMax: 3, retryMinMs: 0 };
const pageEventsMax = 2;

const filters: readonly EventFilter[] = [
  everyEvent,
  { ...everyEvent, listenerIds: [sampleId(1)] },
  { ...everyEvent, remoteCidrs: ['10.0.0.0/8'], listenerIds: [sampleId(1), sampleId(2)] },
  { ...everyEvent, types: ['listener_closed'] },
];

const node = fc.nat({ max: 1 });
const start = fc.oneof(
  fc.record({ kind: fc.constant('after_seq' as const), seq: fc.nat({ max: 20 }) }),
  fc.record({ kind: fc.constant('after_seq' as const), seq: fc.constant(0) }),
  fc.record({ kind: fc.constant('since' as const), time: fc.nat({ max: 30 }) }),
  fc.record({ kind: fc.constant('last' as const), count: fc.nat({ max: 5 }) }),
  fc.record({ kind: fc.constant('from_now' as const) }),
);
const stream = {
  node,
  filter: fc.nat({ max: filters.length - 1 }),
  endAtHead: fc.boolean(),
  itemsMax: fc.option(fc.integer({ min: 1, max: 4 })),
  pauses: fc.nat({ max: 3 }),
};
const action = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('append' as const),
      node,
      listeners: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 5 }),
      time: fc.nat({ max: 30 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('fail' as const),
      node,
      fails: fc.constantFrom('before' as const, 'after' as const),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('follow' as const), start, ...stream }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('resume' as const),
      which: fc.nat({ max: 9 }),
      node: stream.node,
      pauses: stream.pauses,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('purge' as const),
      node,
      eventsMax: fc.nat({ max: 12 }),
      limit: fc.integer({ min: 1, max: 9 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('notify' as const) }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('run' as const), turns: fc.nat({ max: 12 }) }),
  },
);
type Action = typeof action extends fc.Arbitrary<infer Value> ? Value : never;

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await setImmediate();
}

async function openNode(nodeId: string, database: MemoryDatabase, delays: Iterator<number>) {
  const turn = () => turns(delays.next().value ?? 0);
  const store = new MemoryStore({ database, nodeId, turn });
  store.scanMax = 3;
  const onFatal = (error: unknown) => {
    throw error;
  };
  const log = await EventLog.open({
    store,
    writer: await store.nodes.takeOwn(),
    log: keepingLogger(),
    limits,
    onFatal,
  });
  return { store, log };
}

type Node = Awaited<ReturnType<typeof openNode>>;

class World {
  readonly database = new MemoryDatabase();
  readonly followers: CheckedFollower[] = [];
  readonly problems: unknown[] = [];
  readonly #requests = new Map<CheckedFollower, { filter: EventFilter; log: EventLog }>();
  readonly #appends: Promise<unknown>[] = [];
  readonly #nodes: readonly Node[];
  #appended = 0;

  private constructor(nodes: readonly Node[], database: MemoryDatabase) {
    this.#nodes = nodes;
    this.database = database;
  }

  static async open(delays: Iterator<number>): Promise<World> {
    const database = new MemoryDatabase();
    database.isHoldingNotices = true;
    const nodes = [
      await openNode('node-a', database, delays),
      await openNode('node-b', database, delays),
    ];
    return new World(nodes, database);
  }

  #node(index: number): Node {
    const found = this.#nodes[index];
    if (found === undefined) throw new TypeError(`no node ${index}`);
    return found;
  }

  async act(one: Action): Promise<void> {
    switch (one.kind) {
      case 'append': {
        const events = one.listeners.map((listener) => {
          this.#appended += 1;
          const raddr = { ip: `${9 + (this.#appended % 2)}.0.0.1`, port: this.#appended };
          const listenerId = sampleId(listener);
          return sampleEvent({ raddr, listenerId, acceptedAt: one.time });
        });
        this.#appends.push(this.#node(one.node).log.append(events));
        return;
      }
      case 'fail':
        this.#node(one.node).store.faults.push({ fails: one.fails });
        return;
      case 'follow':
        this.#follow({ ...one, filter: filters[one.filter] ?? everyEvent });
        return;
      case 'resume': {
        const before = this.followers[one.which];
        const request = before && this.#requests.get(before);
        if (!before?.isEnded || before.seq === null || request === undefined) return;
        const start = { kind: 'after_seq', seq: before.seq } as const;
        this.#follow({ ...one, ...request, start, endAtHead: false, itemsMax: null });
        return;
      }
      case 'purge': {
        const { store, log } = this.#node(one.node);
        const purge = {
          before: 0,
          eventsMax: one.eventsMax,
          bytesMax: Number.MAX_SAFE_INTEGER,
          limit: one.limit,
        };
        this.#appends.push(
          store.keeping.purge(purge).then(({ oldestSeq }) => log.expire(oldestSeq)),
        );
        return;
      }
      case 'notify':
        this.database.notify();
        return;
      case 'run':
        await turns(one.turns);
        return;
    }
  }

  #follow(request: {
    node: number;
    start: StreamStart;
    filter: EventFilter;
    endAtHead: boolean;
    itemsMax: number | null;
    pauses: number;
  }): void {
    const { store, log } = this.#node(request.node);
    const follower = new CheckedFollower({
      ...request,
      store,
      log,
      database: this.database,
      heartbeatMs: 60_000,
      pageEventsMax,
      pause: () => turns(request.pauses),
    });
    this.#requests.set(follower, { filter: request.filter, log });
    // Only what is really above the head, or below the log, may be refused.
    const { startSeq } = follower;
    const isAbove = startSeq > this.database.history.length;
    const { oldestSeq } = this.database.bounds;
    void follower.ended.then(() => {
      const { error } = follower;
      const at = follower.position === 0 ? startSeq : follower.position;
      const isExpired = at > 0 ? at < log.oldestSeq - 1 : log.oldestSeq > oldestSeq;
      if (error === null || (isAbove && hasCode(error, 'invalid_argument'))) return;
      if (isExpired && hasCode(error, 'cursor_expired')) return;
      this.problems.push(error);
    });
    this.followers.push(follower);
  }

  #lacks(): readonly string[] {
    return this.followers.flatMap((follower) => follower.lacks() ?? []);
  }

  /** Lets everything come to rest, and checks that nobody missed anything. */
  async finish(): Promise<void> {
    this.database.isHoldingNotices = false;
    this.database.notify();
    await Promise.all(this.#appends);
    await waitFor('the followers', () => this.#lacks().length === 0, 500).catch(() => undefined);
    this.problems.push(...this.#lacks());
    for (const follower of this.followers) {
      await follower.stop();
      expect(getEventListeners(follower.signal, 'abort')).toEqual([]);
    }
    expect(this.problems).toEqual([]);
  }
}

test('every follower sees each matching event once, in order, whatever happens', async () => {
  const sleepersBefore = process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout');
  const delays = fc.infiniteStream(fc.nat({ max: 3 }));
  const actions = fc.array(action, { minLength: 5, maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(actions, delays, async (list, waits) => {
      const world = await World.open(waits[Symbol.iterator]());
      for (const one of list) await world.act(one);
      await world.finish();
    }),
    { numRuns: 200 },
  );
  const sleepers = process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout');
  expect(sleepers.length).toBeLessThanOrEqual(sleepersBefore.length);
});
