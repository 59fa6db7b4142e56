import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { CloseReason } from '../../core/connection.ts';
import { workerClock } from '../worker-clock.ts';
import { hasTimeLimit, LimitTimer, type TimeLimits } from './limit-timer.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const none: TimeLimits = { idleTimeoutMs: null, maxDurationMs: null, writeTimeoutMs: null };

function makeTimer(limits: Partial<TimeLimits>) {
  const due: CloseReason[] = [];
  const transport = { bytesWritten: 0, pendingBytes: 0 };
  const clock = workerClock();
  const timer = new LimitTimer({
    clock,
    limits: { ...none, ...limits },
    since: clock.monotonic(),
    transport,
    onDue: (reason) => due.push(reason),
  });
  return { timer, due, transport };
}

test('without limits of time there is nothing to wait for', () => {
  expect(hasTimeLimit(none)).toBe(false);
  for (const key of ['idleTimeoutMs', 'maxDurationMs', 'writeTimeoutMs'] as const) {
    expect(hasTimeLimit({ ...none, [key]: 1 })).toBe(true);
  }
});

test('idle is counted from the last byte, and told once', () => {
  const { timer, due } = makeTimer({ idleTimeoutMs: 100 });
  for (let n = 0; n < 10; n++) {
    vi.advanceTimersByTime(90);
    timer.moved();
  }
  expect(due).toEqual([]);
  vi.advanceTimersByTime(99);
  expect(due).toEqual([]);
  vi.advanceTimersByTime(2);
  expect(due).toEqual(['idle_timeout']);
  vi.advanceTimersByTime(1000);
  expect(due).toHaveLength(1);
  expect(vi.getTimerCount()).toBe(0);
});

test('the whole time ends it however busy it is, and before idle where both are due', () => {
  const { timer, due } = makeTimer({ maxDurationMs: 300, idleTimeoutMs: 300 });
  vi.advanceTimersByTime(301);
  expect(due).toEqual(['max_duration']);
  timer.stop();
});

test('a client that takes a little starts the time anew; one that takes nothing is over', () => {
  const { timer, due, transport } = makeTimer({ writeTimeoutMs: 400 });
  vi.advanceTimersByTime(10_000);
  timer.blocked();
  for (let n = 0; n < 10; n++) {
    vi.advanceTimersByTime(390);
    transport.bytesWritten += 1;
  }
  expect(due).toEqual([]);
  timer.blocked();
  vi.advanceTimersByTime(501);
  expect(due).toEqual(['write_timeout']);
});

test('what was taken in time ends the wait', () => {
  const { timer, due } = makeTimer({ writeTimeoutMs: 400 });
  timer.blocked();
  vi.advanceTimersByTime(399);
  timer.drained();
  vi.advanceTimersByTime(10_000);
  expect(due).toEqual([]);
  timer.stop();
  expect(vi.getTimerCount()).toBe(0);
});

test('a client that takes its bytes slowly is not idle', () => {
  const { timer, due, transport } = makeTimer({ idleTimeoutMs: 200, writeTimeoutMs: 100 });
  timer.blocked();
  for (let n = 0; n < 20; n++) {
    vi.advanceTimersByTime(50);
    transport.bytesWritten += 1;
  }
  expect(due).toEqual([]);
  timer.stop();
});

test('a change of the limits forgets neither the last byte nor the write that waits', () => {
  const { timer, due } = makeTimer({ idleTimeoutMs: 1000, writeTimeoutMs: 400 });
  timer.blocked();
  for (let passed = 0; passed < 300; passed += 100) {
    vi.advanceTimersByTime(100);
    timer.update({
      ...none,
      idleTimeoutMs: 1000,
      writeTimeoutMs: 400,
      maxDurationMs: 1e6 + passed,
    });
  }
  expect(due).toEqual([]);
  vi.advanceTimersByTime(101);
  expect(due).toEqual(['write_timeout']);
  const idle = makeTimer({ idleTimeoutMs: 1000 });
  for (const idleTimeoutMs of [1000, 900, 800]) {
    vi.advanceTimersByTime(250);
    idle.timer.update({ ...none, idleTimeoutMs });
  }
  expect(idle.due).toEqual([]);
  vi.advanceTimersByTime(51);
  expect(idle.due).toEqual(['idle_timeout']);
});

test('what waits already when its limit comes is waited for from then on', () => {
  const { timer, due, transport } = makeTimer({ idleTimeoutMs: 5000 });
  transport.pendingBytes = 10;
  timer.blocked();
  vi.advanceTimersByTime(1000);
  timer.update({ ...none, idleTimeoutMs: 5000, writeTimeoutMs: 400 });
  vi.advanceTimersByTime(399);
  expect(due).toEqual([]);
  vi.advanceTimersByTime(2);
  expect(due).toEqual(['write_timeout']);
});

test('a time longer than any timer holds is waited for all the same', () => {
  const month = 30 * 86_400_000;
  const { due } = makeTimer({ maxDurationMs: month });
  vi.advanceTimersByTime(month - 1000);
  expect(due).toEqual([]);
  vi.advanceTimersByTime(1001);
  expect(due).toEqual(['max_duration']);
});
