import { expect, test } from 'vitest';
import { faultOf } from '../../../test/support/fault-bench.ts';
import { long } from '../../../test/support/long.ts';
import type { FaultEffect } from '../../core/fault.ts';
import { LoopBreaker, type LoopSide, loopTraitsOf } from './loop-breaker.ts';

const settings = { udpLoopWindowMs: 500, udpLoopReturnsMax: 100 };
const heldBytesMax = 1000;
const traitsOf = (...effects: FaultEffect[]) =>
  loopTraitsOf(
    effects.map((effect) => faultOf(effect)),
    heldBytesMax,
  );
const corrupt = { type: 'corrupt', bytes: 1 } as const;
const duplicate = { type: 'duplicate' } as const;
const latency = (delayMs: number) =>
  ({ type: 'latency', delayMs, jitterMs: 0, distribution: 'uniform' }) as const;
const plain: LoopSide = { pair: 7, traits: traitsOf() };

/** How many datagrams of `payloads` are answered when each answer comes back `gapMs` later, `rounds` times. */
function bounce(breaker: LoopBreaker, payloads: readonly Buffer[], gapMs: number, rounds: number) {
  let now = 1e15;
  let alive = payloads;
  let answered = 0;
  for (let round = 0; round < rounds && alive.length > 0; round++) {
    alive = alive.filter((payload) => !breaker.breaks(plain, payload, now));
    answered += alive.length;
    now += gapMs * 1000;
  }
  return { answered, alive: alive.length };
}

test('a datagram that loops is ended after so many returns, at any pace of the loop', () => {
  for (const gapMs of [0.1, 1, 100, 499]) {
    const end = bounce(new LoopBreaker(settings), [Buffer.from('x')], gapMs, 10_000);
    expect(end).toEqual({ answered: settings.udpLoopReturnsMax, alive: 0 });
  }
});

test('thousands of datagrams that loop at once all end, however full the table is', long, () => {
  const payloads = Array.from({ length: 100_000 }, (_, n) => Buffer.from(`payload ${n}`));
  const end = bounce(new LoopBreaker({ ...settings, udpLoopReturnsMax: 10 }), payloads, 1, 3000);
  expect(end.alive).toBe(0);
});

test('a table that others keep full ends a loop all the same', () => {
  const breaker = new LoopBreaker(settings);
  const others = Array.from({ length: 400_000 }, (_, n) => Buffer.from(`other ${n}`));
  for (const other of others) breaker.breaks({ ...plain, pair: 8 }, other, 1e15);
  const { answered, alive } = bounce(breaker, [Buffer.from('x')], 0.001, 10_000);
  expect(alive).toBe(0);
  expect(answered).toBeLessThanOrEqual(settings.udpLoopReturnsMax);
});

test('equal datagrams slower than the window, and different ones at any rate, are never refused', () => {
  const breaker = new LoopBreaker(settings);
  const slow = bounce(breaker, [Buffer.from('are you there?')], 501, 10_000);
  expect(slow).toEqual({ answered: 10_000, alive: 1 });
  const different = Array.from({ length: 10_000 }, (_, n) => Buffer.from(`datagram ${n}`));
  const now = 2e15;
  expect(different.filter((each) => breaker.breaks(plain, each, now))).toEqual([]);
});

test('a client that sends equal datagrams fast loses one in so many, and its neighbours none', () => {
  const breaker = new LoopBreaker(settings);
  const payload = Buffer.from('ping');
  let lost = 0;
  for (let n = 0; n < 1000; n++) if (breaker.breaks(plain, payload, 1e15 + n)) lost += 1;
  expect(lost).toBe(Math.floor(1000 / (settings.udpLoopReturnsMax + 1)));
  expect(breaker.breaks({ ...plain, pair: 8 }, payload, 1e15)).toBe(false);
});

/** Two echoes that answer each other, whose faults hold and change what passes. False: it goes on and on. */
function endsBetween(first: LoopSide, second: LoopSide, rounds = 20_000): boolean {
  const sides = [first, second].map((side) => ({ side, breaker: new LoopBreaker(settings) }));
  let now = 1e15;
  for (let round = 0; round < rounds; round++) {
    for (const { side, breaker } of sides) {
      const payload = Buffer.alloc(40);
      if (sides.some((one) => one.side.traits.isChanged)) payload.writeDoubleBE(now);
      if (breaker.breaks(side, payload, now)) return true;
      now += side.traits.heldMs * 1000 + 50;
      if (side.traits.isChanged) payload.writeDoubleBE(-now);
      breaker.answers(side, payload, breaker.lastReturns, now);
      now += 50;
    }
  }
  return false;
}

test.each([
  ['changed by one', [corrupt], []],
  ['changed by both', [corrupt], [corrupt]],
  ['held by one', [latency(5000)], []],
  ['held by both', [latency(5000)], [latency(5000)]],
  ['held by both, by one much longer', [latency(700)], [latency(3_600_000)]],
  ['held and changed by both', [latency(2000), corrupt], [corrupt, latency(3000)]],
  [
    'paced by both',
    [{ type: 'bandwidth', bytesPerSecond: 100, scope: 'connection' }],
    [latency(9000)],
  ],
] as const)('a loop that is %s ends', (_, first, second) => {
  expect(
    endsBetween({ pair: 1, traits: traitsOf(...first) }, { pair: 1, traits: traitsOf(...second) }),
  ).toBe(true);
});

test('what is changed is told apart by its length, and by nothing else', () => {
  const breaker = new LoopBreaker(settings);
  const changing = { pair: 7, traits: traitsOf(corrupt) };
  const lost = (length: number, from: number) =>
    Array.from({ length: 303 }, (__, n) => n).filter((n) => {
      const payload = Buffer.alloc(length);
      payload.writeUInt32BE(n);
      return breaker.breaks(changing, payload, from + n);
    }).length;
  expect(lost(10, 1e15)).toBe(3);
  expect(lost(11, 1e15)).toBe(3);
});

test('what is doubled ends, too: then nothing is answered until it is silent', () => {
  const breaker = new LoopBreaker(settings);
  const side = { pair: 7, traits: traitsOf(duplicate, corrupt) };
  let now = 1e15;
  let alive = 1;
  for (let round = 0; alive > 0 && round < 10_000; round++) {
    let next = 0;
    for (let n = 0; n < Math.min(alive, 20_000); n++) {
      const payload = Buffer.alloc(8);
      payload.writeDoubleBE(round + n / 20_000);
      if (!breaker.breaks(side, payload, now)) next += 2;
    }
    alive = next;
    now += 1000;
  }
  expect(alive).toBe(0);
  expect(breaker.breaks(side, Buffer.alloc(8), now + 501_000)).toBe(false);
});
