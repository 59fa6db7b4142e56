/** No content and no slow store stops the queue, and nothing that happened is lost in silence. */
import { describe, expect, test } from 'vitest';
import { MemoryStore } from '../../test/support/memory-store.ts';
import {
  keepingLogger,
  rejection,
  sampleEvent,
  sampleId,
  sampleListener,
  sampleLogLimits,
} from '../../test/support/samples.ts';
import { eventsOf } from '../../test/support/store-samples.ts';
import { waitFor } from '../../test/support/wait-for.ts';
import { AppError, hasCode } from './errors.ts';
import type { EventDraft } from './event.ts';
import { EventLog, type EventLogLimits } from './event-log.ts';

async function openLog(limits: Partial<EventLogLimits> = {}) {
  const store = new MemoryStore();
  const logger = keepingLogger();
  const onFatal = (error: unknown) => {
    throw error;
  };
  const all = { ...sampleLogLimits, ...limits };
  const log = await EventLog.open({
    store,
    writer: await store.nodes.takeOwn(),
    log: logger,
    limits: all,
    onFatal,
  });
  return { log, store, logger, database: store.database };
}

/** The update of a listener with this much text in it. */
function listenerOf(id: number, length: number): EventDraft {
  const listener = sampleListener({ id: sampleId(id), labels: { text: 'x'.repeat(length) } });
  return { type: 'listener_updated', time: 1, listenerId: listener.id, listener };
}

function visit(id: number): EventDraft {
  return sampleEvent({ id: sampleId(id) });
}

const idsOf = (events: readonly EventDraft[]) =>
  events.map((event) => ('connection' in event ? event.connection.id : event.listenerId));

const slow = () => new AppError('unavailable', 'canceled by the time-out of the statement');
const refused = new Error('value out of range');

/** A commit is under way, with what came in the turn before. */
const begun = () => new Promise<void>((resolve) => setImmediate(resolve));

test('what comes in one turn is committed together, whosever it is', async () => {
  const { log, store, database } = await openLog();
  const other = log.of(database.addProject('other'));
  // A worker tells what it has of all projects at once: a kill between two commits would lose the middle of that.
  await Promise.all([log.append([visit(1), visit(3)]), other.append([visit(2)])]);
  expect(store.appends.map(({ entries }) => entries.length)).toEqual([2]);
});

test('a commit is bounded in bytes too', async () => {
  const { log, store } = await openLog({ commitBytesMax: 10_000, commandsBytesMax: 100_000 });
  const gate = Promise.withResolvers<void>();
  store.faults.push({ begin: gate.promise });
  const first = log.appendCommand([listenerOf(1, 2000)]);
  await begun();
  const updates = [2, 3, 4, 5, 6].map((id) => log.appendCommand([listenerOf(id, 2000)]));
  gate.resolve();
  await first;
  await Promise.all(updates);
  expect(store.appends.map((one) => eventsOf(one).length)).toEqual([1, 2, 2, 1]);
  const sizes = store.appends.map(({ entries }) =>
    entries.reduce((sum, { bytes }) => sum + bytes, 0),
  );
  expect(sizes.every((bytes) => bytes > 2000 && bytes <= 10_000)).toBe(true);
});

test('a commit is bounded in projects too', async () => {
  const { log, store, database } = await openLog({ commitProjectsMax: 2 });
  const projects = ['a', 'b', 'c'].map((name) => log.of(database.addProject(name)));
  const gate = Promise.withResolvers<void>();
  store.faults.push({ begin: gate.promise });
  const first = log.append([visit(1)]);
  await begun();
  const rest = projects.flatMap((project, n) => [
    project.append([visit(10 + n)]),
    project.append([visit(20 + n)]),
  ]);
  gate.resolve();
  await Promise.all([first, ...rest]);
  expect(store.appends.map(({ entries }) => entries.length)).toEqual([1, 4, 2]);
});

describe('what nobody waits for', () => {
  const aDay = { gatherMs: 86_400_000, gatherEventsMax: 5 };
  const record = { isDivisible: true };

  /** A log that has just committed, and would wait for a day. */
  async function gatheringLog() {
    const world = await openLog(aDay);
    await world.log.append([visit(1)], record);
    return world;
  }

  const sizes = ({ store }: { store: MemoryStore }) =>
    store.appends.map((one) => eventsOf(one).length);

  test('is committed at once by a log that is idle', async () => {
    const world = await gatheringLog();
    expect(sizes(world)).toEqual([1]);
  });

  test('gathers until there is so much of it', async () => {
    const world = await gatheringLog();
    const records = [2, 3, 4, 5, 6].map((id) => world.log.append([visit(id)], record));
    await Promise.all(records);
    expect(sizes(world)).toEqual([1, 5]);
  });

  test('goes with what somebody waits for', async () => {
    const world = await gatheringLog();
    const waiting = world.log.append([visit(2)], record);
    await world.log.append([visit(3)], { ...record, isAwaited: true });
    await waiting;
    const again = world.log.append([visit(4)], record);
    await world.log.appendCommand([listenerOf(1, 10)]);
    await again;
    expect(sizes(world)).toEqual([1, 2, 2]);
  });

  test('goes at once while the log is followed, and when it is drained', async () => {
    const world = await gatheringLog();
    const waiting = world.log.append([visit(2)], record);
    {
      using _ = world.log.followed();
      await waiting;
    }
    const stop = new AbortController();
    const last = world.log.append([visit(3)], record);
    await world.log.drain(stop.signal);
    await last;
    expect(sizes(world)).toEqual([1, 1, 1]);
  });

  test('gathers for so long at most', async () => {
    const world = await openLog({ ...aDay, gatherMs: 5 });
    for (const id of [1, 2, 3]) await world.log.append([visit(id)], record);
    expect(sizes(world)).toEqual([1, 1, 1]);
  });
});

test('a command that is larger than a commit is refused, and what only happened is not', async () => {
  const { log, database } = await openLog({ commitBytesMax: 10_000 });
  const error = await rejection(log.appendCommand([listenerOf(1, 5000), listenerOf(2, 5000)]));
  const details = { limit: 'commitBytesMax', limitValue: 10_000 };
  expect(error).toMatchObject({ code: 'resource_exhausted', details });
  await log.append([listenerOf(1, 20_000)]);
  expect(database.history).toHaveLength(1);
});

test('commands that wait are bounded in bytes', async () => {
  const { log, store } = await openLog({ commandsBytesMax: 10_000 });
  const gate = Promise.withResolvers<void>();
  store.faults.push({ begin: gate.promise });
  const first = log.append([visit(1)]);
  const command = log.appendCommand([listenerOf(1, 5000)]);
  const error = await rejection(log.appendCommand([listenerOf(2, 5000)]));
  expect(hasCode(error, 'unavailable')).toBe(true);
  gate.resolve();
  await Promise.all([first, command]);
});

test('a command that the store can not do in time fails alone, and the log goes on', async () => {
  const { log, store, logger, database } = await openLog({ commandTimeoutMs: 30 });
  const gate = Promise.withResolvers<void>();
  store.faults.push({ begin: gate.promise });
  store.judge = (one) => (eventsOf(one).some((event) => 'listener' in event) ? slow() : null);
  const before = log.append([visit(1)]);
  const onLate = () => expect.unreachable('it was never done');
  const command = rejection(log.appendCommand([listenerOf(1, 10)], { onLate }));
  const after = log.append([visit(2), visit(3)], { isDivisible: true });
  gate.resolve();
  await before;
  expect(hasCode(await command, 'unavailable')).toBe(true);
  expect(await after).toHaveLength(2);
  expect(idsOf(database.history)).toEqual([1, 2, 3].map(sampleId));
  await waitFor('commands to be taken again', () => log.writers.failure === null);
  expect(logger.lines.filter(({ level }) => level === 'error')).toEqual([]);
});

test('a store that is slow gets less at a time, and more again once it is not', async () => {
  const { log, store, database } = await openLog();
  let eventsMax = 3;
  store.judge = (one) => (eventsOf(one).length > eventsMax ? slow() : null);
  const visits = Array.from({ length: 40 }, (_, index) => visit(index));
  await log.append(visits, { isDivisible: true });
  expect(idsOf(database.history)).toEqual(visits.map((_, index) => sampleId(index)));
  eventsMax = 100;
  const sizes = () => store.appends.map((one) => eventsOf(one).length);
  await waitFor('whole commits', async () => {
    const gate = Promise.withResolvers<void>();
    store.faults.push({ begin: gate.promise });
    const first = log.append([sampleEvent()]);
    await begun();
    const commits = [first, ...Array.from({ length: 30 }, () => log.append([sampleEvent()]))];
    gate.resolve();
    await Promise.all(commits);
    return sizes().at(-1) === 30;
  });
});

test('an answer that was lost is not taken for a commit that failed', async () => {
  const { log, store, database } = await openLog();
  const gate = Promise.withResolvers<void>();
  store.faults.push({ begin: gate.promise, fails: 'after' }, { fails: 'after' });
  const commits = [log.append([visit(1)]), log.append([visit(2), visit(3)])];
  gate.resolve();
  const seqs = (await Promise.all(commits)).flat().map(({ seq }) => seq);
  expect([seqs, database.history.length]).toEqual([[1, 2, 3], 3]);
});

test('a record that the store refuses is left out and told, and all others are committed in order', async () => {
  const { log, store, logger, database } = await openLog();
  const bad = [sampleId(7), sampleId(30)];
  store.judge = (one) => (idsOf(eventsOf(one)).some((id) => bad.includes(id)) ? refused : null);
  const gate = Promise.withResolvers<void>();
  store.faults.push({ begin: gate.promise });
  const first = log.append([visit(99)]);
  const batches = [0, 1, 2, 3].map((batch) => {
    const visits = Array.from({ length: 10 }, (_, index) => visit(10 * batch + index));
    return log.append(visits, { isDivisible: true });
  });
  gate.resolve();
  await Promise.all([first, ...batches]);
  const wanted = Array.from({ length: 40 }, (_, index) => sampleId(index));
  expect(idsOf(database.history).slice(1)).toEqual(wanted.filter((id) => !bad.includes(id)));
  expect(log.writers.refusedRecords).toBe(2);
  const errors = logger.lines.filter(({ level }) => level === 'error');
  expect(errors).toMatchObject(
    bad.map((id) => ({ fields: { err: refused, record: { connection: { id } } } })),
  );
});

test('counters that the store refuses cost nothing else', async () => {
  const { log, store, database } = await openLog();
  const counters = [1, 2, 3].map((id) => ({
    ...{ id: sampleId(id), bytesIn: id, bytesOut: 0, firstByteAt: null, lastByteAt: null },
  }));
  store.judge = ({ entries }) =>
    entries.some(({ counters }) => counters.some(({ id }) => id === sampleId(2))) ? refused : null;
  const events = [1, 2, 3].map(visit);
  await log.append(events, { counters, isDivisible: true });
  expect([database.history.length, log.writers.refusedRecords]).toEqual([3, 1]);
  const rows = await Promise.all(counters.map(({ id }) => store.connections.find(id)));
  expect(rows.map((row) => row?.bytesIn)).toEqual([1, 0, 3]);
});

test('how long the oldest has waited is known, also while it is being committed', async () => {
  const { log, store } = await openLog();
  expect(log.writers.waitingMs).toBe(0);
  const gate = Promise.withResolvers<void>();
  store.faults.push({ begin: gate.promise });
  const commit = log.append([visit(1)]);
  await waitFor('some time', () => log.writers.waitingMs > 5);
  gate.resolve();
  await commit;
  await waitFor('the queue to rest', () => log.writers.waitingMs === 0);
});
