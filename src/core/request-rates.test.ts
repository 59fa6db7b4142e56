import { expect, test } from 'vitest';
import { rejection } from '../../test/support/samples.ts';
import { noQuotas, noTerms } from './quotas.ts';
import { RequestRates } from './request-rates.ts';

const key = { kind: 'key', id: 'one', hint: null } as const;
const operator = { kind: 'operator', id: null, hint: null } as const;

/** Rates under quotas that a test changes, at a time that it says. */
function makeRates() {
  const quotas = new Map<string, number>([
    ['a', 2],
    ['b', 2],
  ]);
  const time = { ms: 1000 };
  const termsFor = ({ project }: { readonly project: string }) => ({
    ...noTerms,
    quotas: { ...noQuotas, requestsPerSecond: quotas.get(project) ?? null },
  });
  const rates = new RequestRates({ termsFor }, () => time.ms);
  /** How many of so many calls pass. */
  const pass = (project: string, count: number, actor: typeof key | typeof operator = key) =>
    Array.from({ length: count }).filter(() => {
      try {
        rates.take({ project, actor });
        return true;
      } catch {
        return false;
      }
    }).length;
  return { quotas, time, rates, pass };
}

test('the keys of a project make so many calls in a second, and no more at once', () => {
  const { pass, time } = makeRates();
  expect([pass('a', 5), pass('b', 5)]).toEqual([2, 2]);
  time.ms += 500;
  expect(pass('a', 5)).toBe(1);
  time.ms += 3_600_000;
  expect(pass('a', 5)).toBe(2);
});

test('who has no quota, and an operator, is not held up', () => {
  const { pass } = makeRates();
  expect([pass('c', 9), pass('a', 9, operator), pass('a', 9)]).toEqual([9, 9, 2]);
});

test('another quota holds at once', () => {
  const { pass, quotas } = makeRates();
  expect(pass('a', 5)).toBe(2);
  quotas.set('a', 3);
  expect(pass('a', 5)).toBe(3);
  quotas.set('a', 0);
  expect(pass('a', 5)).toBe(0);
  quotas.delete('a');
  expect(pass('a', 5)).toBe(5);
});

test('a refusal says which quota it is, and when to come again', async () => {
  const { rates, pass } = makeRates();
  pass('a', 2);
  const refused = rejection((async () => rates.take({ project: 'a', actor: key }))());
  expect(await refused).toMatchObject({
    code: 'resource_exhausted',
    details: { limit: 'requestsPerSecond', limitValue: 2, retryAfterMs: 500 },
  });
});
