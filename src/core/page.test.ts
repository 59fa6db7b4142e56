import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sampleId } from '../../test/support/samples.ts';
import { hasCode } from './errors.ts';
import { begun, pageKey, pageToken } from './page.ts';

const query = { state: 'open', listenerId: null, labels: { env: 'ci' } };

function isRefused(token: string, of: object = query): boolean {
  try {
    pageKey(token, of);
    return false;
  } catch (error) {
    return hasCode(error, 'invalid_argument');
  }
}

test('a token gives its key back to the query that made it', () => {
  expect(pageKey(pageToken(sampleId(5), query), query)).toBe(sampleId(5));
});

test('an absent token is the start', () => {
  expect(pageKey(null, query)).toBeNull();
  expect(pageKey('', query)).toBeNull();
});

test('the order of fields and what is not given make no other query', () => {
  const same = { labels: { env: 'ci' }, protocol: undefined, state: 'open' };
  expect(pageKey(pageToken(sampleId(5), query), same)).toBe(sampleId(5));
});

test('the order of labels makes no other query', () => {
  const token = pageToken(sampleId(5), { labels: { a: '1', b: '2' } });
  expect(pageKey(token, { labels: { b: '2', a: '1' } })).toBe(sampleId(5));
});

test('neither the order of a list nor what is in it twice makes another query', () => {
  const token = pageToken(sampleId(5), { types: ['a', 'b'] });
  expect(pageKey(token, { types: ['b', 'a', 'b'] })).toBe(sampleId(5));
  expect(isRefused(token, { types: ['a'] })).toBe(true);
});

test('a token of another query is refused', () => {
  const token = pageToken(sampleId(5), query);
  expect(isRefused(token, { ...query, state: 'closed' })).toBe(true);
  expect(isRefused(token, { ...query, labels: { env: 'prod' } })).toBe(true);
  expect(isRefused(token, {})).toBe(true);
});

test('what is no token is refused', () => {
  const cut = pageToken(sampleId(5), query).slice(0, 10);
  const others = ['x', '!!!!', cut, Buffer.from('no colon anywhere').toString('base64url')];
  const forged = pageToken("1' OR true", query);
  expect([...others, forged].filter((token) => !isRefused(token))).toEqual([]);
  fc.assert(fc.property(fc.string({ minLength: 1 }), (token) => isRefused(token)));
});

test('what is begun has its first piece, fails before it is handed out, and returns its end', async () => {
  let reads = 0;
  async function* two() {
    for (const piece of [[1], [2, 3]]) {
      reads += 1;
      yield piece;
    }
    return 'end';
  }
  const pieces = await begun(two());
  expect(reads).toBe(1);
  expect([await pieces.next(), await pieces.next(), await pieces.next()]).toEqual([
    { done: false, value: [1] },
    { done: false, value: [2, 3] },
    { done: true, value: 'end' },
  ]);
  async function* failing() {
    yield await Promise.reject(new Error('another query'));
  }
  await expect(begun(failing())).rejects.toThrow('another query');
});
