import { expect, test } from 'vitest';
import { MemoryDatabase } from '../../test/support/memory-database.ts';
import { MemoryStore } from '../../test/support/memory-store.ts';
import { keepingLogger, sampleEvent, sampleLogLimits } from '../../test/support/samples.ts';
import { type EventFilter, everyEvent } from './event-filter.ts';
import { EventLog, type EventLogLimits } from './event-log.ts';
import { follow } from './follow.ts';

async function openNode(
  nodeId: string,
  database: MemoryDatabase,
  limits: Partial<EventLogLimits> = {},
) {
  const store = new MemoryStore({ database, nodeId });
  const onFatal = (error: unknown) => {
    throw error;
  };
  const logger = keepingLogger();
  const log = await EventLog.open({
    store,
    writer: await store.nodes.takeOwn(),
    log: logger,
    limits: { ...sampleLogLimits, ...limits },
    onFatal,
  });
  return { store, log };
}

test('a start by time is not behind what another node appended and purged unheard', async () => {
  const database = new MemoryDatabase();
  database.isHoldingNotices = true;
  const here = await openNode('node-a', database);
  const there = await openNode('node-b', database);
  await here.log.append([sampleEvent({ acceptedAt: 1 })]);
  await there.log.append([sampleEvent({ acceptedAt: 2 })]);
  await there.store.keeping.purge({
    before: 0,
    eventsMax: 0,
    bytesMax: Number.MAX_SAFE_INTEGER,
    limit: 9,
  });
  const stop = new AbortController();
  const stream = follow({
    ...here,
    start: { kind: 'since', time: 0 },
    filter: everyEvent,
    endAtHead: false,
    heartbeatMs: 60_000,
    pageEventsMax: 10,
    signal: stop.signal,
  });
  expect(await stream.next()).toMatchObject({ value: { kind: 'synced' } });
  database.notify();
  await here.log.append([sampleEvent({ acceptedAt: 3 })]);
  expect(await stream.next()).toMatchObject({ value: { kind: 'events', events: [{ seq: 3 }] } });
  stop.abort();
  await stream.return();
});

test('the sets of a filter are built once for a reader, however many pages it reads', async () => {
  const { store, log } = await openNode('node-a', new MemoryDatabase());
  await log.append(Array.from({ length: 50 }, () => sampleEvent()));
  let reads = 0;
  const filter: EventFilter = {
    ...everyEvent,
    get remoteCidrs() {
      reads += 1;
      return ['127.0.0.0/8'];
    },
  };
  const readsOf = async (pageEventsMax: number) => {
    reads = 0;
    const start = { kind: 'after_seq', seq: 0 } as const;
    const ask = { store, log, start, filter, endAtHead: true, heartbeatMs: 60_000, pageEventsMax };
    let pages = 0;
    for await (const item of follow({ ...ask, signal: new AbortController().signal })) {
      if (item.kind === 'events') pages += 1;
    }
    return { pages, reads };
  };
  const whole = await readsOf(50);
  expect(whole).toMatchObject({ pages: 1 });
  expect(await readsOf(5)).toEqual({ pages: 10, reads: whole.reads });
});

test('while somebody follows at the head records are committed at once, and gather after that', async () => {
  const { store, log } = await openNode('node-a', new MemoryDatabase(), { gatherMs: 86_400_000 });
  const record = { isDivisible: true };
  const stream = follow({
    ...{ store, log, start: { kind: 'from_now' }, filter: everyEvent, endAtHead: false },
    ...{ heartbeatMs: 60_000, pageEventsMax: 10, signal: new AbortController().signal },
  });
  await stream.next();
  // It stands at what it has sent, and does not read on: it follows all the same.
  const item = stream.next();
  await log.append([sampleEvent()], record);
  await item;
  await log.append([sampleEvent()], record);
  await stream.return();
  const gathering = log.append([sampleEvent()], record);
  await log.append([sampleEvent()], { ...record, isAwaited: true });
  await gathering;
  expect(store.appends.map(({ entries }) => entries.length)).toEqual([1, 1, 2]);
});

test('events of before the stream are read as it is told to, and those that come are not', async () => {
  const { store, log } = await openNode('node-a', new MemoryDatabase());
  await log.append(Array.from({ length: 7 }, () => sampleEvent()));
  const stop = new AbortController();
  const stream = follow({
    ...{ store, log, filter: everyEvent, signal: stop.signal },
    start: { kind: 'after_seq', seq: 0 },
    ...{ endAtHead: false, heartbeatMs: 60_000, pageEventsMax: 10 },
    readOld: (eventsMax, read) => read(Math.min(eventsMax, 3)),
  });
  const next = async () => {
    const { value } = await stream.next();
    return value?.kind === 'events' ? value.events.length : value?.kind;
  };
  expect([await next(), await next(), await next(), await next()]).toEqual([3, 3, 1, 'synced']);
  await log.append(Array.from({ length: 7 }, () => sampleEvent()));
  expect(await next()).toBe(7);
  stop.abort();
  await stream.return();
});

test('a stream that ends while it waits to read ends without an error', async () => {
  const { store, log } = await openNode('node-a', new MemoryDatabase());
  await log.append([sampleEvent()]);
  const stop = new AbortController();
  const stream = follow({
    ...{ store, log, filter: everyEvent, signal: stop.signal },
    start: { kind: 'after_seq', seq: 0 },
    ...{ endAtHead: false, heartbeatMs: 60_000, pageEventsMax: 10 },
    readOld: () =>
      new Promise((_, reject) => {
        stop.signal.addEventListener('abort', () => reject(stop.signal.reason));
      }),
  });
  const next = stream.next();
  stop.abort(new Error('the reader went away'));
  expect(await next).toEqual({ done: true, value: undefined });
});
