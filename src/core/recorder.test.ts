import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sampleAudit } from '../../test/support/core-world.ts';
import { MemoryStore } from '../../test/support/memory-store.ts';
import {
  handClock,
  keepingLogger,
  sampleConnection,
  sampleId,
  sampleLogLimits,
} from '../../test/support/samples.ts';
import { eventsOf } from '../../test/support/store-samples.ts';
import { waitFor } from '../../test/support/wait-for.ts';
import { EventLog, type EventLogLimits } from './event-log.ts';
import { defaultProject } from './project.ts';
import type { WorkerRecord } from './record.ts';
import { Recorder } from './recorder.ts';
import type { Append } from './writer.ts';

const listenerId = sampleId(1);
const listener = { id: listenerId, project: defaultProject };
const workerId = 'worker-1';
const never = new AbortController().signal;

async function makeRecorder(store = new MemoryStore(), limits: Partial<EventLogLimits> = {}) {
  const logger = keepingLogger();
  const onFatal = (error: unknown) => {
    throw error;
  };
  const log = await EventLog.open({
    store,
    writer: await store.nodes.takeOwn(),
    log: logger,
    limits: { ...sampleLogLimits, ...limits },
    onFatal,
  });
  const clock = handClock(5_000_000);
  const audit = sampleAudit(clock);
  const recorder = new Recorder({ nodeId: 'node-a', log, clock, logger, audit });
  recorder.counts.start(listener, { open: 0, total: 0 });
  return { recorder, store, logger, history: store.database.history };
}

function opened(number: number): WorkerRecord {
  return { kind: 'opened', connection: sampleConnection({ id: sampleId(number) }) };
}

function counters(number: number, bytes: number): WorkerRecord {
  const id = sampleId(number);
  return {
    kind: 'counters',
    connection: { id, bytesIn: bytes, bytesOut: bytes - 1, firstByteAt: 7, lastByteAt: 7 },
  };
}

function halfClosed(number: number): WorkerRecord {
  const id = sampleId(number);
  const connection = {
    id,
    halfClosedAt: 8,
    bytesIn: 5,
    bytesOut: 4,
    firstByteAt: 7,
    lastByteAt: 7,
  };
  return { kind: 'half_closed', connection };
}

function closed(number: number, halfClosedAt: number | null = null): WorkerRecord {
  const end = { closeInitiator: 'peer', closeReason: 'peer_fin', error: null } as const;
  const count = { id: sampleId(number), bytesIn: 6, bytesOut: 6, firstByteAt: 7, lastByteAt: 7 };
  return { kind: 'closed', connection: { closedAt: 9, halfClosedAt, ...end, ...count } };
}

test('each step becomes an event that holds the connection as it was at that step', async () => {
  const { recorder, history } = await makeRecorder();
  await recorder.record(workerId, [opened(1), counters(1, 3), halfClosed(1), closed(1, 8)]);
  const connection = sampleConnection({ id: sampleId(1) });
  const half = { state: 'half_closed', halfClosedAt: 8, firstByteAt: 7, lastByteAt: 7 };
  expect(history).toMatchObject([
    { type: 'connection_opened', time: connection.acceptedAt, connection },
    { type: 'connection_half_closed', time: 8, connection: { ...half, bytesIn: 5, bytesOut: 4 } },
    {
      type: 'connection_closed',
      time: 9,
      connection: {
        state: 'closed',
        halfClosedAt: 8,
        closedAt: 9,
        bytesIn: 6,
        bytesOut: 6,
        closeInitiator: 'peer',
        closeReason: 'peer_fin',
      },
    },
  ]);
});

test('it answers once all is committed', async () => {
  const { recorder, store, history } = await makeRecorder();
  const gate = Promise.withResolvers<void>();
  store.faults.push({ begin: gate.promise });
  let isDone = false;
  const recorded = recorder.record(workerId, [opened(1)]).then(() => {
    isDone = true;
  });
  await waitFor('the append', () => store.appends.length === 1);
  expect([isDone, history.length]).toEqual([false, 0]);
  gate.resolve();
  await recorded;
  expect(history).toHaveLength(1);
});

test('counters change the record, and are no event', async () => {
  const { recorder, store, history } = await makeRecorder();
  await recorder.record(workerId, [opened(1)]);
  await recorder.record(workerId, [counters(1, 10)]);
  expect(history).toHaveLength(1);
  expect(await store.connections.find(sampleId(1))).toMatchObject({ bytesIn: 10, bytesOut: 9 });
  expect(recorder.bytes).toEqual({ in: 10, out: 9 });
  await recorder.record(workerId, [closed(1)]);
  expect(recorder.bytes).toEqual({ in: 6, out: 6 });
});

test('a record of a connection that is not open is logged, and is no event', async () => {
  const { recorder, logger, history } = await makeRecorder();
  await recorder.record(workerId, [closed(1), halfClosed(2), counters(3, 1)]);
  await recorder.record(workerId, [opened(1), closed(1), closed(1)]);
  expect(history.map(({ type }) => type)).toEqual(['connection_opened', 'connection_closed']);
  expect(logger.lines.filter(({ level }) => level === 'error')).toHaveLength(4);
});

test('a worker’s record of a connection that another has open is one that is not open', async () => {
  const { recorder, logger, history } = await makeRecorder();
  await recorder.record(workerId, [opened(1)]);
  await recorder.record('worker-2', [counters(1, 3), closed(1)]);
  expect(history.map(({ type }) => type)).toEqual(['connection_opened']);
  expect(logger.lines.filter(({ level }) => level === 'error')).toHaveLength(2);
  expect([recorder.workerOf(sampleId(1)), recorder.bytes.in]).toEqual([workerId, 0]);
});

test('a refusal is an event without a connection', async () => {
  const { recorder, history } = await makeRecorder();
  const { laddr, raddr } = sampleConnection();
  const refusal = { protocol: 'tcp', laddr, raddr, rule: 'accept_rate', count: 3 } as const;
  await recorder.record(workerId, [{ kind: 'refused', at: 4, listenerId, refusal }]);
  expect(history).toMatchObject([{ type: 'connection_refused', time: 4, listenerId, refusal }]);
  expect(recorder.counts.of(listenerId)).toEqual({ open: 0, total: 0 });
});

test('it counts what is open and what ever was, listener by listener', async () => {
  const { recorder } = await makeRecorder();
  await recorder.record(workerId, [opened(1), opened(2), closed(1)]);
  expect(recorder.counts.of(listenerId)).toEqual({ open: 1, total: 2 });
  expect(recorder.openConnections).toBe(1);
  recorder.counts.end(listenerId);
  expect(recorder.counts.of(listenerId)).toEqual({ open: 0, total: 0 });
  await recorder.record(workerId, [closed(2)]);
  expect(recorder.counts.of(listenerId)).toEqual({ open: 0, total: 0 });
});

test('a lost worker’s connections are closed as worker_crashed, and no others', async () => {
  const { recorder, history } = await makeRecorder();
  await recorder.record(workerId, [opened(1)]);
  // It has the same pid: it took the place of the other, or runs on another host.
  await recorder.record('worker-2', [opened(2)]);
  await recorder.record(workerId, [opened(3), counters(3, 4)]);
  await recorder.workerLost(workerId);
  const ends = history.slice(3);
  expect(ends).toMatchObject(
    [1, 3].map((number) => ({
      type: 'connection_closed',
      time: 5_000_000,
      connection: {
        id: sampleId(number),
        closeInitiator: 'system',
        closeReason: 'worker_crashed',
        bytesIn: number === 3 ? 4 : 0,
      },
    })),
  );
  expect(recorder.counts.of(listenerId)).toEqual({ open: 1, total: 3 });
  await recorder.workerLost(workerId);
  expect(history).toHaveLength(5);
});

test('what a client waits for does not gather', async () => {
  const { recorder, history } = await makeRecorder(undefined, { gatherMs: 86_400_000 });
  await recorder.record(workerId, [opened(1)]);
  const gathering = recorder.record(workerId, [opened(2)]);
  expect(history).toHaveLength(1);
  await recorder.record(workerId, [opened(3)], true);
  await gathering;
  expect(history).toHaveLength(3);
});

test('thousands that a worker had open are closed in pieces', async () => {
  const sizes: number[] = [];
  class MeasuringStore extends MemoryStore {
    override judge = (append: Append) => {
      sizes.push(eventsOf(append).length);
      return null;
    };
  }
  const { recorder, history } = await makeRecorder(new MeasuringStore());
  const count = 2500;
  await recorder.record(
    workerId,
    Array.from({ length: count }, (_, number) => opened(number)),
  );
  sizes.length = 0;
  await recorder.workerLost(workerId);
  expect(history).toHaveLength(2 * count);
  expect(Math.max(...sizes)).toBeLessThanOrEqual(1000);
});

test('what an earlier run left open is closed as interrupted', async () => {
  const { recorder, history } = await makeRecorder();
  recorder.counts.start(listener, { open: 1, total: 9 });
  await recorder.closeInterrupted(defaultProject, [
    sampleConnection({ state: 'half_closed', halfClosedAt: 3 }),
  ]);
  expect(history).toMatchObject([
    { connection: { state: 'closed', halfClosedAt: 3, closeReason: 'interrupted' } },
  ]);
  expect(recorder.counts.of(listenerId)).toEqual({ open: 0, total: 9 });
  await recorder.closeInterrupted(defaultProject, []);
  expect(history).toHaveLength(1);
});

test('who waits for a close is told when it is committed, not before', async () => {
  const { recorder, store } = await makeRecorder();
  await recorder.record(workerId, [opened(1)]);
  const told: string[] = [];
  const wait = (name: string) =>
    recorder.closed(sampleId(1), never).then(() => {
      told.push(name);
    });
  const early = wait('early');
  const gate = Promise.withResolvers<void>();
  store.faults.push({ begin: gate.promise });
  const recorded = recorder.record(workerId, [closed(1)]);
  await waitFor('the append', () => store.appends.length === 2);
  const late = wait('late');
  await new Promise((next) => setImmediate(next));
  expect(told).toEqual([]);
  gate.resolve();
  await Promise.all([recorded, early, late]);
  expect(told).toEqual(['early', 'late']);
  expect(await store.connections.find(sampleId(1))).toMatchObject({ state: 'closed' });
});

test('who waits for what is not open, or no longer wants to, does not wait', async () => {
  const { recorder } = await makeRecorder();
  await recorder.closed(sampleId(9), never);
  await recorder.record(workerId, [opened(1)]);
  await recorder.closed(sampleId(1), AbortSignal.abort());
  const leave = new AbortController();
  const waiting = recorder.closed(sampleId(1), leave.signal);
  leave.abort();
  await waiting;
  await recorder.record(workerId, [closed(1)]);
  await recorder.closed(sampleId(1), never);
});

test('each connection has one opened and one closed event, however its records and a crash fall', async () => {
  const worker = fc.constantFrom('worker-1', 'worker-2');
  const step = fc.oneof(
    fc.record({ kind: fc.constant('open' as const), worker }),
    fc.record({ kind: fc.constant('close' as const), which: fc.nat({ max: 9 }) }),
    fc.record({ kind: fc.constant('half' as const), which: fc.nat({ max: 9 }) }),
    fc.record({ kind: fc.constant('crash' as const), worker }),
    fc.record({ kind: fc.constant('fail' as const), fails: fc.constantFrom('before', 'after') }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const { recorder, store, history } = await makeRecorder();
      const work: Promise<void>[] = [];
      let count = 0;
      const workerOf: string[] = [];
      const report = (number: number, record: WorkerRecord) =>
        work.push(recorder.record(workerOf[number] ?? 'worker-1', [record]));
      for (const one of steps) {
        if (one.kind === 'open') {
          count += 1;
          workerOf[count] = one.worker;
          report(count, opened(count));
        } else if (one.kind === 'close') report(one.which, closed(one.which));
        else if (one.kind === 'half') report(one.which, halfClosed(one.which));
        else if (one.kind === 'crash') work.push(recorder.workerLost(one.worker));
        else store.faults.push({ fails: one.fails === 'before' ? 'before' : 'after' });
      }
      work.push(recorder.workerLost('worker-1'), recorder.workerLost('worker-2'));
      await Promise.all(work);
      for (let number = 1; number <= count; number += 1) {
        const own = history.filter(
          (event) => 'connection' in event && event.connection.id === sampleId(number),
        );
        const types = own.map(({ type }) => type);
        expect([types[0], types.at(-1)]).toEqual(['connection_opened', 'connection_closed']);
        expect(types.filter((type) => type !== 'connection_half_closed')).toHaveLength(2);
      }
      expect(recorder.counts.of(listenerId)).toEqual({ open: 0, total: count });
    }),
    { numRuns: 50 },
  );
});
