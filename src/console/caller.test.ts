import { expect, test } from 'vitest';
import { fullest, isForReading, type QuotaView, usedPart } from './caller.ts';

const quota = (name: QuotaView['name'], limit: number | null, used: number | null): QuotaView => ({
  ...{ name, limit, used },
});

test.each([
  [10, 5, 0.5],
  [10, 12, 1],
  [0, 0, 1],
  [null, 7, null],
  [10, null, null],
])('of %s with %s used the part is %s', (limit, used, part) => {
  expect(usedPart(quota('listeners', limit, used))).toBe(part);
});

test('the fullest quota is one that is counted and has a limit', () => {
  const keys = quota('keys', 20, 12);
  const others = [
    ...[quota('listeners', 10, 5), quota('streams', 1, null), quota('nodes', null, 9)],
    // Nothing is refused where the log is full: its oldest events go.
    quota('eventsKept', 100, 100),
  ];
  expect(fullest([...others, keys])).toBe(keys);
  expect(fullest([quota('streams', 1, null)])).toBeNull();
});

test.each([
  [['listeners:read', 'events:read'], true],
  [['listeners:read', 'connections:write'], false],
  [['listeners:read', 'operator'], false],
  [null, false],
] as const)('whether a key with %j may change nothing is %s', (scopes, isReader) => {
  expect(isForReading(scopes)).toBe(isReader);
});
