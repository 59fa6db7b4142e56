import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { CloseReason } from '../core/connection.ts';
import { ConnectionLease } from './connection-lease.ts';
import { workerClock } from './worker-clock.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const second = 1_000_000;

function leased() {
  let at = 0;
  const ended: [string, CloseReason][] = [];
  const connections = new Map(
    ['one', 'two'].map((id) => [
      id,
      {
        movedCounters: () => null,
        close: (mode: 'fin' | 'rst', _by: unknown, reason: CloseReason) =>
          void ended.push([`${id} ${mode}`, reason]),
      },
    ]),
  );
  const clock = { ...workerClock(), monotonic: () => at };
  const pass = (ms: number) => {
    at += ms * 1000;
    vi.advanceTimersByTime(ms);
  };
  const lease = new ConnectionLease(connections, clock);
  const extend = (until: number) => lease.take({ clockOffset: 0, until });
  /** No timer comes meanwhile. */
  const freeze = (ms: number) => {
    at += ms * 1000;
  };
  return { extend, ended, pass, freeze };
}

const allLost = [
  ['one rst', 'node_lost'],
  ['two rst', 'node_lost'],
];

test('connections end when nobody extends it, and not before', () => {
  const { extend, ended, pass } = leased();
  extend(10 * second);
  pass(9000);
  extend(20 * second);
  pass(10_999);
  expect(ended).toEqual([]);
  pass(1);
  expect(ended).toEqual(allLost);
});

test('what is over when it is told ends at once', () => {
  const { extend, ended, freeze } = leased();
  extend(10 * second);
  freeze(60_000);
  extend(20 * second);
  expect(ended).toEqual(allLost);
});

test('the time of day is the one that is told, and never goes back', () => {
  const { monotonic, now, goBy } = workerClock();
  const hour = 3600 * second;
  goBy(hour);
  const first = now();
  expect(first - monotonic()).toBeGreaterThan(hour - second);
  goBy(-hour);
  expect(now()).toBe(first);
  goBy(2 * hour);
  expect(now()).toBeGreaterThan(first + hour / 2);
});
