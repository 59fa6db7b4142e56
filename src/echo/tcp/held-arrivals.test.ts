import { expect, test } from 'vitest';
import { waitFor } from '../../../test/support/wait-for.ts';
import type { Arrival } from './connection-host.ts';
import { HeldArrivals } from './held-arrivals.ts';
import type { TcpHandle } from './tcp-handle.ts';

const arrival = (number: number): Arrival => ({
  handle: {} as TcpHandle,
  acceptedAt: number,
  since: number,
});

function hold(count: number, room = Number.POSITIVE_INFINITY) {
  const taken: number[] = [];
  const state = { room };
  const held = new HeldArrivals({
    mayAccept: () => taken.length < state.room,
    accept: ({ since }) => void taken.push(since),
  });
  for (let number = 0; number < count; number += 1) held.add(arrival(number));
  return { held, taken, state };
}

const numbers = (count: number) => Array.from({ length: count }, (_, number) => number);

test('many are taken up in turns, and what comes meanwhile behind them', async () => {
  const { held, taken } = hold(2000);
  const turns: number[] = [];
  held.takeUp();
  held.takeUp();
  turns.push(taken.length);
  held.add(arrival(2000));
  await waitFor('all to be taken', () => {
    turns.push(taken.length);
    return held.isEmpty;
  });
  expect(turns[0]).toBeGreaterThan(0);
  expect(turns[0]).toBeLessThan(1000);
  expect(taken).toEqual(numbers(2001));
});

test('what may not be accepted waits until it is asked for again', async () => {
  const { held, taken, state } = hold(30, 10);
  held.takeUp();
  expect(taken).toEqual(numbers(10));
  held.add(arrival(30));
  state.room = Number.POSITIVE_INFINITY;
  held.takeUp();
  expect(taken).toEqual(numbers(31));
  expect(held.isEmpty).toBe(true);
});

test('what is drained is what was not taken, and nothing is taken after that', async () => {
  const { held, taken } = hold(2000);
  held.takeUp();
  const drained = held.drain().map(({ since }) => since);
  expect(held.isEmpty).toBe(true);
  const before = [...taken];
  await new Promise((resolve) => setImmediate(resolve));
  expect(taken).toEqual(before);
  expect([...taken, ...drained]).toEqual(numbers(2000));
});
