import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sampleId } from '../../test/support/samples.ts';
import type { WorkerRecord } from '../core/record.ts';
import type { Report } from './messages.ts';
import { RecordQueue } from './record-queue.ts';
import { fromRows } from './record-rows.ts';

function makeQueue({ batchMax = 3, unackedMax = 8 } = {}) {
  const sent: { batch: number; ids: number[] }[] = [];
  const full: boolean[] = [];
  const queue = new RecordQueue({
    send: (report: Report) => {
      if (report.kind !== 'records') throw new TypeError('records');
      const ids = fromRows(report.rows).map((record) => {
        if (record.kind !== 'counters') throw new TypeError('counters');
        return record.connection.bytesIn;
      });
      sent.push({ batch: report.batch, ids });
    },
    batchMax,
    unackedMax,
    onFull: (isFull) => full.push(isFull),
  });
  return { queue, sent, full };
}

const recordOf = (number: number): WorkerRecord => ({
  kind: 'counters',
  connection: {
    id: sampleId(number),
    bytesIn: number,
    bytesOut: 0,
    firstByteAt: null,
    lastByteAt: null,
  },
});

test('what comes in one turn goes in one batch, at its end', async () => {
  const { queue, sent } = makeQueue();
  queue.push(recordOf(1));
  queue.push(recordOf(2));
  expect(sent).toEqual([]);
  await nextTurn();
  expect(sent).toEqual([{ batch: 1, ids: [1, 2] }]);
});

test('two batches are on their way at most, and the next gathers meanwhile', async () => {
  const { queue, sent } = makeQueue();
  for (let n = 1; n <= 7; n++) queue.push(recordOf(n));
  await nextTurn();
  queue.push(recordOf(8));
  await nextTurn();
  expect(sent.map(({ ids }) => ids)).toEqual([
    [1, 2, 3],
    [4, 5, 6],
  ]);
  queue.committed(2);
  expect(sent.at(-1)).toEqual({ batch: 3, ids: [7, 8] });
});

test('it is full at its mark and has room again at half of it', async () => {
  const { queue, full } = makeQueue();
  for (let n = 1; n <= 7; n++) queue.push(recordOf(n));
  expect(queue.isFull).toBe(false);
  queue.push(recordOf(8));
  queue.push(recordOf(9));
  expect([queue.isFull, full]).toEqual([true, [true]]);
  await nextTurn();
  queue.committed(1);
  expect(queue.isFull).toBe(true);
  queue.committed(2);
  expect([queue.isFull, full]).toEqual([false, [true, false]]);
});

test('who waits is told when its own record is committed, and not before', async () => {
  const { queue } = makeQueue();
  const told: number[] = [];
  for (let n = 1; n <= 5; n++) {
    queue.push(recordOf(n));
    queue.whenCommitted(() => told.push(n));
  }
  await nextTurn();
  expect(told).toEqual([]);
  queue.committed(2);
  expect(told).toEqual([4, 5]);
  queue.committed(1);
  expect(told).toEqual([4, 5, 1, 2, 3]);
});

test('a batch says whether somebody waits for it', async () => {
  const said: (boolean | undefined)[] = [];
  const queue = new RecordQueue({
    send: (report) => said.push(report.kind === 'records' && report.isAwaited),
    ...{ batchMax: 1, unackedMax: 8, onFull: () => undefined },
  });
  queue.push(recordOf(1));
  queue.whenCommitted(() => undefined);
  queue.push(recordOf(2));
  await nextTurn();
  expect(said).toEqual([true, undefined]);
});

test('all that is pending can be sent at once, before an answer', () => {
  const { queue, sent } = makeQueue();
  for (let n = 1; n <= 10; n++) queue.push(recordOf(n));
  queue.flushAll();
  expect(sent.flatMap(({ ids }) => ids)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  for (const { batch } of [...sent]) queue.committed(batch);
  expect(queue.isFull).toBe(false);
});

test('a commit of what was never sent is a bug, and says so', () => {
  expect(() => makeQueue().queue.committed(1)).toThrow('not on its way');
});

test('whatever the order of commits, every record is sent once, in order, and every wait ends', async () => {
  const steps = fc.array(
    fc.oneof(
      fc.record({ kind: fc.constant('push' as const), count: fc.integer({ min: 1, max: 9 }) }),
      fc.record({ kind: fc.constant('commit' as const), at: fc.nat() }),
      fc.constant({ kind: 'turn' as const }),
      fc.constant({ kind: 'flush' as const }),
    ),
    { maxLength: 60 },
  );
  await fc.assert(
    fc.asyncProperty(steps, async (all) => {
      const { queue, sent, full } = makeQueue();
      const inFlight = () => sent.filter(({ batch }) => !committed.has(batch));
      const committed = new Set<number>();
      let pushed = 0;
      let told = 0;
      const commit = (at: number) => {
        const waiting = inFlight();
        const one = waiting[at % Math.max(1, waiting.length)];
        if (one === undefined) return;
        committed.add(one.batch);
        queue.committed(one.batch);
      };
      for (const step of all) {
        if (step.kind === 'turn') await nextTurn();
        else if (step.kind === 'flush') queue.flushAll();
        else if (step.kind === 'commit') commit(step.at);
        else {
          for (let n = 0; n < step.count; n++) queue.push(recordOf(++pushed));
          queue.whenCommitted(() => {
            told += 1;
          });
        }
      }
      await nextTurn();
      while (inFlight().length > 0) commit(0);
      const ids = sent.flatMap((batch) => batch.ids);
      expect(ids).toEqual(Array.from({ length: pushed }, (_, index) => index + 1));
      expect(told).toBe(all.filter(({ kind }) => kind === 'push').length);
      expect(queue.isFull).toBe(false);
      expect(full.filter(Boolean).length).toBe(full.length / 2);
    }),
  );
});
