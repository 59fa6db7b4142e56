import { expect, test } from 'vitest';
import { NodeRates } from './node-rates.ts';

test('a node has the same rates in each of its sessions, and beside so many others anew', () => {
  const limits = { observedPerSecond: 1, observedBurstMax: 1, sessionsPerMinute: 10 };
  const rates = new NodeRates({ ...limits, nodeRatesMax: 2 });
  const first = rates.begin('one', 0);
  rates.begin('two', 0);
  expect(rates.begin('one', 0)).toBe(first);
  rates.begin('three', 0);
  expect(rates.begin('one', 0)).toBe(first);
  rates.begin('two', 0);
  rates.begin('three', 0);
  expect(rates.begin('one', 0)).not.toBe(first);
});
