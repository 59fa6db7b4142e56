import { expect, test } from 'vitest';
import { type KeyView, keyStateOf, scopeChoice } from './key-states.ts';

const now = Date.parse('2026-11-26T12:00:00Z');
const before = '2026-11-26T11:00:00.000000Z';
const after = '2026-11-26T13:00:00.000000Z';
const key: KeyView = {
  id: '01987c5e-0000-7000-8000-000000000001',
  ...{ project: 'team-a', name: 'ci', scopes: ['listeners:read'], hint: 'kodama_4hXyz…9QkL' },
  createdBy: { kind: 'operator', id: null, hint: null },
  ...{ createdAt: before, expiresAt: null, formerSecretEndsAt: null, revokedAt: null },
  ...{ lastUsedAt: null, lastUsedIp: null },
};

test.each([
  [{}, 'good'],
  [{ expiresAt: after }, 'good'],
  [{ expiresAt: before }, 'expired'],
  [{ formerSecretEndsAt: after }, 'rotating'],
  [{ formerSecretEndsAt: before }, 'good'],
  [{ revokedAt: before, formerSecretEndsAt: after, expiresAt: before }, 'revoked'],
])('a key with %j is %s', (given, state) => {
  expect(keyStateOf({ ...key, ...given }, now)).toBe(state);
});

test('a new key is offered what its giver has, by its short form where that is all there', () => {
  const reads = ['listeners:read', 'connections:read', 'events:read', 'nodes:read'] as const;
  expect(scopeChoice([...reads, 'listeners:write', 'keys:write', 'operator'])).toEqual({
    usual: ['read', 'keys:write'],
    parts: [...reads, 'listeners:write'],
  });
  expect(scopeChoice(['events:read', 'metrics:read'])).toEqual({
    usual: [],
    parts: ['events:read'],
  });
});
