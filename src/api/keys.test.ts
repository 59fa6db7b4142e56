import { expect, test } from 'vitest';
import { operator } from '../core/caller.ts';
import { identify, tokenKeys } from './keys.ts';

test('the token is an operator, whatever stands around it', async () => {
  const keys = tokenKeys('sesame-open-sesame');
  expect(await identify(keys, 'Bearer sesame-open-sesame')).toBe(operator);
  expect(await identify(keys, 'bearer  sesame-open-sesame')).toBe(operator);
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
  await expect(identify(keys, authorization)).rejects.toMatchObject({
    code: 'unauthenticated',
    message: expect.stringMatching(/^authorization: /),
  });
});

test('without a token all are operators', async () => {
  expect(await identify(tokenKeys(null), undefined)).toBe(operator);
  expect(await identify(tokenKeys(null), 'Bearer anything')).toBe(operator);
});
