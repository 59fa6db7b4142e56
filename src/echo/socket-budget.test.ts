import { expect, test } from 'vitest';
import { SocketBudget } from './socket-budget.ts';

test('so many can be taken, and taken again when they are given back', () => {
  const budget = new SocketBudget(2, () => undefined);
  expect([budget.take(), budget.take(), budget.take()]).toEqual([true, true, false]);
  budget.release();
  expect([budget.take(), budget.take()]).toEqual([true, false]);
});

test('that none is left is told once, and again only after there was room', () => {
  const told: number[] = [];
  const budget = new SocketBudget(20, (max) => told.push(max));
  const fill = () => {
    while (budget.take());
  };
  fill();
  budget.take();
  budget.release();
  fill();
  expect(told).toEqual([20]);
  for (let n = 0; n < 5; n++) budget.release();
  fill();
  expect(told).toEqual([20, 20]);
});

test('it is never more than the system lets a process open', () => {
  const { max } = new SocketBudget(Number.MAX_SAFE_INTEGER, () => undefined);
  if (process.platform === 'linux') expect(max).toBeLessThan(Number.MAX_SAFE_INTEGER);
  expect(max).toBeGreaterThan(0);
});
