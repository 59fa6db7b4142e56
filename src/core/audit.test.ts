import { expect, test } from 'vitest';
import { auditedCaller, changeBytesMax, changeOf } from './audit.ts';

test('a change is the fields that differ, of both sides', () => {
  expect(changeOf({ a: 1, b: [1], c: null }, { a: 2, b: [1], c: null })).toEqual({
    ...{ before: { a: 1 }, after: { a: 2 }, cut: [] },
  });
  expect(changeOf(null, { a: 1 })).toEqual({ before: null, after: { a: 1 }, cut: [] });
  expect(changeOf({ a: 1 }, null)).toEqual({ before: { a: 1 }, after: null, cut: [] });
});

test('times are told as text, wherever they lie', () => {
  const time = Date.UTC(2026, 10, 26) * 1000;
  const after = { expiresAt: time, faults: [{ expiresAt: time, seed: time }] };
  expect(changeOf({ expiresAt: null, faults: [] }, after).after).toEqual({
    expiresAt: '2026-11-26T00:00:00.000000Z',
    faults: [{ expiresAt: '2026-11-26T00:00:00.000000Z', seed: time }],
  });
});

test('of what is too large the largest fields are left out, and named', () => {
  const large = 'ü'.repeat(changeBytesMax / 4);
  const change = changeOf(
    { labels: { large }, name: 'one', faults: [large], mode: 'echo' },
    { labels: {}, name: 'two', faults: [large, large], mode: 'info' },
  );
  expect(change).toEqual({
    before: { name: 'one', mode: 'echo', labels: { large } },
    after: { name: 'two', mode: 'info', labels: {} },
    cut: ['faults'],
  });
  const whole = changeOf(null, { a: large, b: large, c: 'x' });
  expect(whole).toMatchObject({ after: { c: 'x' } });
  expect(JSON.stringify(whole).length).toBeLessThan(changeBytesMax);
  expect(whole.cut.length).toBe(1);
});

test('what a program calls itself is bounded', () => {
  const actor = { kind: 'key', id: null, hint: null } as const;
  const caller = { actor, requestId: '', sourceIp: null, userAgent: 'x'.repeat(9999) };
  expect(auditedCaller(caller).userAgent).toHaveLength(256);
});
