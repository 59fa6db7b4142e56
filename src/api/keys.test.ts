import { expect, test } from 'vitest';
import { tokenKeys } from '../../test/support/token-keys.ts';
import { operator } from '../core/caller.ts';
import { identify } from './keys.ts';

const presented = (authorization: string | undefined) => ({
  ...{ authorization, project: undefined, sourceIp: '127.0.0.1' },
  ...{ userAgent: null, requestId: 'request', operation: null },
});

test('the token is an operator, whatever stands around it', async () => {
  const keys = tokenKeys('sesame-open-sesame');
  expect(await identify(keys, presented('Bearer sesame-open-sesame'))).toBe(operator);
  expect(await identify(keys, presented('bearer  sesame-open-sesame'))).toBe(operator);
});

test.each([
  undefined,
  '',
  'Bearer',
  'Bearer ',
  'Bearer sesame-open-sesam',
  'Bearer sesame-open-sesame2',
  'Bearer Sesame-open-sesame',
  'Basic sesame-open-sesame',
  'sesame-open-sesame',
  'Bearer sesame-open-sesame sesame-open-sesame',
])('nobody is who shows %s', async (authorization) => {
  const keys = tokenKeys('sesame-open-sesame');
  await expect(identify(keys, presented(authorization))).rejects.toMatchObject({
    code: 'unauthenticated',
    message: expect.stringMatching(/^authorization: /),
  });
});

test('without a token all are operators, but who shows a key that is none', async () => {
  expect(await identify(tokenKeys(null), presented(undefined))).toBe(operator);
  await expect(identify(tokenKeys(null), presented('Bearer anything'))).rejects.toMatchObject({
    code: 'unauthenticated',
  });
});

test('an operator names a project', async () => {
  const shown = { ...presented(undefined), project: 'team-a' };
  expect(await identify(tokenKeys(null), shown)).toEqual({
    ...operator,
    ...{ project: 'team-a', isProjectNamed: true },
  });
  for (const project of ['Team', '', 'a_b', 'a'.repeat(64), '1a']) {
    await expect(identify(tokenKeys(null), { ...shown, project })).rejects.toMatchObject({
      code: 'invalid_argument',
    });
  }
});
