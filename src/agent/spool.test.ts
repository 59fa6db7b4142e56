import { expect, test } from 'vitest';
import { sampleId } from '../../test/support/samples.ts';
import { passed } from '../../test/support/wait-for.ts';
import type { WorkerRecord } from '../core/record.ts';
import { readRows } from '../wire/record-frames.ts';
import { Spool } from './spool.ts';

const limits = { frameRecordsMax: 4, frameBytesMax: 100_000, spoolRecordsMax: 8, spoolSlowMs: 1 };
let made = 0;

function some(count: number): readonly WorkerRecord[] {
  return Array.from({ length: count }, () => {
    made += 1;
    const counters = { bytesIn: made, bytesOut: 0, firstByteAt: null, lastByteAt: null };
    return { kind: 'counters', connection: { id: sampleId(made), ...counters } };
  });
}

/** What it sends, until it has nothing to send: the first number, and the records. */
function taken(spool: Spool) {
  const frames: [number, readonly WorkerRecord[]][] = [];
  for (let frame = spool.take(); frame !== null; frame = spool.take()) {
    frames.push([frame.first, readRows(frame.rows, limits)]);
  }
  return frames;
}

/** Whether it has resolved by now. */
async function isDone(promise: Promise<void>): Promise<boolean> {
  return await Promise.race([promise.then(() => true), Promise.resolve(false)]);
}

test('batches go in full frames, numbered in a row', async () => {
  const spool = new Spool({ ...limits, spoolRecordsMax: 1000 });
  const batches = [some(1), some(2), some(3), some(9), some(1)];
  for (const batch of batches) await spool.push(batch, false);
  const frames = taken(spool);
  expect(frames.flatMap(([, records]) => records)).toEqual(batches.flat());
  let next = 1;
  for (const [first, records] of frames) {
    expect(first).toBe(next);
    expect(records.length).toBeLessThanOrEqual(limits.frameRecordsMax);
    next += records.length;
  }
  expect(frames.length).toBeLessThan(7);
  expect([spool.last, spool.sent, spool.size]).toEqual([16, 16, 16]);
});

test('what is too large for a frame goes in several', async () => {
  const spool = new Spool({ ...limits, frameRecordsMax: 1000, frameBytesMax: 400 });
  const batch = some(7);
  void spool.push(batch, false);
  const frames = taken(spool);
  expect(frames.length).toBeGreaterThan(1);
  expect(frames.flatMap(([, records]) => records)).toEqual(batch);
});

test('the next session sends again what is not on record, under the same numbers', async () => {
  const spool = new Spool({ ...limits, spoolRecordsMax: 1000 });
  for (let n = 0; n < 5; n += 1) await spool.push(some(3), false);
  const before = taken(spool);
  expect(spool.take()).toBeNull();
  spool.committed(6);
  expect([spool.size, spool.sent]).toEqual([9, 15]);
  spool.rewind();
  expect(spool.sent).toBe(6);
  const again = taken(spool);
  expect(again).toEqual(before.filter(([first]) => first > 6));
  expect(again[0]?.[0]).toBe(7);
  spool.committed(15);
  spool.rewind();
  expect(spool.take()).toBeNull();
  expect(spool.size).toBe(0);
});

test('a batch that a client waits for is done when it is on record, and is marked so', async () => {
  const spool = new Spool(limits);
  await spool.push(some(1), false);
  const awaited = spool.push(some(1), true);
  expect(spool.take()).toMatchObject({ isAwaited: true });
  spool.committed(1);
  expect(await isDone(awaited)).toBe(false);
  spool.committed(2);
  await awaited;
});

test('a full one holds the workers back, until there is room', async () => {
  const spool = new Spool(limits);
  for (let n = 0; n < 5; n += 1) await spool.push(some(1), false);
  // From three quarters on at a pace.
  await spool.push(some(1), false);
  const waiting = [spool.push(some(2), false), spool.push(some(2), false)];
  expect(spool.size).toBe(10);
  await passed(20 * limits.spoolSlowMs);
  expect(await Promise.all(waiting.map(isDone))).toEqual([false, false]);
  taken(spool);
  spool.committed(5);
  await Promise.all(waiting);
  expect(spool.size).toBe(5);
});

test('it is drained when all is on record, or given up: then nobody waits', async () => {
  const spool = new Spool(limits);
  await spool.drained();
  await spool.push(some(2), false);
  const drained = spool.drained();
  expect(await isDone(drained)).toBe(false);
  taken(spool);
  spool.committed(2);
  await drained;
  const waits = [spool.push(some(1), true), spool.drained()];
  expect(await Promise.all(waits.map(isDone))).toEqual([false, false]);
  spool.giveUp();
  await Promise.all([...waits, spool.push(some(1), true), spool.drained()]);
  expect(spool.size).toBe(2);
});
