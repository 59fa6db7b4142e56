import { expect, test } from 'vitest';
import { leaseMsAfter, leaseMsDefault, renewalMsOf } from './held-listener.ts';

const hourMs = 3_600_000;

test('a day of holding is renewed some sixty times', () => {
  let renewals = 0;
  let leaseMs = leaseMsDefault;
  for (let heldMs = renewalMsOf(leaseMs); heldMs < 24 * hourMs; heldMs += renewalMsOf(leaseMs)) {
    leaseMs = leaseMsAfter(heldMs);
    renewals += 1;
    expect(leaseMs).toBeLessThanOrEqual(Math.max(leaseMsDefault, Math.min(heldMs, hourMs)));
    expect(leaseMs).toBeGreaterThanOrEqual(leaseMsDefault);
  }
  expect(renewals).toBeGreaterThan(0);
  expect(renewals).toBeLessThan(70);
});

test('a lease is at most as long as it was held, and no shorter than the first', () => {
  expect(leaseMsAfter(0)).toBe(leaseMsDefault);
  expect(leaseMsAfter(leaseMsDefault + 0.4)).toBe(leaseMsDefault);
  expect(leaseMsAfter(hourMs / 2)).toBe(hourMs / 2);
  expect(leaseMsAfter(100 * hourMs)).toBe(hourMs);
});
