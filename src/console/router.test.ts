import { expect, test } from 'vitest';
import { changedQuery, pageOf } from './router.ts';

test.each([
  ['/', { name: 'live' }],
  ['/connections', { name: 'connections' }],
  ['/connections/', { name: 'connections' }],
  ['/connections/an-id', { name: 'connection', id: 'an-id' }],
  ['/listeners/a%20b%2Fc', { name: 'listener', key: 'a b/c' }],
  ['/listeners', { name: 'listeners' }],
  ['/listeners/%', null],
  ['/connections/a/b', null],
  ['/nodes', { name: 'nodes' }],
  ['/nodes/an-id', null],
  ['/keys', { name: 'keys' }],
  ['/keys/an-id', null],
  ['/docs', null],
  ['/v1/status', null],
])('%s is the page %j', (path, page) => {
  expect(pageOf(path)).toEqual(page);
});

test('a query is changed in what is named, and keeps the rest', () => {
  expect(changedQuery('?listener=tour&state=open', { state: null, at: 7 })).toBe(
    '?listener=tour&at=7',
  );
  expect(changedQuery('?at=7', { at: null })).toBe('');
  expect(changedQuery('', { label: ['a=b', 'c=d&e'] })).toBe('?label=a%3Db&label=c%3Dd%26e');
});
