import { expect, test } from 'vitest';
import { ConnectionProgress } from './connection-progress.ts';
import type { WorkerClock } from './worker-clock.ts';

test('the first and last byte are told as they are known, in either direction', () => {
  let now = 10;
  const clock: WorkerClock = { now: () => now, monotonic: () => now };
  const progress = new ConnectionProgress('id', null);
  expect(progress.moved(0, false)).toBeNull();
  progress.sent(clock);
  expect(progress.moved(5, false)?.connection).toMatchObject({ firstByteAt: null, lastByteAt: 10 });
  now = 20;
  progress.received(clock);
  progress.readBytes += 3;
  expect(progress.moved(5, false)?.connection).toMatchObject({ firstByteAt: 20, lastByteAt: 20 });
  now = 30;
  progress.received(clock);
  now = 40;
  progress.sent(clock);
  const end = { at: 50, initiator: 'peer', reason: 'peer_fin', error: null, bytesOut: 8 } as const;
  expect(progress.closed(end)).toMatchObject({ connection: { firstByteAt: 20, lastByteAt: 40 } });
});

test('that it has moved is told once until it is asked, and again while bytes wait to leave', () => {
  const clock: WorkerClock = { now: () => 1, monotonic: () => 1 };
  const told: string[] = [];
  const progress = new ConnectionProgress('id', { onMoved: (id) => void told.push(id) });
  const since = () => told.splice(0);
  expect(since()).toEqual([]);
  progress.received(clock);
  progress.received(clock);
  progress.sent(clock);
  expect(since()).toEqual(['id']);
  progress.moved(0, false);
  expect(since()).toEqual([]);
  progress.sent(clock);
  expect(since()).toEqual(['id']);
  progress.moved(0, true);
  expect(since()).toEqual(['id']);
  expect(progress.moved(1, false)).not.toBeNull();
  expect(since()).toEqual([]);
});
