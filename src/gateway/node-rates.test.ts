import { expect, test } from 'vitest';
import { NodeRates } from './node-rates.ts';

test('a node has the same rates in each of its sessions, and beside so many others anew', () => {
  const limits = { observedPerSecond: 1, observedBurstMax: 1, sessionsPerMinute: 1 };
  const rates = new NodeRates({ ...limits, nodeRatesMax: 2 });
  const first = rates.of('one', 0);
  rates.of('two', 0);
  expect(rates.of('one', 0)).toBe(first);
  rates.of('three', 0);
  expect(rates.of('one', 0)).toBe(first);
  rates.of('two', 0);
  rates.of('three', 0);
  expect(rates.of('one', 0)).not.toBe(first);
});
