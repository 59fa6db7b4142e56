import { expect, test } from 'vitest';
import { type AppendFault, MemoryStore } from '../../test/support/memory-store.ts';
import {
  keepingLogger,
  rejection,
  sampleConnection,
  sampleEvent,
  sampleId,
  sampleListener,
  sampleLogLimits,
} from '../../test/support/samples.ts';
import { eventsOf } from '../../test/support/store-samples.ts';
import { waitFor } from '../../test/support/wait-for.ts';
import { AppError, hasCode, PlaceLost } from './errors.ts';
import { EventLog, type EventLogLimits } from './event-log.ts';
import { defaultProject } from './project.ts';

const long = 60_000;
const never = new AbortController().signal;

/** A commit is under way, with what came in the turn before. */
const begun = () => new Promise<void>((resolve) => setImmediate(resolve));

async function openLog(limits: Partial<EventLogLimits> = {}, store = new MemoryStore()) {
  const logger = keepingLogger();
  const fatal: unknown[] = [];
  const log = await EventLog.open({
    store,
    writer: await store.nodes.takeOwn(),
    log: logger,
    limits: { ...sampleLogLimits, ...limits },
    onFatal: (error) => fatal.push(error),
  });
  return { log, store, logger, fatal, database: store.database };
}

/** Holds the next append until it is let go. */
function hold(store: MemoryStore, at: 'begin' | 'end', fault: AppendFault = {}) {
  const gate = Promise.withResolvers<void>();
  store.faults.push({ ...fault, [at]: gate.promise });
  return gate;
}

function listenerNamed(id: number, name: string) {
  const listener = sampleListener({ id: sampleId(id), name });
  return { type: 'listener_created', time: 1, listenerId: listener.id, listener } as const;
}

const refused = { refusal: new AppError('already_exists', 'the name is taken') };

test('what is appended is given its seqs, once it is committed', async () => {
  const { log, database } = await openLog();
  const first = await log.append([sampleEvent(), sampleEvent()]);
  const second = await log.append([sampleEvent()]);
  expect([...first, ...second].map((event) => event.seq)).toEqual([1, 2, 3]);
  expect(database.history).toEqual([...first, ...second]);
  expect(log.headSeq).toBe(3);
});

test('nothing is seen before its commit is answered', async () => {
  const { log, store, database } = await openLog();
  const gate = hold(store, 'end');
  const committed = log.append([sampleEvent()]);
  await waitFor('the append to take effect', () => database.history.length === 1);
  expect(log.headSeq).toBe(0);
  expect((await log.read(0, 10)).events).toEqual([]);
  gate.resolve();
  await committed;
  expect((await log.read(0, 10)).events).toHaveLength(1);
});

test('an idle log commits at once, and gathers while a commit is under way', async () => {
  const { log, store } = await openLog({ commitEventsMax: 3 });
  const gate = hold(store, 'begin');
  const first = log.append([sampleEvent()]);
  await begun();
  const commits = [first, ...[2, 3, 4, 5].map(() => log.append([sampleEvent()]))];
  expect(store.appends.map((append) => eventsOf(append).length)).toEqual([1]);
  expect(log.writers.queuedEvents).toBe(4);
  gate.resolve();
  await Promise.all(commits);
  expect(store.appends.map((append) => eventsOf(append).length)).toEqual([1, 3, 1]);
  expect(store.appends.map((append) => append.number)).toEqual([1, 2, 3]);
});

test('an entry larger than a batch is committed whole', async () => {
  const { log, store } = await openLog({ commitEventsMax: 2 });
  await log.append(Array.from({ length: 5 }, () => sampleEvent()));
  expect(store.appends.map((append) => eventsOf(append).length)).toEqual([5]);
});

test('a failed append is settled first, so that it is done once', async () => {
  const { log, store, logger, database } = await openLog();
  store.faults.push({ fails: 'before' }, { fails: 'after' }, { fails: 'before' });
  await log.append([sampleEvent()]);
  await log.append([sampleEvent()]);
  expect(store.appends.map((append) => append.number)).toEqual([1, 2, 3, 4]);
  expect(store.settled).toEqual([1, 2, 3]);
  expect(database.history).toHaveLength(2);
  expect(log.writers.failure).toBeNull();
  const levels = logger.lines.map(({ level }) => level);
  expect(levels).toEqual(['warn', 'info', 'warn', 'info']);
});

test('while the store is away the log says so and commands are refused at once', async () => {
  const { log, store } = await openLog();
  store.isAway = true;
  const committed = log.append([sampleEvent()]);
  await waitFor('the failure to show', () => log.writers.failure !== null);
  const error = await rejection(log.appendCommand([sampleEvent()]));
  expect(hasCode(error, 'unavailable')).toBe(true);
  store.isAway = false;
  await committed;
  expect(log.writers.failure).toBeNull();
  await log.appendCommand([sampleEvent()]);
});

test('what the store refuses fails alone, and the rest of its batch is committed', async () => {
  const { log, store, database } = await openLog();
  const gate = hold(store, 'begin');
  const first = log.append([listenerNamed(1, 'mine')]);
  const bad = rejection(log.append([listenerNamed(2, 'mine')]));
  const good = log.append([sampleEvent()]);
  gate.resolve();
  expect(hasCode(await bad, 'already_exists')).toBe(true);
  expect((await first).map((event) => event.seq)).toEqual([1]);
  expect((await good).map((event) => event.seq)).toEqual([2]);
  expect(database.history).toHaveLength(2);
});

test('a refusal shows that the store is back', async () => {
  const { log, store } = await openLog();
  store.faults.push({ fails: 'before' }, refused);
  expect(hasCode(await rejection(log.append([sampleEvent()])), 'already_exists')).toBe(true);
  expect(log.writers.failure).toBeNull();
  await log.appendCommand([sampleEvent()]);
});

test('when another process has taken its place everyone who waits is told, and it is fatal', async () => {
  const { log, store, fatal, database } = await openLog();
  const gate = hold(store, 'begin');
  const commits = [1, 2, 3].map(() => rejection(log.append([sampleEvent()])));
  await new MemoryStore({ database }).nodes.takeOwn();
  gate.resolve();
  const errors = await Promise.all(commits);
  // Such as no Idempotency-Key keeps: another process can do what this one could not.
  const retryable = { code: 'unavailable', details: { retryAfterMs: 1000 } };
  expect(errors).toMatchObject([retryable, retryable, retryable]);
  expect(fatal).toMatchObject([{ code: 'failed_precondition' }]);
  expect(database.history).toHaveLength(0);
});

test('when its place is lost while a refused batch is taken apart everyone who waits is told', async () => {
  const { log, store, fatal } = await openLog();
  const gate = hold(store, 'begin');
  const fenced = { refusal: new PlaceLost('node-a') };
  store.faults.push(refused, refused, fenced);
  const first = log.append([sampleEvent()]);
  await begun();
  const batch = [1, 2, 3, 4].map(() => rejection(log.append([sampleEvent()])));
  gate.resolve();
  await first;
  const errors = await Promise.all(batch);
  expect(errors.map((error) => (error instanceof AppError ? error.code : error))).toEqual([
    'already_exists',
    'unavailable',
    'unavailable',
    'unavailable',
  ]);
  expect(fatal).toHaveLength(1);
});

test('a command that waits too long in the queue is withdrawn', async () => {
  const { log, store, database } = await openLog({ commandTimeoutMs: 5 });
  const gate = hold(store, 'begin');
  const before = log.append([sampleEvent()]);
  await begun();
  const onLate = () => expect.unreachable('it was withdrawn');
  const error = await rejection(log.appendCommand([sampleEvent()], { onLate }));
  expect(hasCode(error, 'unavailable')).toBe(true);
  expect(log.writers.queuedEvents).toBe(0);
  gate.resolve();
  await before;
  await log.append([sampleEvent()]);
  expect(database.history).toHaveLength(2);
});

test('a command that waits too long for its commit is undone when it lands', async () => {
  const { log, store, database } = await openLog({ commandTimeoutMs: 5 });
  const gate = hold(store, 'begin');
  let late = 0;
  const onLate = () => {
    late = database.history.length;
  };
  const error = await rejection(log.appendCommand([sampleEvent()], { onLate }));
  expect(hasCode(error, 'unavailable')).toBe(true);
  expect(late).toBe(0);
  gate.resolve();
  await waitFor('the late commit', () => late === 1);
});

test('a command that waits too long and is then refused is only logged', async () => {
  const { log, store, logger } = await openLog({ commandTimeoutMs: 5 });
  const gate = hold(store, 'begin', refused);
  const onLate = () => expect.unreachable('it never landed');
  await rejection(log.appendCommand([sampleEvent()], { onLate }));
  gate.resolve();
  await waitFor('the log line', () => logger.lines.some(({ level }) => level === 'error'));
});

test('only so many commands wait at once', async () => {
  const { log, store } = await openLog({ commandsMax: 2 });
  const gate = hold(store, 'begin');
  const commands = [1, 2].map(() => log.appendCommand([sampleEvent()]));
  expect(hasCode(await rejection(log.appendCommand([sampleEvent()])), 'unavailable')).toBe(true);
  gate.resolve();
  await Promise.all(commands);
  await log.appendCommand([sampleEvent()]);
});

test('draining commits all that is queued, and then nothing more is taken', async () => {
  const { log, store, database } = await openLog({ commitEventsMax: 1 });
  const gate = hold(store, 'begin');
  const commits = [1, 2, 3].map(() => log.append([sampleEvent()]));
  const drained = log.drain(never);
  gate.resolve();
  await drained;
  await Promise.all(commits);
  expect(database.history).toHaveLength(3);
  expect(hasCode(await rejection(log.append([sampleEvent()])), 'unavailable')).toBe(true);
  expect(hasCode(await rejection(log.appendCommand([sampleEvent()])), 'unavailable')).toBe(true);
  expect(database.history).toHaveLength(3);
  expect(database.watchers).toBe(0);
});

test('draining also commits what is appended meanwhile', async () => {
  const { log, database } = await openLog();
  const first = log.append([sampleEvent()]);
  const second = first.then(() => log.append([sampleEvent()]));
  await log.drain(never);
  await second;
  expect(database.history).toHaveLength(2);
});

test('draining ends in time when the store stays away, and tells everyone who waits', async () => {
  const { log, store, fatal } = await openLog({ retryMinMs: long, retryMaxMs: long });
  store.isAway = true;
  const commits = [1, 2].map(() => rejection(log.append([sampleEvent()])));
  await waitFor('the failure to show', () => log.writers.failure !== null);
  await log.drain(AbortSignal.timeout(5));
  const errors = await Promise.all(commits);
  expect(errors.map((error) => hasCode(error, 'unavailable'))).toEqual([true, true]);
  expect(fatal).toEqual([]);
});

test('once its end has come the log gives up what the store does not take, and takes what it does', async () => {
  const { log, store, fatal, database } = await openLog({ retryMinMs: 1, retryMaxMs: 1 });
  store.isAway = true;
  const commit = rejection(log.append([sampleEvent()]));
  await waitFor('the failure to show', () => log.writers.failure !== null);
  const end = new AbortController();
  log.endBy(end.signal);
  end.abort();
  expect(hasCode(await commit, 'unavailable')).toBe(true);
  // Who comes later does not wait for a store that was given up.
  expect(hasCode(await rejection(log.append([sampleEvent()])), 'unavailable')).toBe(true);
  expect([fatal, database.history]).toEqual([[], []]);

  const other = await openLog();
  other.log.endBy(AbortSignal.abort());
  await other.log.append([sampleEvent()]);
  expect(other.database.history).toHaveLength(1);
});

test('draining an idle log is done at once, and twice is no harm', async () => {
  const { log } = await openLog();
  await log.drain(AbortSignal.abort());
  await log.drain(never);
});

test('counters alone are committed, and are no event', async () => {
  const { log, store, database } = await openLog();
  await log.append([sampleEvent()]);
  const counters = { id: sampleId(100), bytesIn: 5, bytesOut: 4, firstByteAt: 9, lastByteAt: 9 };
  expect(await log.append([], { counters: [counters] })).toEqual([]);
  expect(await store.connections.find(counters.id)).toMatchObject(counters);
  expect([log.headSeq, database.history.length]).toEqual([1, 1]);
});

test('what is told of commits is of all that append here, until they leave', async () => {
  const { log } = await openLog({ retryMinMs: long, retryMaxMs: long });
  const { writers } = log;
  const away = new AppError('unavailable', 'away');
  const failing = (error: Error) =>
    log.writer(
      {
        append: () => Promise.reject(error),
        settle: () => (error === away ? Promise.reject(error) : Promise.resolve(null)),
      },
      () => undefined,
    );
  const [stuck, refusing] = [failing(away), failing(refused.refusal)];
  const counters = [sampleConnection()];
  await refusing.append(defaultProject, [], { counters, isDivisible: true });
  expect(writers).toMatchObject({ failure: null, refusedRecords: 1 });
  const first = rejection(stuck.append(defaultProject, [sampleEvent()], {}));
  await waitFor('the failure to show', () => writers.failure === away);
  const second = rejection(stuck.append(defaultProject, [sampleEvent(), sampleEvent()], {}));
  await waitFor('some time', () => writers.waitingMs > 0);
  expect(writers.queuedEvents).toBe(2);
  for (const writer of [stuck, refusing]) writers.leave(writer);
  expect(writers).toMatchObject({
    ...{ failure: null, queuedEvents: 0, waitingMs: 0, refusedRecords: 1 },
  });
  await Promise.all([first, second]);
});
