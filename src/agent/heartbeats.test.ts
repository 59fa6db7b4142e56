import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Heartbeats } from './heartbeats.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const limits = { leaseTimeoutMs: 15_000, unstoredTimeoutMs: 10_000 };

function begin(mayLeave = true) {
  let at = 0;
  const sent: number[] = [];
  const leases: number[] = [];
  const givenUp: [string, boolean][] = [];
  const heartbeats = new Heartbeats({
    ...{ everyMs: 5000, limits, mayLeave, monotonic: () => at * 1000 },
    beat: (number) => void sent.push(number),
    onLease: (askedAt) => void leases.push(askedAt),
    onGiveUp: (reason, isUnstored) => void givenUp.push([reason, isUnstored]),
  });
  const pass = (ms: number) => {
    at += ms;
    vi.advanceTimersByTime(ms);
  };
  const answer = (number: number, stored = true) =>
    heartbeats.take({ kind: 'lease', number, stored, serverTime: 0, lostAfterMs: 0 });
  return { sent, leases, givenUp, pass, answer };
}

test('it tells at once and then every so often, and an answer counts from when it was asked', () => {
  const { sent, leases, pass, answer } = begin();
  expect(sent).toEqual([1]);
  pass(5000);
  pass(5000);
  expect(sent).toEqual([1, 2, 3]);
  expect(answer(2)).toBe(true);
  expect(leases).toEqual([5_000_000]);
  expect([answer(2), answer(9)]).toEqual([false, false]);
});

test('who says nothing for too long is given up', () => {
  const { givenUp, pass, answer } = begin();
  for (let number = 1; number <= 4; number += 1) {
    pass(5000);
    answer(number);
  }
  pass(5000);
  pass(5000);
  expect(givenUp).toEqual([]);
  pass(5000);
  expect(givenUp).toEqual([['the replica says nothing', false]]);
});

test('so is who can write nothing, unless there was another one before', () => {
  const [leaving, staying] = [begin(true), begin(false)];
  for (const { pass, answer } of [leaving, staying]) {
    for (let number = 1; number <= 4; number += 1) {
      answer(number, false);
      pass(5000);
    }
  }
  expect(leaving.givenUp[0]).toEqual(['the replica has no database', true]);
  expect(staying.givenUp).toEqual([]);
});
