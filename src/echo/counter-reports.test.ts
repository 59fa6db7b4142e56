import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { sampleId } from '../../test/support/samples.ts';
import { CounterReports } from './counter-reports.ts';
import type { Report } from './messages.ts';
import { OpenConnections } from './open-connections.ts';
import { RecordQueue } from './record-queue.ts';

function makeReports({ pieceMax = 10, unackedMax = 40 } = {}) {
  const connections = new OpenConnections();
  const sent: (Report & { kind: 'records' })[] = [];
  const records = new RecordQueue({
    send: (report) => {
      if (report.kind === 'records') sent.push(report);
    },
    batchMax: 5,
    unackedMax,
    onFull: () => undefined,
  });
  const asked: string[] = [];
  const add = (number: number) => {
    let [bytesIn, told] = [0, 0];
    const id = sampleId(number);
    const connection = {
      id,
      set bytesIn(count: number) {
        bytesIn = count;
        connections.onMoved(id);
      },
      movedCounters() {
        asked.push(id);
        if (bytesIn === told) return null;
        told = bytesIn;
        const counters = {
          id,
          bytesIn,
          bytesOut: 0,
          firstByteAt: null,
          lastByteAt: null,
        };
        return { kind: 'counters', connection: counters } as const;
      },
      close: () => undefined,
    };
    connections.set(id, connection);
    return connection;
  };
  let committed = 0;
  return {
    connections,
    records,
    add,
    reports: new CounterReports({ connections, records, pieceMax }),
    told: () => sent.flatMap(({ rows }) => rows).length,
    /** The ids of those whose counters were asked for since. */
    asked: () => asked.splice(0),
    async commitAll() {
      await nextTurn();
      for (let batch = sent[committed]; batch !== undefined; batch = sent[committed]) {
        committed += 1;
        records.committed(batch.batch);
        await nextTurn();
      }
    },
  };
}

test('each that has moved is told once a round, however many there are', async () => {
  const { reports, add, told, commitAll } = makeReports();
  const all = Array.from({ length: 73 }, (_, n) => add(n));
  reports.tell();
  await commitAll();
  expect(told()).toBe(0);
  for (const [n, connection] of all.entries()) if (n % 2 === 0) connection.bytesIn = 1;
  reports.tell();
  await commitAll();
  expect(told()).toBe(37);
  reports.tell();
  await commitAll();
  expect(told()).toBe(37);
});

test('they never fill the queue, and a round that waits is not begun again', async () => {
  const { reports, add, told, commitAll, records } = makeReports();
  for (let n = 0; n < 200; n++) add(n).bytesIn = 1;
  for (let n = 0; n < 5; n++) reports.tell();
  expect(records.isFull).toBe(false);
  await nextTurn();
  expect(told()).toBeLessThanOrEqual(10);
  await commitAll();
  expect(told()).toBe(200);
});

test('they are told also while other records are on their way, and not while these have no room', async () => {
  const { reports, add, told, commitAll, records } = makeReports({ unackedMax: 20 });
  const connection = add(1);
  const push = (count: number) => {
    const counters = { bytesIn: 0, bytesOut: 0, firstByteAt: null, lastByteAt: null };
    for (let n = 0; n < count; n++) {
      const connection = { id: sampleId(1000 + n), halfClosedAt: n, ...counters };
      records.push({ kind: 'half_closed', connection });
    }
  };
  push(10);
  connection.bytesIn = 1;
  reports.tell();
  push(9);
  expect(records.isFull).toBe(true);
  connection.bytesIn = 2;
  reports.tell();
  await commitAll();
  expect(told()).toBe(20);
  reports.tell();
  await commitAll();
  expect(told()).toBe(21);
});

test('the first bytes of a connection are told soon, once, and the next ones with the round', async () => {
  const { reports, add, told, commitAll } = makeReports();
  const [first, silent] = [add(1), add(2)];
  first.bytesIn = 5;
  reports.tellFirst();
  await commitAll();
  expect(told()).toBe(0);
  reports.tellFirst();
  await commitAll();
  expect(told()).toBe(1);
  first.bytesIn = 9;
  silent.bytesIn = 1;
  reports.tellFirst();
  await commitAll();
  expect(told()).toBe(2);
  reports.tell();
  await commitAll();
  expect(told()).toBe(3);
});

test('a connection that is soon over tells nothing before its end', async () => {
  const { reports, add, told, commitAll, connections } = makeReports();
  for (let n = 0; n < 1000; n += 1) {
    const connection = add(n);
    connection.bytesIn = 1;
    // One moment passes in the life of every tenth.
    if (n % 10 === 0) reports.tellFirst();
    connections.delete(connection.id);
  }
  expect(connections.takeMoved().size).toBe(0);
  for (let n = 0; n < 3; n += 1) reports.tellFirst();
  await commitAll();
  expect(told()).toBe(0);
});

test('first counters that have no room are told as soon as there is some', async () => {
  const { reports, add, told, commitAll, records } = makeReports({ unackedMax: 3 });
  const connection = add(1);
  reports.tellFirst();
  connection.bytesIn = 1;
  const counters = { bytesIn: 0, bytesOut: 0, firstByteAt: null, lastByteAt: null };
  for (let n = 0; n < 3; n += 1) {
    const other = { id: sampleId(1000 + n), halfClosedAt: n, ...counters };
    records.push({ kind: 'half_closed', connection: other });
  }
  expect(records.isFull).toBe(true);
  reports.tellFirst();
  await commitAll();
  expect(told()).toBe(3);
  reports.tellFirst();
  await commitAll();
  expect(told()).toBe(4);
});

test('who was told of in a round is not looked at again for first bytes', async () => {
  const { reports, add, told, asked, commitAll } = makeReports();
  const connection = add(1);
  connection.bytesIn = 1;
  reports.tell();
  connection.bytesIn = 2;
  expect(asked()).toHaveLength(1);
  for (let n = 0; n < 3; n += 1) reports.tellFirst();
  await commitAll();
  expect(told()).toBe(1);
  expect(asked()).toEqual([]);
});

test('who is quiet is not asked, however many there are', async () => {
  const { reports, add, told, asked, commitAll } = makeReports();
  const all = Array.from({ length: 1000 }, (_, n) => add(n));
  reports.tellFirst();
  for (const connection of all.slice(0, 5)) connection.bytesIn = 1;
  reports.tellFirst();
  await commitAll();
  for (const connection of all.slice(3, 8)) connection.bytesIn = 2;
  reports.tell();
  await commitAll();
  for (let n = 0; n < 5; n += 1) {
    reports.tellFirst();
    reports.tell();
  }
  await commitAll();
  expect(told()).toBe(10);
  expect(asked()).toHaveLength(10);
});

test('of many first counters a piece is told each time, and all in their turn', async () => {
  const { reports, add, told, commitAll, records } = makeReports({ pieceMax: 10 });
  const all = Array.from({ length: 95 }, (_, n) => add(n));
  reports.tellFirst();
  for (const connection of all) connection.bytesIn = 1;
  reports.tellFirst();
  reports.tellFirst();
  expect(records.isFull).toBe(false);
  await commitAll();
  expect(told()).toBe(10);
  for (let n = 0; n < 9; n += 1) {
    reports.tellFirst();
    await commitAll();
  }
  expect(told()).toBe(95);
});
